-- The schema of a migrated database, printed from its catalog. Nothing outside schema bi is a promise.

create table api_key (
  prefix text not null,
  name text not null,
  hash bytea not null,
  scopes text[] not null,
  sources text[],
  created_at timestamp(3) with time zone not null,
  created_by text not null,
  expires_at timestamp(3) with time zone,
  revoked_at timestamp(3) with time zone,
  revoked_by text,
  last_used_at timestamp(3) with time zone,
  constraint api_key_hash_check CHECK ((length(hash) = 32)),
  constraint api_key_pkey PRIMARY KEY (prefix),
  constraint api_key_revoked_check CHECK (((revoked_at IS NULL) = (revoked_by IS NULL)))
);
comment on table api_key is 'Keys by the part of them that may be shown. Of the secret there is its SHA-256 alone; a revoked key stays, so that what it did keeps a name.';

create table audit (
  id uuid not null,
  at timestamp(3) with time zone not null,
  kind text not null,
  who text not null,
  key_prefix text,
  address text not null,
  action text not null,
  subject text,
  detail text,
  times integer not null,
  constraint audit_kind_check CHECK ((kind = ANY (ARRAY['change'::text, 'clear_read'::text, 'refused'::text]))),
  constraint audit_pkey PRIMARY KEY (id),
  constraint audit_times_check CHECK ((times > 0))
);
comment on table audit is 'Append-only: every change that was asked for and every read of clear numbers, reads of one kind counted by the minute. No number is in it.';
CREATE INDEX audit_at_idx ON public.audit USING btree (at DESC, id DESC);

create table bi_secret (
  single boolean not null default true,
  inner_key bytea not null,
  outer_key bytea not null,
  constraint bi_secret_length_check CHECK (((length(inner_key) = 64) AND (length(outer_key) = 64))),
  constraint bi_secret_pkey PRIMARY KEY (single),
  constraint bi_secret_single_check CHECK (single)
);
comment on table bi_secret is 'One row: what numbers are hashed with for their keys in bi. Whoever has it can try all numbers, so no role but the owner reads it.';

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
  first_seen_at timestamp(3) with time zone not null,
  ringing_at timestamp(3) with time zone,
  ringing_at_earliest timestamp(3) with time zone,
  ringing_code text,
  answered_at timestamp(3) with time zone,
  answered_at_earliest timestamp(3) with time zone,
  ended_at timestamp(3) with time zone,
  ended_at_earliest timestamp(3) with time zone,
  presumed_ended_at timestamp(3) with time zone,
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
  updated_at timestamp(3) with time zone not null,
  settle_after timestamp(3) with time zone,
  stale_at timestamp(3) with time zone,
  awaits_facts boolean not null,
  loss_sample integer[],
  changed_tx bigint,
  constraint call_counts_check CHECK (((notification_count >= 0) AND (duplicate_count >= 0) AND (missing_count >= 0))),
  constraint call_disposition_basis_check CHECK ((disposition_basis = ANY (ARRAY['reported'::text, 'proven'::text, 'inferred'::text]))),
  constraint call_disposition_check CHECK ((disposition = ANY (ARRAY['answered'::text, 'not_answered'::text, 'unknown'::text]))),
  constraint call_end_provenance_check CHECK ((end_provenance = ANY (ARRAY['reported'::text, 'presumed'::text]))),
  constraint call_order_check CHECK (((ringing_at <= answered_at) AND (answered_at <= ended_at) AND (ringing_at <= ended_at))),
  constraint call_pkey PRIMARY KEY (call_key, id, settled),
  constraint call_ring_ms_check CHECK (((ring_ms >= 0) AND (ring_ms_min >= 0) AND (ring_ms_min <= ring_ms_max))),
  constraint call_state_check CHECK ((state = ANY (ARRAY['ringing'::text, 'answered'::text, 'ended'::text]))),
  constraint call_talk_ms_check CHECK (((talk_ms >= 0) AND (talk_ms_min >= 0) AND (talk_ms_min <= talk_ms_max)))
) partition by LIST (settled);
comment on table call is 'One lifecycle record per call of a Call ID. The key starts with the call key, so that all calls of one Call ID lie together; settled is in it because it picks the partition, and a record stands in exactly one of the two.';
CREATE INDEX call_first_seen_at_idx ON ONLY public.call USING btree (first_seen_at DESC, id DESC);
CREATE INDEX call_id_idx ON ONLY public.call USING btree (id);

