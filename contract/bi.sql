-- Schema bi, which is a promise: columns may be added at the end of a view, none is taken away or changed.

view bi.calls -- One row per call: what happened, as far as is known now. Read it by first_seen_at, which has an index.
  id uuid -- Stable id of the call.
  call_key uuid -- Joins bi.calls, bi.notifications and bi.gaps: stands for source and Call ID. Calls that used one Call ID again share it.
  source text -- Key of the source that reported the call.
  call_id text -- Call ID as the source wrote it; sources may use one again for a later call.
  state text -- Where the call is now: ringing, answered, ended.
  disposition text -- How the call turned out: answered, not_answered, or unknown (an OK may have been missed). Null until it ended.
  disposition_basis text -- What that rests on: reported, proven (serials leave no room), inferred. Null until it ended, and for unknown.
  caller_number text -- Caller number; masked (+4420*****12) unless the reader is a member of ringledger_bi_clear. Null: not reported.
  caller_key text -- Stands for the caller number: the same for the same number, in every view; count distinct by it. Null: not reported.
  callee_number text -- Callee number; masked (+4420*****12) unless the reader is a member of ringledger_bi_clear. Null: not reported.
  callee_key text -- Stands for the callee number: the same for the same number, in every view; count distinct by it. Null: not reported.
  forward_number text -- Forward number; masked (+4420*****12) unless the reader is a member of ringledger_bi_clear. Null: not reported.
  forward_key text -- Stands for the forward number: the same for the same number, in every view; count distinct by it. Null: not reported.
  menu_id text -- Id of the IVR menu the call came from.
  menu_name text -- Name of that menu.
  first_seen_at timestamp(3) with time zone -- First receipt of any notification of the call; hours and days count by it.
  ringing_at timestamp(3) with time zone -- Best estimate of when the callee began to ring.
  ringing_at_earliest timestamp(3) with time zone -- Ringing began no earlier than this.
  ringing_code text -- 180 or 183 as the earliest Ringing said.
  answered_at timestamp(3) with time zone -- Best estimate of the answer. Null: not answered, or its OK is missing (see disposition).
  answered_at_earliest timestamp(3) with time zone -- The answer came no earlier than this.
  ended_at timestamp(3) with time zone -- Best estimate of the end, from the Bye; null while none was seen.
  ended_at_earliest timestamp(3) with time zone -- The end came no earlier than this.
  presumed_ended_at timestamp(3) with time zone -- Last event plus the stale limit, when no Bye came by then.
  end_provenance text -- How the end is known: reported, presumed. Null until it ended.
  ring_ms bigint -- Ringing until answer or end, in ms.
  ring_ms_min bigint -- ring_ms is at least this.
  ring_ms_max bigint -- ring_ms is at most this; null when an earlier Ringing may be missing.
  talk_ms bigint -- Answer until end in ms, unrounded: what is billed; null unless both are known.
  talk_ms_min bigint -- talk_ms is at least this.
  talk_ms_max bigint -- talk_ms is at most this.
  late boolean -- A time of the call shows evidence of delayed receipt: use the bounds.
  conflict boolean -- Copies or notifications of the call disagree.
  notification_count integer -- Notifications stored, copies aside.
  duplicate_count integer -- Copies received beyond the first of each notification.
  missing_count integer -- Notifications known to be missing.
  settled boolean -- No ordinary retry and no backlog can still change the record.
  revision integer -- Rises when a field of the record changes.
  updated_at timestamp(3) with time zone -- When the record was last written.

view bi.daily -- Calls by day of first receipt (UTC), source and menu. A day without a row is one without calls: whether anybody listened is in bi.gaps.
  day date -- The day (UTC).
  source text -- Key of the source.
  menu_id text -- Id of the menu; null for calls without one.
  menu_name text -- Name of the menu.
  calls integer -- Calls first seen in it, those not ended yet among them.
  answered integer -- Of these: answered.
  not_answered integer -- Of these: ended and not answered.
  unknown integer -- Of these: ended, and an OK may have been missed; neither answered nor not.
  open integer -- Of these: not ended yet.
  presumed_ended integer -- Of these: no Bye came within the stale limit.
  unsettled integer -- Of these: an ordinary retry or a backlog can still change the record; 0 makes the row final but for corrections.
  rung integer -- Calls whose ringing was reported.
  rung_answered integer -- Of those that rang: answered.
  rung_not_answered integer -- Of those that rang: ended and not answered.
  talk_calls integer -- Calls whose talk time is known.
  talk_ms bigint -- Their talk time together, in ms.
  ring_calls integer -- Calls whose ringing time is known.
  ring_ms bigint -- Their ringing time together, in ms.
  late integer -- Calls with a time that shows evidence of delay.
  conflict integer -- Calls whose notifications disagree.
  missing bigint -- Notifications known to be missing, of all of the calls.
  answer_ratio_rung double precision -- rung_answered / (rung_answered + rung_not_answered), 0 to 1; null where no such call has a known outcome. No ASR: calls that never rang are not known.
  acd_ms double precision -- Average talk time of the calls that have one, in ms; null without any.
  gaps integer -- Gaps of the source that overlap the day and may have cost calls: open or lost, or a certain outage. The same on each row of the source: never add it up over menus.
  counted_at timestamp(3) with time zone -- When it was counted last; at most about half a minute behind what has changed.

