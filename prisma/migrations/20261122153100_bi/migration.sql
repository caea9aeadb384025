-- What BI tools read: schema bi. docs/bi.md is for its users, docs/adr/0014-bi.md says why it is so. `ringledger bi grant` makes
-- the roles: a migration may not, since roles are the cluster's.

create table bi_secret (
  single boolean not null default true,
  inner_key bytea not null,
  outer_key bytea not null,
  constraint bi_secret_pkey primary key (single),
  constraint bi_secret_single_check check (single),
  constraint bi_secret_length_check check (length(inner_key) = 64 and length(outer_key) = 64)
);
comment on table bi_secret is
  'One row: what numbers are hashed with for their keys in bi. Whoever has it can try all numbers, so no role but the owner reads it.';
-- Each gen_random_uuid() has 122 bits of the system''s strong randomness.
insert into bi_secret (inner_key, outer_key)
select decode(string_agg(replace(a::text, '-', ''), ''), 'hex'), decode(string_agg(replace(b::text, '-', ''), ''), 'hex')
from (select gen_random_uuid() as a, gen_random_uuid() as b from generate_series(1, 4)) as drawn;

-- As maskedNumber of src/log.mask.ts; test/db/bi-masks.spec.ts compares the two.
create function bi_masked(number text) returns text language sql immutable strict parallel safe
return case
  when number !~ '[0-9]' then number
  when length(number) - (number like '+%')::integer < 7 then left(number, (number like '+%')::integer) || '*****'
  else left(number, (number like '+%')::integer + least(4, length(number) - (number like '+%')::integer - 7))
    || '*****' || right(number, 2)
end;
comment on function bi_masked is 'A number with its middle hidden: +4420*****12.';

-- HMAC with its two keys drawn apart (NMAC): whoever sees results cannot try numbers without the keys. 96 bits: among 100 million
-- numbers two share a key with a chance of 1 in 10^13. A leading + makes no other number.
create function bi_pseudonym(number text, inner_key bytea, outer_key bytea) returns text language sql immutable strict parallel safe
return left(encode(sha256(outer_key || sha256(inner_key || convert_to(ltrim(number, '+'), 'UTF8'))), 'hex'), 24);
comment on function bi_pseudonym is 'The same text for the same number, from which the number cannot be found without the keys.';

-- Functions in a view run as whoever reads it, so this speaks of the reader.
create function bi_sees_clear() returns boolean language sql stable parallel safe
return (select coalesce(bool_or(pg_has_role(oid, 'usage')), false) from pg_roles where rolname = 'ringledger_bi_clear');
comment on function bi_sees_clear is 'Whether the reader may see numbers: a member of ringledger_bi_clear.';

create schema bi;
comment on schema bi is
  'What BI tools read: flat views with stable names. Times are timestamptz, spans are in ms and end in _ms, unknown is null. '
  'Numbers are masked unless the reader is a member of ringledger_bi_clear.';

create view bi.calls with (security_barrier = true) as
select
  id, call_key, source_key as source, call_id, state, disposition, disposition_basis,
  case when (select bi_sees_clear()) then caller_number else bi_masked(caller_number) end as caller_number,
  bi_pseudonym(caller_number, (select inner_key from bi_secret), (select outer_key from bi_secret)) as caller_key,
  case when (select bi_sees_clear()) then callee_number else bi_masked(callee_number) end as callee_number,
  bi_pseudonym(callee_number, (select inner_key from bi_secret), (select outer_key from bi_secret)) as callee_key,
  case when (select bi_sees_clear()) then forward_number else bi_masked(forward_number) end as forward_number,
  bi_pseudonym(forward_number, (select inner_key from bi_secret), (select outer_key from bi_secret)) as forward_key,
  menu_id, menu_name, first_seen_at, ringing_at, ringing_at_earliest, ringing_code, answered_at,
  answered_at_earliest, ended_at, ended_at_earliest, presumed_ended_at, end_provenance, ring_ms, ring_ms_min,
  ring_ms_max, talk_ms, talk_ms_min, talk_ms_max, late, conflict, notification_count, duplicate_count,
  missing_count, settled, revision, updated_at
from public.call;
comment on view bi.calls is
  'One row per call: what happened, as far as is known now. Read it by first_seen_at, which has an index.';