create table call_change (
  tx bigint not null,
  at timestamp(3) with time zone not null,
  superseded boolean not null,
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
  first_seen_at timestamp(3) with time zone not null,
  ringing_at timestamp(3) with time zone,
  ringing_at_earliest timestamp(3) with time zone,
  ringing_code text,
  answered_at timestamp(3) with time zone,
  answered_at_earliest timestamp(3) with time zone,
  ended_at timestamp(3) with time zone,
  ended_at_earliest timestamp(3) with time zone,
  presumed_ended_at timestamp(3) with time zone,
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
  updated_at timestamp(3) with time zone not null,
  constraint call_change_pkey PRIMARY KEY (call_key, id, revision, at)
) partition by RANGE (at);
comment on table call_change is 'Append-only: one row per revision of a record, as of that revision; superseded says that its id was taken away then. The key names a revision; at (the instant of the write) is in it because it picks the partition. One partition a day (UTC).';
CREATE INDEX call_change_tx_idx ON ONLY public.call_change USING btree (tx, call_key, id, revision);

create table call_change_default (
  tx bigint not null,
  at timestamp(3) with time zone not null,
  superseded boolean not null,
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
  first_seen_at timestamp(3) with time zone not null,
  ringing_at timestamp(3) with time zone,
  ringing_at_earliest timestamp(3) with time zone,
  ringing_code text,
  answered_at timestamp(3) with time zone,
  answered_at_earliest timestamp(3) with time zone,
  ended_at timestamp(3) with time zone,
  ended_at_earliest timestamp(3) with time zone,
  presumed_ended_at timestamp(3) with time zone,
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
  updated_at timestamp(3) with time zone not null,
  constraint call_change_default_pkey PRIMARY KEY (call_key, id, revision, at)
) partition of call_change DEFAULT;
comment on table call_change_default is 'Changes whose day has no partition yet.';
CREATE INDEX call_change_default_tx_call_key_id_revision_idx ON public.call_change_default USING btree (tx, call_key, id, revision);

create table call_day (
  source_key text not null,
  day_start timestamp(3) with time zone not null,
  menu_slot text not null,
  menu_id text,
  menu_name text,
  calls integer not null,
  answered integer not null,
  not_answered integer not null,
  unknown integer not null,
  open integer not null,
  presumed_ended integer not null,
  unsettled integer not null,
  rung integer not null,
  rung_answered integer not null,
  rung_not_answered integer not null,
  talk_calls integer not null,
  talk_ms bigint not null,
  ring_calls integer not null,
  ring_ms bigint not null,
  late integer not null,
  conflict integer not null,
  missing bigint not null,
  counted_at timestamp(3) with time zone not null,
  constraint call_day_pkey PRIMARY KEY (source_key, day_start, menu_slot),
  constraint call_day_slot_check CHECK ((menu_slot = COALESCE(('='::text || menu_id), '-'::text)))
);
comment on table call_day is 'The sums of call_hour by day (UTC), written in the transaction that writes its hours. Percentiles cannot be added up, so there are none.';
CREATE INDEX call_day_day_start_idx ON public.call_day USING btree (day_start);

create table call_evidence (
  call_key uuid not null,
  source_key text not null,
  call_id text not null,
  version integer not null,
  evidence json not null,
  last_at timestamp(3) with time zone not null,
  constraint call_evidence_pkey PRIMARY KEY (call_key)
) with (fillfactor=70);
comment on table call_evidence is 'One row per Call ID of a source: the deduplication guard of its notifications (it does not depend on a time partition), the lock receivers take before they fold, and the input of the fold.';

