-- The ledger. Tables and columns follow prisma/schema.prisma; partitions, fillfactor, checks and the indexes of single
-- partitions are what Prisma cannot declare and are written here by hand. Ready for Citus: the call key leads every
-- primary key of an event table, there is no trigger, no generated distribution column and no foreign key on one.

create table settings (
  id bigserial not null,
  since timestamptz(3) not null,
  retry integer not null,
  interval_ms integer not null,
  margin_ms integer not null,
  stale_ringing_ms bigint not null,
  stale_answered_ms bigint not null,
  loss_window_ms integer not null,
  constraint settings_pkey primary key (id),
  constraint settings_retry_check check (retry >= 0),
  constraint settings_interval_check check (interval_ms > 0),
  constraint settings_margin_check check (margin_ms >= 0),
  constraint settings_stale_check check (stale_ringing_ms > 0 and stale_answered_ms > 0),
  constraint settings_loss_window_check check (loss_window_ms > 0)
);
comment on table settings is
  'Append-only versions. The key orders them: the version in force at t is the newest with since <= t.';

create table source (
  key text not null,
  name text not null,
  addresses text[],
  codec json,
  locked boolean not null default false,
  charset text not null default 'utf-8',
  serial_meaning text not null default 'unknown',
  serial_base integer not null default 1,
  meaning_pinned boolean not null default false,
  meaning_version integer not null default 0,
  meanings json,
  last_heard_at timestamptz(3),
  created_at timestamptz(3) not null,
  book json,
  processed_through timestamptz(3),
  constraint source_pkey primary key (key),
  constraint source_serial_meaning_check
    check (serial_meaning in ('per_call', 'per_source', 'constant', 'call_number', 'opaque', 'unknown'))
);
comment on table source is
  'One IVR per key. The key is fixed when first seen or configured and enters the ids of calls; the name may change.';

create table receiver (
  id uuid not null,
  name text not null,
  started_at timestamptz(3) not null,
  beat_at timestamptz(3) not null,
  durable_through timestamptz(3) not null,
  stopped_at timestamptz(3),
  constraint receiver_pkey primary key (id)
);
comment on table receiver is
  'One run of one receiving process per key: a restart is another receiver, so that W never counts a dead one twice.';

create table outage (
  id uuid not null,
  receiver_id uuid not null,
  start_at timestamptz(3) not null,
  end_at timestamptz(3) not null,
  constraint outage_pkey primary key (id),
  constraint outage_span_check check (start_at <= end_at)
);
comment on table outage is 'Append-only feed facts. One span in which no receiver served per key, declared once.';
-- "the outages that touch [a, b)": the fold and the sweep ask by the end, newest first
create index outage_end_at_idx on outage (end_at);

create table loss_window (
  source_key text not null,
  start_at timestamptz(3) not null,
  end_at timestamptz(3) not null,
  sample json not null,
  habits json not null,
  p double precision not null,
  constraint loss_window_pkey primary key (source_key, start_at),
  constraint loss_window_span_check check (start_at < end_at),
  constraint loss_window_p_check check (p >= 0 and p <= 1)
);
comment on table loss_window is
  'One frozen row per source and closed window: the key makes a window closable once, whichever receiver is first.';

-- Rewritten with every batch that touches the call: 30 % of each page stays free, so that the update stays on the page
-- (HOT) and the primary key is not written again.
create table call_evidence (
  call_key uuid not null,
  source_key text not null,
  call_id text not null,
  version integer not null,
  evidence json not null,
  last_at timestamptz(3) not null,
  constraint call_evidence_pkey primary key (call_key)
) with (fillfactor = 70);
comment on table call_evidence is
  'One row per Call ID of a source: the deduplication guard of its notifications (it does not depend on a time partition), '
  'the lock receivers take before they fold, and the input of the fold.';