comment on column bi.calls.id is 'Stable id of the call.';
comment on column bi.calls.call_key is 'Joins bi.calls, bi.notifications and bi.gaps: stands for source and Call ID. Calls that used one Call ID again share it.';
comment on column bi.calls.source is 'Key of the source that reported the call.';
comment on column bi.calls.call_id is 'Call ID as the source wrote it; sources may use one again for a later call.';
comment on column bi.calls.state is 'Where the call is now: ringing, answered, ended.';
comment on column bi.calls.disposition is 'How the call turned out: answered, not_answered, or unknown (an OK may have been missed). Null until it ended.';
comment on column bi.calls.disposition_basis is 'What that rests on: reported, proven (serials leave no room), inferred. Null until it ended, and for unknown.';
comment on column bi.calls.caller_number is 'Caller number; masked (+4420*****12) unless the reader is a member of ringledger_bi_clear. Null: not reported.';
comment on column bi.calls.caller_key is 'Stands for the caller number: the same for the same number, in every view; count distinct by it. Null: not reported.';
comment on column bi.calls.callee_number is 'Callee number; masked (+4420*****12) unless the reader is a member of ringledger_bi_clear. Null: not reported.';
comment on column bi.calls.callee_key is 'Stands for the callee number: the same for the same number, in every view; count distinct by it. Null: not reported.';
comment on column bi.calls.forward_number is 'Forward number; masked (+4420*****12) unless the reader is a member of ringledger_bi_clear. Null: not reported.';
comment on column bi.calls.forward_key is 'Stands for the forward number: the same for the same number, in every view; count distinct by it. Null: not reported.';
comment on column bi.calls.menu_id is 'Id of the IVR menu the call came from.';
comment on column bi.calls.menu_name is 'Name of that menu.';
comment on column bi.calls.first_seen_at is 'First receipt of any notification of the call; hours and days count by it.';
comment on column bi.calls.ringing_at is 'Best estimate of when the callee began to ring.';
comment on column bi.calls.ringing_at_earliest is 'Ringing began no earlier than this.';
comment on column bi.calls.ringing_code is '180 or 183 as the earliest Ringing said.';
comment on column bi.calls.answered_at is 'Best estimate of the answer. Null: not answered, or its OK is missing (see disposition).';
comment on column bi.calls.answered_at_earliest is 'The answer came no earlier than this.';
comment on column bi.calls.ended_at is 'Best estimate of the end, from the Bye; null while none was seen.';
comment on column bi.calls.ended_at_earliest is 'The end came no earlier than this.';
comment on column bi.calls.presumed_ended_at is 'Last event plus the stale limit, when no Bye came by then.';
comment on column bi.calls.end_provenance is 'How the end is known: reported, presumed. Null until it ended.';
comment on column bi.calls.ring_ms is 'Ringing until answer or end, in ms.';
comment on column bi.calls.ring_ms_min is 'ring_ms is at least this.';
comment on column bi.calls.ring_ms_max is 'ring_ms is at most this; null when an earlier Ringing may be missing.';
comment on column bi.calls.talk_ms is 'Answer until end in ms, unrounded: what is billed; null unless both are known.';
comment on column bi.calls.talk_ms_min is 'talk_ms is at least this.';
comment on column bi.calls.talk_ms_max is 'talk_ms is at most this.';
comment on column bi.calls.late is 'A time of the call shows evidence of delayed receipt: use the bounds.';
comment on column bi.calls.conflict is 'Copies or notifications of the call disagree.';
comment on column bi.calls.notification_count is 'Notifications stored, copies aside.';
comment on column bi.calls.duplicate_count is 'Copies received beyond the first of each notification.';
comment on column bi.calls.missing_count is 'Notifications known to be missing.';
comment on column bi.calls.settled is 'No ordinary retry and no backlog can still change the record.';
comment on column bi.calls.revision is 'Rises when a field of the record changes.';
comment on column bi.calls.updated_at is 'When the record was last written.';