create table call_hour (
  source_key text not null,
  hour_start timestamp(3) with time zone not null,
  menu_slot text not null,
  menu_id text,
  menu_name text,
  calls integer not null,
  answered integer not null,
  not_answered integer not null,
  unknown integer not null,
  open integer not null,
  presumed_ended integer not null,
  unsettled integer not null,
  rung integer not null,
  rung_answered integer not null,
  rung_not_answered integer not null,
  talk_calls integer not null,
  talk_ms bigint not null,
  ring_calls integer not null,
  ring_ms bigint not null,
  late integer not null,
  conflict integer not null,
  missing bigint not null,
  ring_ms_p50 bigint,
  ring_ms_p95 bigint,
  counted_at timestamp(3) with time zone not null,
  ring_values bigint[],
  constraint call_hour_pkey PRIMARY KEY (source_key, hour_start, menu_slot),
  constraint call_hour_slot_check CHECK ((menu_slot = COALESCE(('='::text || menu_id), '-'::text)))
);
comment on table call_hour is 'Calls counted by hour of first receipt (UTC), source and menu. The key names a menu by = and its id, or - for none, since a key holds no null. ring_values are all ring_ms there are, in no order. Kept by counting whole hours again (src/store/bi): equal to a recount but for hours in rollup_due.';
CREATE INDEX call_hour_hour_start_idx ON public.call_hour USING btree (hour_start);

create table call_peak (
  hour_start timestamp(3) with time zone not null,
  grouping text not null,
  slot text not null,
  name text,
  peak integer not null,
  constraint call_peak_grouping_check CHECK (("grouping" = ANY (ARRAY['none'::text, 'menu'::text, 'source'::text]))),
  constraint call_peak_peak_check CHECK ((peak > 0)),
  constraint call_peak_pkey PRIMARY KEY (hour_start, "grouping", slot),
  constraint call_peak_slot_check CHECK ((slot = COALESCE(('='::text || name), '-'::text)))
);
comment on table call_peak is 'Most calls at one instant of an hour (UTC), of all calls, of a menu or of a source, which name names; an hour in which none went on has no row. Peaks of groups cannot be added up, so each grouping is counted. Kept with call_hour.';

