-- The changes feed: every revision of every call, in an order in which nothing can appear behind a reader.
-- docs/adr/0012-changes-feed.md says why it is a table of its own and what `tx` is.

create table change_base (
  single boolean not null default true,
  epoch integer not null,
  ahead bigint not null,
  cluster text not null,
  constraint change_base_pkey primary key (single),
  constraint change_base_single_check check (single),
  constraint change_base_ahead_check check (ahead >= 0)
);
comment on table change_base is
  'One row: how tx is counted. tx = transaction id + ahead; a dump restored into another cluster raises ahead above every '
  'tx there is, and epoch with it, so that numbers go on and cursors of before are recognised.';
insert into change_base (epoch, ahead, cluster) values (1, 0, '');

create table change_floor (
  single boolean not null default true,
  tx bigint not null,
  call_key uuid not null,
  id uuid not null,
  revision integer not null,
  constraint change_floor_pkey primary key (single),
  constraint change_floor_single_check check (single)
);
comment on table change_floor is
  'One row at most: the last change that was dropped by age. A reader whose place is before it has missed something.';

create table call_superseded (
  call_key uuid not null,
  id uuid not null,
  revision integer not null,
  tx bigint not null,
  constraint call_superseded_pkey primary key (call_key, id)
);
comment on table call_superseded is
  'One row per id that a re-cut took away, with its last revision: should the id come back, its revisions go on from there.';

-- The tx of the record's last change: a later change never has a smaller one, though its transaction may be older.
alter table call add column changed_tx bigint;
comment on column call.changed_tx is 'tx of the last change in call_change; not indexed, so that updates stay on the page.';

create table call_change (
  tx bigint not null,
  at timestamptz(3) not null,
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
  constraint call_change_pkey primary key (call_key, id, revision, at)
) partition by range (at);
comment on table call_change is
  'Append-only: one row per revision of a record, as of that revision; superseded says that its id was taken away then. The '
  'key names a revision; at (the instant of the write) is in it because it picks the partition. One partition a day (UTC).';
-- "the changes after this cursor, in the order of their transactions": GET /changes
create index call_change_tx_idx on call_change (tx, call_key, id, revision);

create table call_change_default partition of call_change default;
comment on table call_change_default is 'Changes whose day has no partition yet.';

-- Records written before there was a feed are in it as they stand now. changed_tx stays null: it would rewrite every row.
insert into call_change (
  tx, at, superseded,
  call_key, id, settled, source_key, call_id, state, disposition, disposition_basis, caller_number, callee_number,
  forward_number, menu_id, menu_name, first_seen_at, ringing_at, ringing_at_earliest, ringing_code, answered_at,
  answered_at_earliest, ended_at, ended_at_earliest, presumed_ended_at, end_provenance, ring_ms, ring_ms_min,
  ring_ms_max, talk_ms, talk_ms_min, talk_ms_max, late, conflict, notification_count, duplicate_count, missing_count,
  revision, updated_at
)
select
  pg_current_xact_id()::text::bigint, now(), false,
  call_key, id, settled, source_key, call_id, state, disposition, disposition_basis, caller_number, callee_number,
  forward_number, menu_id, menu_name, first_seen_at, ringing_at, ringing_at_earliest, ringing_code, answered_at,
  answered_at_earliest, ended_at, ended_at_earliest, presumed_ended_at, end_provenance, ring_ms, ring_ms_min,
  ring_ms_max, talk_ms, talk_ms_min, talk_ms_max, late, conflict, notification_count, duplicate_count, missing_count,
  revision, updated_at
from call;