create view bi.notifications with (security_barrier = true) as
select
  call_key, source_key as source, call_id, serial, state, state_raw, first_at as received_at, last_at as last_received_at, copies,
  case when (select bi_sees_clear()) then caller_number else bi_masked(caller_number) end as caller_number,
  bi_pseudonym(caller_number, (select inner_key from bi_secret), (select outer_key from bi_secret)) as caller_key,
  case when (select bi_sees_clear()) then callee_number else bi_masked(callee_number) end as callee_number,
  bi_pseudonym(callee_number, (select inner_key from bi_secret), (select outer_key from bi_secret)) as callee_key,
  case when (select bi_sees_clear()) then forward_number else bi_masked(forward_number) end as forward_number,
  bi_pseudonym(forward_number, (select inner_key from bi_secret), (select outer_key from bi_secret)) as forward_key,
  menu_id, menu_name
from public.notification;
comment on view bi.notifications is
  'One row per notification and content received, for RETENTION_DAYS. Read it by source and received_at, which have an index.';
comment on column bi.notifications.call_key is 'Joins bi.calls, bi.notifications and bi.gaps.';
comment on column bi.notifications.source is 'Key of the source.';
comment on column bi.notifications.call_id is 'Call ID as the source wrote it.';
comment on column bi.notifications.serial is 'Serial Number as received.';
comment on column bi.notifications.state is 'ringing, 180, 183, ok, bye; early:<raw> for a state before any ringing, other:<raw> for one nobody knows.';
comment on column bi.notifications.state_raw is 'Call State as received.';
comment on column bi.notifications.received_at is 'First receipt.';
comment on column bi.notifications.last_received_at is 'Receipt of the last copy.';
comment on column bi.notifications.copies is 'How often it arrived.';
comment on column bi.notifications.caller_number is 'Caller number; masked (+4420*****12) unless the reader is a member of ringledger_bi_clear. Null: not reported.';
comment on column bi.notifications.caller_key is 'Stands for the caller number: the same for the same number, in every view; count distinct by it. Null: not reported.';
comment on column bi.notifications.callee_number is 'Callee number; masked (+4420*****12) unless the reader is a member of ringledger_bi_clear. Null: not reported.';
comment on column bi.notifications.callee_key is 'Stands for the callee number: the same for the same number, in every view; count distinct by it. Null: not reported.';
comment on column bi.notifications.forward_number is 'Forward number; masked (+4420*****12) unless the reader is a member of ringledger_bi_clear. Null: not reported.';
comment on column bi.notifications.forward_key is 'Stands for the forward number: the same for the same number, in every view; count distinct by it. Null: not reported.';
comment on column bi.notifications.menu_id is 'Menu id as received.';
comment on column bi.notifications.menu_name is 'Menu name as received.';

create view bi.gaps with (security_barrier = true) as
select
  id, call_key, source_key as source, call_id, kind, certainty, status, from_serial, to_serial, from_at, to_at, opened_at, deadline_at,
  closed_at, estimated_lost, detail
from public.gap;
comment on view bi.gaps is
  'One row per thing we may have missed: read it beside every count.';
comment on column bi.gaps.id is 'Stable id of the gap.';
comment on column bi.gaps.call_key is 'Joins bi.calls; null for a gap of the source.';
comment on column bi.gaps.source is 'Key of the source.';
comment on column bi.gaps.call_id is 'Call ID it belongs to; null for a gap of the source.';
comment on column bi.gaps.kind is 'What may have been missed: serial, state, outage, overflow, silence, quarantine.';
comment on column bi.gaps.certainty is 'certain (serials or states prove it) or possible.';
comment on column bi.gaps.status is 'open, filled, lost or explained.';
comment on column bi.gaps.from_serial is 'First missing serial, where serials show the gap.';
comment on column bi.gaps.to_serial is 'Last missing serial; null when open-ended or not shown by serials.';
comment on column bi.gaps.from_at is 'What is missing was sent at this time or later.';
comment on column bi.gaps.to_at is 'What is missing was sent at this time or earlier; null when open-ended.';
comment on column bi.gaps.opened_at is 'When the gap was declared.';
comment on column bi.gaps.deadline_at is 'Until then a retry may still fill it.';
comment on column bi.gaps.closed_at is 'When it was filled, lost or explained.';
comment on column bi.gaps.estimated_lost is 'Expected number of lost notifications; null when not estimated.';
comment on column bi.gaps.detail is 'The gap in words.';