create table call_settled (
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
  first_seen_at timestamp(3) with time zone not null,
  ringing_at timestamp(3) with time zone,
  ringing_at_earliest timestamp(3) with time zone,
  ringing_code text,
  answered_at timestamp(3) with time zone,
  answered_at_earliest timestamp(3) with time zone,
  ended_at timestamp(3) with time zone,
  ended_at_earliest timestamp(3) with time zone,
  presumed_ended_at timestamp(3) with time zone,
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
  updated_at timestamp(3) with time zone not null,
  settle_after timestamp(3) with time zone,
  stale_at timestamp(3) with time zone,
  awaits_facts boolean not null,
  loss_sample integer[],
  changed_tx bigint,
  constraint call_counts_check CHECK (((notification_count >= 0) AND (duplicate_count >= 0) AND (missing_count >= 0))),
  constraint call_disposition_basis_check CHECK ((disposition_basis = ANY (ARRAY['reported'::text, 'proven'::text, 'inferred'::text]))),
  constraint call_disposition_check CHECK ((disposition = ANY (ARRAY['answered'::text, 'not_answered'::text, 'unknown'::text]))),
  constraint call_end_provenance_check CHECK ((end_provenance = ANY (ARRAY['reported'::text, 'presumed'::text]))),
  constraint call_order_check CHECK (((ringing_at <= answered_at) AND (answered_at <= ended_at) AND (ringing_at <= ended_at))),
  constraint call_ring_ms_check CHECK (((ring_ms >= 0) AND (ring_ms_min >= 0) AND (ring_ms_min <= ring_ms_max))),
  constraint call_settled_pkey PRIMARY KEY (call_key, id, settled),
  constraint call_state_check CHECK ((state = ANY (ARRAY['ringing'::text, 'answered'::text, 'ended'::text]))),
  constraint call_talk_ms_check CHECK (((talk_ms >= 0) AND (talk_ms_min >= 0) AND (talk_ms_min <= talk_ms_max)))
) partition of call FOR VALUES IN (true);
comment on table call_settled is 'Calls that nothing ordinary can change any more: the history billing reads.';
CREATE INDEX call_settled_answered_at_idx ON public.call_settled USING btree (answered_at);
CREATE INDEX call_settled_basis_idx ON public.call_settled USING btree (disposition_basis, first_seen_at DESC, id DESC) WHERE (disposition_basis = ANY (ARRAY['proven'::text, 'inferred'::text]));
CREATE INDEX call_settled_call_id_idx ON public.call_settled USING btree (call_id, source_key);
CREATE INDEX call_settled_callee_number_idx ON public.call_settled USING btree (callee_number text_pattern_ops, first_seen_at DESC, id DESC);
CREATE INDEX call_settled_caller_number_idx ON public.call_settled USING btree (caller_number text_pattern_ops, first_seen_at DESC, id DESC);
CREATE INDEX call_settled_ended_at_idx ON public.call_settled USING btree (COALESCE(ended_at, presumed_ended_at) DESC, id DESC);
CREATE INDEX call_settled_first_seen_at_id_idx ON public.call_settled USING btree (first_seen_at DESC, id DESC);
CREATE INDEX call_settled_forward_number_idx ON public.call_settled USING btree (forward_number text_pattern_ops, first_seen_at DESC, id DESC) WHERE (forward_number IS NOT NULL);
CREATE INDEX call_settled_forward_talk_idx ON public.call_settled USING btree (forward_number, talk_ms DESC NULLS LAST, id DESC) WHERE ((forward_number IS NOT NULL) AND (talk_ms IS NOT NULL));
CREATE INDEX call_settled_id_idx ON public.call_settled USING btree (id);
CREATE INDEX call_settled_menu_idx ON public.call_settled USING btree (menu_id, first_seen_at DESC, id DESC);
CREATE INDEX call_settled_part_idx ON public.call_settled USING gin (caller_number gin_trgm_ops, callee_number gin_trgm_ops, forward_number gin_trgm_ops, call_id gin_trgm_ops);
CREATE INDEX call_settled_presumed_idx ON public.call_settled USING btree (first_seen_at DESC, id DESC) WHERE (end_provenance = 'presumed'::text);
CREATE INDEX call_settled_revision_idx ON public.call_settled USING btree (revision);
CREATE INDEX call_settled_ring_ms_idx ON public.call_settled USING btree (ring_ms);
CREATE INDEX call_settled_ringing_at_idx ON public.call_settled USING btree (ringing_at);
CREATE INDEX call_settled_source_ended_idx ON public.call_settled USING btree (source_key, COALESCE(ended_at, presumed_ended_at) DESC, id DESC);
CREATE INDEX call_settled_source_idx ON public.call_settled USING btree (source_key, first_seen_at DESC, id DESC);
CREATE INDEX call_settled_talk_ms_idx ON public.call_settled USING btree (talk_ms DESC NULLS LAST, id DESC);
CREATE INDEX call_settled_unknown_idx ON public.call_settled USING btree (first_seen_at DESC, id DESC) WHERE (disposition = 'unknown'::text);

create table call_superseded (
  call_key uuid not null,
  id uuid not null,
  revision integer not null,
  tx bigint not null,
  constraint call_superseded_pkey PRIMARY KEY (call_key, id)
);
comment on table call_superseded is 'One row per id that a re-cut took away, with its last revision: should the id come back, its revisions go on from there.';

