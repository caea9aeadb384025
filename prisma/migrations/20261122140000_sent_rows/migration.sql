-- Rows as a batch sends them (src/store/rows.ts): the tables' columns, with instants as milliseconds since the batch's base,
-- because PostgreSQL reads a number in a seventh of the time it takes to read an ISO text. Nothing is stored in these types.
create type call_evidence_sent as (
  call_key uuid,
  source_key text,
  call_id text,
  version integer,
  last_at bigint
);
comment on type call_evidence_sent is
  'A row of call_evidence on its way, without its document; instants are milliseconds since the base of the batch.';
create type call_sent as (
  call_key uuid,
  id uuid,
  settled boolean,
  source_key text,
  call_id text,
  state text,
  disposition text,
  disposition_basis text,
  caller_number text,
  callee_number text,
  forward_number text,
  menu_id text,
  menu_name text,
  first_seen_at bigint,
  ringing_at bigint,
  ringing_at_earliest bigint,
  ringing_code text,
  answered_at bigint,
  answered_at_earliest bigint,
  ended_at bigint,
  ended_at_earliest bigint,
  presumed_ended_at bigint,
  end_provenance text,
  ring_ms bigint,
  ring_ms_min bigint,
  ring_ms_max bigint,
  talk_ms bigint,
  talk_ms_min bigint,
  talk_ms_max bigint,
  late boolean,
  conflict boolean,
  notification_count integer,
  duplicate_count integer,
  missing_count integer,
  revision integer,
  updated_at bigint,
  settle_after bigint,
  stale_at bigint,
  awaits_facts boolean,
  loss_sample integer[]
);
comment on type call_sent is
  'A row of call on its way; instants are milliseconds since the base of the batch.';
create type notification_sent as (
  call_key uuid,
  first_at bigint,
  serial text,
  state text,
  digest bigint,
  source_key text,
  call_id text,
  state_raw text,
  last_at bigint,
  copies integer,
  idle_ms integer,
  caller_number text,
  callee_number text,
  forward_number text,
  menu_id text,
  menu_name text,
  payload bytea
);
comment on type notification_sent is
  'A row of notification on its way; instants are milliseconds since the base of the batch.';