create table call (
  call_key uuid not null,
  id uuid not null,
  settled boolean not null,
  source_key text not null,
  call_id text not null,
  state text not null,
  disposition text,
  disposition_basis text,
  caller_number text,
  callee_number text,
  forward_number text,
  menu_id text,
  menu_name text,
  first_seen_at timestamptz(3) not null,
  ringing_at timestamptz(3),
  ringing_at_earliest timestamptz(3),
  ringing_code text,
  answered_at timestamptz(3),
  answered_at_earliest timestamptz(3),
  ended_at timestamptz(3),
  ended_at_earliest timestamptz(3),
  presumed_ended_at timestamptz(3),
  end_provenance text,
  ring_ms bigint,
  ring_ms_min bigint,
  ring_ms_max bigint,
  talk_ms bigint,
  talk_ms_min bigint,
  talk_ms_max bigint,
  late boolean not null,
  conflict boolean not null,
  notification_count integer not null,
  duplicate_count integer not null,
  missing_count integer not null,
  revision integer not null,
  updated_at timestamptz(3) not null,
  settle_after timestamptz(3),
  stale_at timestamptz(3),
  awaits_facts boolean not null,
  loss_sample integer[],
  constraint call_pkey primary key (call_key, id, settled),
  constraint call_state_check check (state in ('ringing', 'answered', 'ended')),
  constraint call_disposition_check check (disposition in ('answered', 'not_answered', 'unknown')),
  constraint call_disposition_basis_check check (disposition_basis in ('reported', 'proven', 'inferred')),
  constraint call_end_provenance_check check (end_provenance in ('reported', 'presumed')),
  constraint call_ring_ms_check check (ring_ms >= 0 and ring_ms_min >= 0 and ring_ms_min <= ring_ms_max),
  constraint call_talk_ms_check check (talk_ms >= 0 and talk_ms_min >= 0 and talk_ms_min <= talk_ms_max),
  constraint call_order_check check (ringing_at <= answered_at and answered_at <= ended_at and ringing_at <= ended_at),
  constraint call_counts_check check (notification_count >= 0 and duplicate_count >= 0 and missing_count >= 0)
) partition by list (settled);
comment on table call is
  'One lifecycle record per call of a Call ID. The key starts with the call key, so that all calls of one Call ID lie '
  'together; settled is in it because it picks the partition, and a record stands in exactly one of the two.';
comment on column call.settle_after is 'When the watermark W passes this the record may settle; null while the call is open.';
comment on column call.stale_at is 'When W passes this an open call is presumed ended; null once ended.';
comment on column call.awaits_facts is 'The disposition still rests on facts to come, so that settling folds again.';
comment on column call.loss_sample is 'The seven numbers of LossSample, in the order of its fields.';

-- Written at every notification: few indexes, and room on the page for the update.
create table call_unsettled partition of call for values in (false) with (fillfactor = 70);
-- Written once per call, near its end; the indexes of history are paid for here.
create table call_settled partition of call for values in (true);
comment on table call_unsettled is 'Calls that an ordinary retry or a backlog can still change, active ones among them.';
comment on table call_settled is 'Calls that nothing ordinary can change any more: the history billing reads.';

-- On both partitions, since both answer these.
-- "the call with this id": GET /calls/{id}
create index call_id_idx on call (id);
-- "the newest calls first, from this cursor on": GET /calls, the default order
create index call_first_seen_at_idx on call (first_seen_at desc, id desc);

-- "which calls may settle now": the sweep, every second, in the order they fall due
create index call_unsettled_settle_after_idx on call_unsettled (settle_after) where settle_after is not null;
-- No index on stale_at: it moves with every notification, and an index on it would take those updates off the page; the
-- sweep reads this small partition whole instead, every few seconds.

-- "calls that ended in [from, to), newest first": billing's GET /calls?by=endedAt&sort=-endedAt
create index call_settled_ended_at_idx on call_settled ((coalesce(ended_at, presumed_ended_at)) desc, id desc);
-- "the longest talks first": GET /calls?sort=-talkMs, minTalkMs
create index call_settled_talk_ms_idx on call_settled (talk_ms desc nulls last, id desc);
-- "the calls of this source under this Call ID": GET /calls?source=&callId=
create index call_settled_call_id_idx on call_settled (source_key, call_id);
-- "calls from, to or forwarded to a number, exactly or by prefix (4420*)": GET /calls?caller=&callee=&forward=
create index call_settled_caller_number_idx on call_settled (caller_number text_pattern_ops);
create index call_settled_callee_number_idx on call_settled (callee_number text_pattern_ops);
create index call_settled_forward_number_idx on call_settled (forward_number text_pattern_ops)
  where forward_number is not null;