create table call_unsettled (
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
  first_seen_at timestamp(3) with time zone not null,
  ringing_at timestamp(3) with time zone,
  ringing_at_earliest timestamp(3) with time zone,
  ringing_code text,
  answered_at timestamp(3) with time zone,
  answered_at_earliest timestamp(3) with time zone,
  ended_at timestamp(3) with time zone,
  ended_at_earliest timestamp(3) with time zone,
  presumed_ended_at timestamp(3) with time zone,
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
  updated_at timestamp(3) with time zone not null,
  settle_after timestamp(3) with time zone,
  stale_at timestamp(3) with time zone,
  awaits_facts boolean not null,
  loss_sample integer[],
  changed_tx bigint,
  constraint call_counts_check CHECK (((notification_count >= 0) AND (duplicate_count >= 0) AND (missing_count >= 0))),
  constraint call_disposition_basis_check CHECK ((disposition_basis = ANY (ARRAY['reported'::text, 'proven'::text, 'inferred'::text]))),
  constraint call_disposition_check CHECK ((disposition = ANY (ARRAY['answered'::text, 'not_answered'::text, 'unknown'::text]))),
  constraint call_end_provenance_check CHECK ((end_provenance = ANY (ARRAY['reported'::text, 'presumed'::text]))),
  constraint call_order_check CHECK (((ringing_at <= answered_at) AND (answered_at <= ended_at) AND (ringing_at <= ended_at))),
  constraint call_ring_ms_check CHECK (((ring_ms >= 0) AND (ring_ms_min >= 0) AND (ring_ms_min <= ring_ms_max))),
  constraint call_state_check CHECK ((state = ANY (ARRAY['ringing'::text, 'answered'::text, 'ended'::text]))),
  constraint call_talk_ms_check CHECK (((talk_ms >= 0) AND (talk_ms_min >= 0) AND (talk_ms_min <= talk_ms_max))),
  constraint call_unsettled_pkey PRIMARY KEY (call_key, id, settled)
) partition of call FOR VALUES IN (false) with (fillfactor=70);
comment on table call_unsettled is 'Calls that an ordinary retry or a backlog can still change, active ones among them.';
CREATE INDEX call_unsettled_ended_at_idx ON public.call_unsettled USING btree (COALESCE(ended_at, presumed_ended_at) DESC, id DESC) WHERE (COALESCE(ended_at, presumed_ended_at) IS NOT NULL);
CREATE INDEX call_unsettled_ended_idx ON public.call_unsettled USING btree (first_seen_at DESC, id DESC) WHERE (disposition IS NOT NULL);
CREATE INDEX call_unsettled_first_seen_at_id_idx ON public.call_unsettled USING btree (first_seen_at DESC, id DESC);
CREATE INDEX call_unsettled_id_idx ON public.call_unsettled USING btree (id);
CREATE INDEX call_unsettled_posted_idx ON public.call_unsettled USING btree (LEAST(first_seen_at, ringing_at, answered_at)) WHERE (LEAST(first_seen_at, ringing_at, answered_at) < first_seen_at);
CREATE INDEX call_unsettled_settle_after_idx ON public.call_unsettled USING btree (settle_after) WHERE (settle_after IS NOT NULL);
CREATE INDEX call_unsettled_stale_idx ON public.call_unsettled USING btree (stale_at, settled) WHERE (stale_at IS NOT NULL);
CREATE INDEX call_unsettled_talk_ms_idx ON public.call_unsettled USING btree (talk_ms DESC NULLS LAST, id DESC) WHERE (talk_ms IS NOT NULL);

create table change_base (
  single boolean not null default true,
  epoch integer not null,
  ahead bigint not null,
  cluster text not null,
  constraint change_base_ahead_check CHECK ((ahead >= 0)),
  constraint change_base_pkey PRIMARY KEY (single),
  constraint change_base_single_check CHECK (single)
);
comment on table change_base is 'One row: how tx is counted. tx = transaction id + ahead; a dump restored into another cluster raises ahead above every tx there is, and epoch with it, so that numbers go on and cursors of before are recognised.';