view bi.gaps -- One row per thing we may have missed: read it beside every count.
  id uuid -- Stable id of the gap.
  call_key uuid -- Joins bi.calls; null for a gap of the source.
  source text -- Key of the source.
  call_id text -- Call ID it belongs to; null for a gap of the source.
  kind text -- What may have been missed: serial, state, outage, overflow, silence, quarantine.
  certainty text -- certain (serials or states prove it) or possible.
  status text -- open, filled, lost or explained.
  from_serial text -- First missing serial, where serials show the gap.
  to_serial text -- Last missing serial; null when open-ended or not shown by serials.
  from_at timestamp(3) with time zone -- What is missing was sent at this time or later.
  to_at timestamp(3) with time zone -- What is missing was sent at this time or earlier; null when open-ended.
  opened_at timestamp(3) with time zone -- When the gap was declared.
  deadline_at timestamp(3) with time zone -- Until then a retry may still fill it.
  closed_at timestamp(3) with time zone -- When it was filled, lost or explained.
  estimated_lost double precision -- Expected number of lost notifications; null when not estimated.
  detail text -- The gap in words.

view bi.hourly -- Calls by hour of first receipt (UTC), source and menu. A hour without a row is one without calls: whether anybody listened is in bi.gaps.
  hour_start timestamp(3) with time zone -- The hour (UTC), as its begin.
  source text -- Key of the source.
  menu_id text -- Id of the menu; null for calls without one.
  menu_name text -- Name of the menu.
  calls integer -- Calls first seen in it, those not ended yet among them.
  answered integer -- Of these: answered.
  not_answered integer -- Of these: ended and not answered.
  unknown integer -- Of these: ended, and an OK may have been missed; neither answered nor not.
  open integer -- Of these: not ended yet.
  presumed_ended integer -- Of these: no Bye came within the stale limit.
  unsettled integer -- Of these: an ordinary retry or a backlog can still change the record; 0 makes the row final but for corrections.
  rung integer -- Calls whose ringing was reported.
  rung_answered integer -- Of those that rang: answered.
  rung_not_answered integer -- Of those that rang: ended and not answered.
  talk_calls integer -- Calls whose talk time is known.
  talk_ms bigint -- Their talk time together, in ms.
  ring_calls integer -- Calls whose ringing time is known.
  ring_ms bigint -- Their ringing time together, in ms.
  late integer -- Calls with a time that shows evidence of delay.
  conflict integer -- Calls whose notifications disagree.
  missing bigint -- Notifications known to be missing, of all of the calls.
  answer_ratio_rung double precision -- rung_answered / (rung_answered + rung_not_answered), 0 to 1; null where no such call has a known outcome. No ASR: calls that never rang are not known.
  acd_ms double precision -- Average talk time of the calls that have one, in ms; null without any.
  ring_ms_p50 bigint -- Half of the calls with a ring_ms rang for at most so long (a value that occurred); null without any. Cannot be added up.
  ring_ms_p95 bigint -- As ring_ms_p50, of 95 in 100.
  gaps integer -- Gaps of the source that overlap the hour and may have cost calls: open or lost, or a certain outage. The same on each row of the source: never add it up over menus.
  counted_at timestamp(3) with time zone -- When it was counted last; at most about half a minute behind what has changed.

view bi.menus -- One row per source and menu id that calls came from.
  source text -- Key of the source.
  menu_id text -- Id of the menu.
  menu_name text -- Its last name; null: none was reported.
  first_day date -- First day (UTC) with a call.
  last_day date -- Last day (UTC) with a call.
  calls bigint -- Calls of all days.

view bi.notifications -- One row per notification and content received, for RETENTION_DAYS. Read it by source and received_at, which have an index.
  call_key uuid -- Joins bi.calls, bi.notifications and bi.gaps.
  source text -- Key of the source.
  call_id text -- Call ID as the source wrote it.
  serial text -- Serial Number as received.
  state text -- ringing, 180, 183, ok, bye; early:<raw> for a state before any ringing, other:<raw> for one nobody knows.
  state_raw text -- Call State as received.
  received_at timestamp(3) with time zone -- First receipt.
  last_received_at timestamp(3) with time zone -- Receipt of the last copy.
  copies integer -- How often it arrived.
  caller_number text -- Caller number; masked (+4420*****12) unless the reader is a member of ringledger_bi_clear. Null: not reported.
  caller_key text -- Stands for the caller number: the same for the same number, in every view; count distinct by it. Null: not reported.
  callee_number text -- Callee number; masked (+4420*****12) unless the reader is a member of ringledger_bi_clear. Null: not reported.
  callee_key text -- Stands for the callee number: the same for the same number, in every view; count distinct by it. Null: not reported.
  forward_number text -- Forward number; masked (+4420*****12) unless the reader is a member of ringledger_bi_clear. Null: not reported.
  forward_key text -- Stands for the forward number: the same for the same number, in every view; count distinct by it. Null: not reported.
  menu_id text -- Menu id as received.
  menu_name text -- Menu name as received.

view bi.sources -- One row per IVR that reports here.
  source text -- Immutable key of the source; what the other views name it by.
  name text -- Name as configured; may change.
  codec text -- How its datagrams are written; null until detected.
  charset text -- Character set of its datagrams.
  locked boolean -- The codec is locked: datagrams written otherwise are quarantined.
  serial_meaning text -- What its serials count.
  created_at timestamp(3) with time zone -- When it was first heard or configured.
  last_heard_at timestamp(3) with time zone -- Last datagram of any kind; null: never heard.