create view bi.hourly with (security_barrier = true) as
select
  hour_start, source_key as source, menu_id, menu_name,
  calls, answered, not_answered, unknown, open, presumed_ended, unsettled, rung, rung_answered,
  rung_not_answered, talk_calls, talk_ms, ring_calls, ring_ms, late, conflict, missing,
  rung_answered::double precision / nullif(rung_answered + rung_not_answered, 0) as answer_ratio_rung,
  talk_ms::double precision / nullif(talk_calls, 0) as acd_ms,
  ring_ms_p50, ring_ms_p95,
  (select count(*) from public.gap
   where gap.source_key = counted.source_key and (status in ('open', 'lost') or kind = 'outage' and certainty = 'certain')
     and from_at < counted.hour_start + interval '1 hour' and (to_at is null or to_at >= counted.hour_start))::integer as gaps,
  counted_at
from public.call_hour as counted;
comment on view bi.hourly is
  'Calls by hour of first receipt (UTC), source and menu. A hour without a row is one without calls: whether anybody listened is in bi.gaps.';
comment on column bi.hourly.hour_start is 'The hour (UTC), as its begin.';
comment on column bi.hourly.source is 'Key of the source.';
comment on column bi.hourly.menu_id is 'Id of the menu; null for calls without one.';
comment on column bi.hourly.menu_name is 'Name of the menu.';
comment on column bi.hourly.calls is 'Calls first seen in it, those not ended yet among them.';
comment on column bi.hourly.answered is 'Of these: answered.';
comment on column bi.hourly.not_answered is 'Of these: ended and not answered.';
comment on column bi.hourly.unknown is 'Of these: ended, and an OK may have been missed; neither answered nor not.';
comment on column bi.hourly.open is 'Of these: not ended yet.';
comment on column bi.hourly.presumed_ended is 'Of these: no Bye came within the stale limit.';
comment on column bi.hourly.unsettled is 'Of these: an ordinary retry or a backlog can still change the record; 0 makes the row final but for corrections.';
comment on column bi.hourly.rung is 'Calls whose ringing was reported.';
comment on column bi.hourly.rung_answered is 'Of those that rang: answered.';
comment on column bi.hourly.rung_not_answered is 'Of those that rang: ended and not answered.';
comment on column bi.hourly.talk_calls is 'Calls whose talk time is known.';
comment on column bi.hourly.talk_ms is 'Their talk time together, in ms.';
comment on column bi.hourly.ring_calls is 'Calls whose ringing time is known.';
comment on column bi.hourly.ring_ms is 'Their ringing time together, in ms.';
comment on column bi.hourly.late is 'Calls with a time that shows evidence of delay.';
comment on column bi.hourly.conflict is 'Calls whose notifications disagree.';
comment on column bi.hourly.missing is 'Notifications known to be missing, of all of the calls.';
comment on column bi.hourly.answer_ratio_rung is 'rung_answered / (rung_answered + rung_not_answered), 0 to 1; null where no such call has a known outcome. No ASR: calls that never rang are not known.';
comment on column bi.hourly.acd_ms is 'Average talk time of the calls that have one, in ms; null without any.';
comment on column bi.hourly.ring_ms_p50 is 'Half of the calls with a ring_ms rang for at most so long (a value that occurred); null without any. Cannot be added up.';
comment on column bi.hourly.ring_ms_p95 is 'As ring_ms_p50, of 95 in 100.';
comment on column bi.hourly.gaps is 'Gaps of the source that overlap the hour and may have cost calls: open or lost, or a certain outage. The same on each row of the source: never add it up over menus.';
comment on column bi.hourly.counted_at is 'When it was counted last; at most about half a minute behind what has changed.';

create view bi.daily with (security_barrier = true) as
select
  (day_start at time zone 'UTC')::date as day, source_key as source, menu_id, menu_name,
  calls, answered, not_answered, unknown, open, presumed_ended, unsettled, rung, rung_answered,
  rung_not_answered, talk_calls, talk_ms, ring_calls, ring_ms, late, conflict, missing,
  rung_answered::double precision / nullif(rung_answered + rung_not_answered, 0) as answer_ratio_rung,
  talk_ms::double precision / nullif(talk_calls, 0) as acd_ms,
  (select count(*) from public.gap
   where gap.source_key = counted.source_key and (status in ('open', 'lost') or kind = 'outage' and certainty = 'certain')
     and from_at < counted.day_start + interval '1 day' and (to_at is null or to_at >= counted.day_start))::integer as gaps,
  counted_at