create table change_floor (
  single boolean not null default true,
  tx bigint not null,
  call_key uuid not null,
  id uuid not null,
  revision integer not null,
  constraint change_floor_pkey PRIMARY KEY (single),
  constraint change_floor_single_check CHECK (single)
);
comment on table change_floor is 'One row at most: the last change that was dropped by age. A reader whose place is before it has missed something.';

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
  from_at timestamp(3) with time zone not null,
  to_at timestamp(3) with time zone,
  opened_at timestamp(3) with time zone not null,
  deadline_at timestamp(3) with time zone,
  closed_at timestamp(3) with time zone,
  estimated_lost double precision,
  detail text not null,
  expected_lost double precision,
  constraint gap_certainty_check CHECK ((certainty = ANY (ARRAY['certain'::text, 'possible'::text]))),
  constraint gap_estimated_lost_check CHECK ((estimated_lost >= (0)::double precision)),
  constraint gap_expected_lost_check CHECK ((expected_lost >= (0)::double precision)),
  constraint gap_kind_check CHECK ((kind = ANY (ARRAY['serial'::text, 'state'::text, 'outage'::text, 'overflow'::text, 'silence'::text, 'quarantine'::text]))),
  constraint gap_pkey PRIMARY KEY (ledger_key, id),
  constraint gap_span_check CHECK ((from_at <= to_at)),
  constraint gap_status_check CHECK ((status = ANY (ARRAY['open'::text, 'filled'::text, 'lost'::text, 'explained'::text])))
);
comment on table gap is 'The gap ledger. The key names one thing missing: its id is derived from what is missing, so that it is declared once; ledger_key is the call key of a call''s gap, or the uuid of the source''s name space.';
CREATE INDEX gap_call_missing_idx ON public.gap USING btree (ledger_key) WHERE ((status = ANY (ARRAY['open'::text, 'lost'::text])) AND (call_key IS NOT NULL));
CREATE INDEX gap_closed_span_idx ON public.gap USING btree (closed_at) WHERE ((kind = ANY (ARRAY['outage'::text, 'overflow'::text, 'silence'::text])) AND (status = ANY (ARRAY['lost'::text, 'explained'::text])));
CREATE INDEX gap_open_deadline_idx ON public.gap USING btree (deadline_at) WHERE (status = 'open'::text);
CREATE INDEX gap_opened_at_idx ON public.gap USING btree (opened_at DESC, id DESC);
CREATE INDEX gap_source_missing_idx ON public.gap USING btree (source_key, from_at) INCLUDE (to_at) WHERE (status = ANY (ARRAY['open'::text, 'lost'::text]));
CREATE INDEX gap_source_own_idx ON public.gap USING btree (source_key, from_at) WHERE ((status = ANY (ARRAY['open'::text, 'lost'::text])) AND (call_key IS NULL));
CREATE INDEX gap_source_span_idx ON public.gap USING btree (source_key) WHERE (kind = ANY (ARRAY['outage'::text, 'overflow'::text, 'silence'::text, 'quarantine'::text]));
CREATE INDEX gap_span_idx ON public.gap USING gist (tstzrange(from_at, to_at, '[]'::text)) WHERE ((status = ANY (ARRAY['open'::text, 'lost'::text])) OR (kind = 'outage'::text));

create table loss_window (
  source_key text not null,
  start_at timestamp(3) with time zone not null,
  end_at timestamp(3) with time zone not null,
  sample json not null,
  habits json not null,
  p double precision not null,
  rhythm json,
  p_mean double precision,
  constraint loss_window_p_check CHECK (((p >= (0)::double precision) AND (p <= (1)::double precision))),
  constraint loss_window_p_mean_check CHECK (((p_mean >= (0)::double precision) AND (p_mean <= (1)::double precision))),
  constraint loss_window_pkey PRIMARY KEY (source_key, start_at),
  constraint loss_window_span_check CHECK ((start_at < end_at))
);
comment on table loss_window is 'One frozen row per source and closed window: the key makes a window closable once, whichever receiver is first.';

create table notification (
  call_key uuid not null,
  first_at timestamp(3) with time zone not null,
  serial text not null,
  state text not null,
  digest bigint not null,
  source_key text not null,
  call_id text not null,
  state_raw text not null,
  last_at timestamp(3) with time zone not null,
  copies integer not null,
  idle_ms integer not null,
  caller_number text,
  callee_number text,
  forward_number text,
  menu_id text,
  menu_name text,
  payload bytea not null,
  constraint notification_copies_check CHECK ((copies >= 1)),
  constraint notification_pkey PRIMARY KEY (call_key, first_at, serial, state, digest),
  constraint notification_span_check CHECK ((first_at <= last_at)),
  constraint notification_state_check CHECK (((state = ANY (ARRAY['ringing'::text, '180'::text, '183'::text, 'ok'::text, 'bye'::text])) OR (state ~~ 'early:%'::text) OR (state ~~ 'other:%'::text)))
) partition by RANGE (first_at);
comment on table notification is 'The raw notifications. The key is a notification''s identity within its call, the content it carried and its first receipt, so that the same wire message sent again much later is another row. One partition a day (UTC), made ahead.';
CREATE INDEX notification_source_first_at_idx ON ONLY public.notification USING btree (source_key, first_at);