create table notification (
  call_key uuid not null,
  first_at timestamptz(3) not null,
  serial text not null,
  state text not null,
  digest bigint not null,
  source_key text not null,
  call_id text not null,
  state_raw text not null,
  last_at timestamptz(3) not null,
  copies integer not null,
  idle_ms integer not null,
  caller_number text,
  callee_number text,
  forward_number text,
  menu_id text,
  menu_name text,
  payload bytea not null,
  constraint notification_pkey primary key (call_key, first_at, serial, state, digest),
  constraint notification_span_check check (first_at <= last_at),
  constraint notification_copies_check check (copies >= 1),
  constraint notification_state_check
    check (state in ('ringing', '180', '183', 'ok', 'bye') or state like 'other:%')
) partition by range (first_at);
comment on table notification is
  'The raw notifications. The key is a notification''s identity within its call, the content it carried and its first '
  'receipt, so that the same wire message sent again much later is another row. One partition a day (UTC), made ahead.';
-- "the notifications of this source in [a, b)": rebuild and the source's delivery book
create index notification_source_first_at_idx on notification (source_key, first_at);

-- A clock far off loses nothing: what fits no day waits here until its day's partition is made.
create table notification_default partition of notification default;
comment on table notification_default is 'Notifications whose day has no partition yet.';

create table gap (
  ledger_key uuid not null,
  id uuid not null,
  source_key text not null,
  call_key uuid,
  call_id text,
  kind text not null,
  certainty text not null,
  status text not null,
  from_serial text,
  to_serial text,
  from_at timestamptz(3) not null,
  to_at timestamptz(3),
  opened_at timestamptz(3) not null,
  deadline_at timestamptz(3),
  closed_at timestamptz(3),
  estimated_lost double precision,
  detail text not null,
  constraint gap_pkey primary key (ledger_key, id),
  constraint gap_kind_check check (kind in ('serial', 'state', 'outage', 'overflow', 'silence', 'quarantine')),
  constraint gap_certainty_check check (certainty in ('certain', 'possible')),
  constraint gap_status_check check (status in ('open', 'filled', 'lost', 'explained')),
  constraint gap_span_check check (from_at <= to_at),
  constraint gap_estimated_lost_check check (estimated_lost >= 0)
);
comment on table gap is
  'The gap ledger. The key names one thing missing: its id is derived from what is missing, so that it is declared once; '
  'ledger_key is the call key of a call''s gap, or the uuid of the source''s name space.';
-- "the newest gaps first, from this cursor on": GET /gaps, and the gaps of a call by the primary key
create index gap_opened_at_idx on gap (opened_at desc, id desc);
-- "the gaps still open": the sweep closes them at their deadline
create index gap_open_deadline_idx on gap (deadline_at) where status = 'open';
-- "how many gaps of this source may still be missing something in [a, b)": the feed, with every list
create index gap_source_missing_idx on gap (source_key, from_at) include (to_at) where status in ('open', 'lost');
-- "the spans of this source in which nobody listened or nothing could be read": the feed, and the sweep's outages
create index gap_source_span_idx on gap (source_key) where kind in ('outage', 'overflow', 'quarantine');

create table quarantine (
  id uuid not null,
  received_at timestamptz(3) not null,
  last_received_at timestamptz(3) not null,
  copies integer not null,
  source_key text not null,
  address text not null,
  reason text not null,
  detail text not null,
  bytes bytea not null,
  length integer not null,
  constraint quarantine_pkey primary key (id),
  constraint quarantine_span_check check (received_at <= last_received_at),
  constraint quarantine_copies_check check (copies >= 1),
  constraint quarantine_length_check check (length >= octet_length(bytes))
);
comment on table quarantine is
  'Datagrams kept because they could not be stored as notifications. One row per key holds equal datagrams of a source; '
  'length is what arrived, bytes what was kept of it.';
-- "the newest first": GET /quarantine, and the oldest when the bound drops some
create index quarantine_received_at_idx on quarantine (received_at desc, id desc);
-- "what of this source was quarantined in [a, b)": the fold impairs the calls of that time
create index quarantine_source_idx on quarantine (source_key, received_at);
