-- Calls counted by hour and day, for views of schema bi: docs/adr/0014-bi.md.

create table call_hour (
  source_key text not null,
  hour_start timestamptz(3) not null,
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
  counted_at timestamptz(3) not null,
  constraint call_hour_pkey primary key (source_key, hour_start, menu_slot),
  constraint call_hour_slot_check check (menu_slot = coalesce('=' || menu_id, '-'))
);
comment on table call_hour is
  'Calls counted by hour of first receipt (UTC), source and menu. The key names a menu by = and its id, or - for none, since a '
  'key holds no null. Kept by counting whole hours again (src/store/bi): equal to a recount but for hours in rollup_due.';
-- "the hours of [a, b)": the days made of them, and whoever reads bi.hourly by time
create index call_hour_hour_start_idx on call_hour (hour_start);

create table call_day (
  source_key text not null,
  day_start timestamptz(3) not null,
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
  counted_at timestamptz(3) not null,
  constraint call_day_pkey primary key (source_key, day_start, menu_slot),
  constraint call_day_slot_check check (menu_slot = coalesce('=' || menu_id, '-'))
);
comment on table call_day is
  'The sums of call_hour by day (UTC), written in the transaction that writes its hours. Percentiles cannot be added up, so there are none.';
-- "the days of [a, b)"
create index call_day_day_start_idx on call_day (day_start);

create table rollup_due (
  hour_start timestamptz(3) not null,
  constraint rollup_due_pkey primary key (hour_start)
);
comment on table rollup_due is 'Hours whose calls changed since they were counted. Who counts an hour takes it out in the same transaction.';

create table rollup_place (
  single boolean not null default true,
  tx bigint not null,
  call_key uuid not null,
  id uuid not null,
  revision integer not null,
  constraint rollup_place_pkey primary key (single),
  constraint rollup_place_single_check check (single)
);
comment on table rollup_place is 'One row: the last change of call_change whose hours are in rollup_due, or were.';
-- Place first, hours after it: what is committed in between is in the hours, and is only counted twice.
insert into rollup_place (tx, call_key, id, revision)
select pg_snapshot_xmin(pg_current_snapshot())::text::bigint + ahead - 1, 'ffffffff-ffff-ffff-ffff-ffffffffffff',
  'ffffffff-ffff-ffff-ffff-ffffffffffff', 2147483647
from change_base;
insert into rollup_due (hour_start) select distinct date_trunc('hour', first_seen_at, 'UTC') from call;