create table notification_default (
  call_key uuid not null,
  first_at timestamp(3) with time zone not null,
  serial text not null,
  state text not null,
  digest bigint not null,
  source_key text not null,
  call_id text not null,
  state_raw text not null,
  last_at timestamp(3) with time zone not null,
  copies integer not null,
  idle_ms integer not null,
  caller_number text,
  callee_number text,
  forward_number text,
  menu_id text,
  menu_name text,
  payload bytea not null,
  constraint notification_copies_check CHECK ((copies >= 1)),
  constraint notification_default_pkey PRIMARY KEY (call_key, first_at, serial, state, digest),
  constraint notification_span_check CHECK ((first_at <= last_at)),
  constraint notification_state_check CHECK (((state = ANY (ARRAY['ringing'::text, '180'::text, '183'::text, 'ok'::text, 'bye'::text])) OR (state ~~ 'early:%'::text) OR (state ~~ 'other:%'::text)))
) partition of notification DEFAULT;
comment on table notification_default is 'Notifications whose day has no partition yet.';
CREATE INDEX notification_default_source_key_first_at_idx ON public.notification_default USING btree (source_key, first_at);

create table number_form (
  of_source text not null,
  of_number text not null,
  e164 text not null,
  constraint number_form_e164_check CHECK ((e164 ~ '^\+[1-9][0-9]{1,14}$'::text)),
  constraint number_form_pkey PRIMARY KEY (of_source, of_number)
);
comment on table number_form is 'One row per number of a source that its rules can read: the number as received, and in E.164. Made by the receivers from what they stored; without rules there is none.';
CREATE INDEX number_form_e164_idx ON public.number_form USING btree (e164);

create table outage (
  id uuid not null,
  receiver_id uuid not null,
  start_at timestamp(3) with time zone not null,
  end_at timestamp(3) with time zone not null,
  constraint outage_pkey PRIMARY KEY (id),
  constraint outage_span_check CHECK ((start_at <= end_at))
);
comment on table outage is 'Append-only feed facts. One span in which no receiver served per key, declared once.';
CREATE INDEX outage_end_at_idx ON public.outage USING btree (end_at);

create table overflow (
  id uuid not null,
  receiver_id uuid not null,
  source_key text,
  reason text not null,
  start_at timestamp(3) with time zone not null,
  end_at timestamp(3) with time zone not null,
  dropped bigint not null,
  received bigint not null,
  constraint overflow_counts_check CHECK (((dropped > 0) AND (received >= 0))),
  constraint overflow_pkey PRIMARY KEY (id),
  constraint overflow_span_check CHECK ((start_at <= end_at))
);
comment on table overflow is 'Append-only feed facts. One span per key in which one receiver dropped datagrams: reason is kernel, or why they were refused; source_key is null where the kernel dropped them unread.';
CREATE INDEX overflow_end_at_idx ON public.overflow USING btree (end_at);

create table quarantine (
  id uuid not null,
  received_at timestamp(3) with time zone not null,
  last_received_at timestamp(3) with time zone not null,
  copies integer not null,
  source_key text not null,
  address text not null,
  reason text not null,
  detail text not null,
  bytes bytea not null,
  length integer not null,
  constraint quarantine_copies_check CHECK ((copies >= 1)),
  constraint quarantine_length_check CHECK ((length >= octet_length(bytes))),
  constraint quarantine_pkey PRIMARY KEY (id),
  constraint quarantine_span_check CHECK ((received_at <= last_received_at))
);
comment on table quarantine is 'Datagrams kept because they could not be stored as notifications. One row per key holds equal datagrams of a source; length is what arrived, bytes what was kept of it.';
CREATE INDEX quarantine_received_at_idx ON public.quarantine USING btree (received_at DESC, id DESC);
CREATE INDEX quarantine_source_idx ON public.quarantine USING btree (source_key, received_at);