from public.call_day as counted;
comment on view bi.daily is
  'Calls by day of first receipt (UTC), source and menu. A day without a row is one without calls: whether anybody listened is in bi.gaps.';
comment on column bi.daily.day is 'The day (UTC).';
comment on column bi.daily.source is 'Key of the source.';
comment on column bi.daily.menu_id is 'Id of the menu; null for calls without one.';
comment on column bi.daily.menu_name is 'Name of the menu.';
comment on column bi.daily.calls is 'Calls first seen in it, those not ended yet among them.';
comment on column bi.daily.answered is 'Of these: answered.';
comment on column bi.daily.not_answered is 'Of these: ended and not answered.';
comment on column bi.daily.unknown is 'Of these: ended, and an OK may have been missed; neither answered nor not.';
comment on column bi.daily.open is 'Of these: not ended yet.';
comment on column bi.daily.presumed_ended is 'Of these: no Bye came within the stale limit.';
comment on column bi.daily.unsettled is 'Of these: an ordinary retry or a backlog can still change the record; 0 makes the row final but for corrections.';
comment on column bi.daily.rung is 'Calls whose ringing was reported.';
comment on column bi.daily.rung_answered is 'Of those that rang: answered.';
comment on column bi.daily.rung_not_answered is 'Of those that rang: ended and not answered.';
comment on column bi.daily.talk_calls is 'Calls whose talk time is known.';
comment on column bi.daily.talk_ms is 'Their talk time together, in ms.';
comment on column bi.daily.ring_calls is 'Calls whose ringing time is known.';
comment on column bi.daily.ring_ms is 'Their ringing time together, in ms.';
comment on column bi.daily.late is 'Calls with a time that shows evidence of delay.';
comment on column bi.daily.conflict is 'Calls whose notifications disagree.';
comment on column bi.daily.missing is 'Notifications known to be missing, of all of the calls.';
comment on column bi.daily.answer_ratio_rung is 'rung_answered / (rung_answered + rung_not_answered), 0 to 1; null where no such call has a known outcome. No ASR: calls that never rang are not known.';
comment on column bi.daily.acd_ms is 'Average talk time of the calls that have one, in ms; null without any.';
comment on column bi.daily.gaps is 'Gaps of the source that overlap the day and may have cost calls: open or lost, or a certain outage. The same on each row of the source: never add it up over menus.';
comment on column bi.daily.counted_at is 'When it was counted last; at most about half a minute behind what has changed.';

create view bi.sources with (security_barrier = true) as
select
  key as source, name, codec->>'codec' as codec, coalesce(codec->>'charset', charset) as charset, locked, serial_meaning,
  created_at, last_heard_at
from public.source;
comment on view bi.sources is
  'One row per IVR that reports here.';
comment on column bi.sources.source is 'Immutable key of the source; what the other views name it by.';
comment on column bi.sources.name is 'Name as configured; may change.';
comment on column bi.sources.codec is 'How its datagrams are written; null until detected.';
comment on column bi.sources.charset is 'Character set of its datagrams.';
comment on column bi.sources.locked is 'The codec is locked: datagrams written otherwise are quarantined.';
comment on column bi.sources.serial_meaning is 'What its serials count.';
comment on column bi.sources.created_at is 'When it was first heard or configured.';
comment on column bi.sources.last_heard_at is 'Last datagram of any kind; null: never heard.';

create view bi.menus with (security_barrier = true) as
select
  source_key as source, menu_id,
  (array_agg(menu_name order by day_start desc) filter (where menu_name is not null))[1] as menu_name,
  (min(day_start) at time zone 'UTC')::date as first_day, (max(day_start) at time zone 'UTC')::date as last_day, sum(calls)::bigint as calls
from public.call_day where menu_id is not null group by source_key, menu_id;
comment on view bi.menus is
  'One row per source and menu id that calls came from.';
comment on column bi.menus.source is 'Key of the source.';
comment on column bi.menus.menu_id is 'Id of the menu.';
comment on column bi.menus.menu_name is 'Its last name; null: none was reported.';
comment on column bi.menus.first_day is 'First day (UTC) with a call.';
comment on column bi.menus.last_day is 'Last day (UTC) with a call.';
comment on column bi.menus.calls is 'Calls of all days.';