create table receiver (
  id uuid not null,
  name text not null,
  started_at timestamp(3) with time zone not null,
  beat_at timestamp(3) with time zone not null,
  durable_through timestamp(3) with time zone not null,
  stopped_at timestamp(3) with time zone,
  constraint receiver_pkey PRIMARY KEY (id)
);
comment on table receiver is 'One run of one receiving process per key: a restart is another receiver, so that W never counts a dead one twice.';

create table rollup_due (
  hour_start timestamp(3) with time zone not null,
  constraint rollup_due_pkey PRIMARY KEY (hour_start)
);
comment on table rollup_due is 'Hours whose calls changed since they were counted. Who counts an hour takes it out in the same transaction.';

create table rollup_place (
  single boolean not null default true,
  tx bigint not null,
  call_key uuid not null,
  id uuid not null,
  revision integer not null,
  constraint rollup_place_pkey PRIMARY KEY (single),
  constraint rollup_place_single_check CHECK (single)
);
comment on table rollup_place is 'One row: the last change of call_change whose hours are in rollup_due, or were.';

create table settings (
  id bigint not null default nextval('settings_id_seq'::regclass),
  since timestamp(3) with time zone not null,
  retry integer not null,
  interval_ms integer not null,
  margin_ms integer not null,
  stale_ringing_ms bigint not null,
  stale_answered_ms bigint not null,
  loss_window_ms integer not null,
  constraint settings_interval_check CHECK ((interval_ms > 0)),
  constraint settings_loss_window_check CHECK ((loss_window_ms > 0)),
  constraint settings_margin_check CHECK ((margin_ms >= 0)),
  constraint settings_pkey PRIMARY KEY (id),
  constraint settings_retry_check CHECK ((retry >= 0)),
  constraint settings_stale_check CHECK (((stale_ringing_ms > 0) AND (stale_answered_ms > 0)))
);
comment on table settings is 'Append-only versions. The key orders them: the version in force at t is the newest with since <= t.';

create table source (
  key text not null,
  name text not null,
  addresses text[],
  codec json,
  locked boolean not null default false,
  charset text not null default 'utf-8'::text,
  serial_meaning text not null default 'unknown'::text,
  serial_base integer not null default 1,
  meaning_pinned boolean not null default false,
  meaning_version integer not null default 0,
  meanings json,
  last_heard_at timestamp(3) with time zone,
  created_at timestamp(3) with time zone not null,
  book json,
  processed_through timestamp(3) with time zone,
  folded_version integer not null default 0,
  silent_after_ms bigint,
  ack_form json,
  number_rules json,
  number_rules_version integer not null default 0,
  numbers_through bigint,
  constraint source_pkey PRIMARY KEY (key),
  constraint source_serial_meaning_check CHECK ((serial_meaning = ANY (ARRAY['per_call'::text, 'per_source'::text, 'constant'::text, 'call_number'::text, 'opaque'::text, 'unknown'::text]))),
  constraint source_silent_after_check CHECK ((silent_after_ms > 0))
);
comment on table source is 'One IVR per key. The key is fixed when first seen or configured and enters the ids of calls; the name may change.';

create table source_change (
  source_key text not null,
  id uuid not null,
  at timestamp(3) with time zone not null,
  by text not null,
  field text not null,
  before text,
  after text,
  constraint source_change_differs_check CHECK ((before IS DISTINCT FROM after)),
  constraint source_change_pkey PRIMARY KEY (source_key, id)
);
comment on table source_change is 'Append-only: one row per field an operator or learning changed of a source. Null: there was, or is, none.';
CREATE INDEX source_change_at_idx ON public.source_change USING btree (source_key, at DESC, id DESC);
