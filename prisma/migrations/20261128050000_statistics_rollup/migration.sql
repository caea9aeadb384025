-- What statistics of whole hours are answered from: docs/adr/0014-bi.md, 6.

-- Percentiles of several hours, sources or menus are those of all their values.
alter table call_hour add column ring_values bigint[];
comment on table call_hour is
  'Calls counted by hour of first receipt (UTC), source and menu. The key names a menu by = and its id, or - for none, since a '
  'key holds no null. ring_values are all ring_ms there are, in no order. Kept by counting whole hours again (src/store/bi): equal to a '
  'recount but for hours in rollup_due.';

create table call_peak (
  hour_start timestamptz(3) not null,
  grouping text not null,
  slot text not null,
  name text,
  peak integer not null,
  constraint call_peak_pkey primary key (hour_start, grouping, slot),
  constraint call_peak_grouping_check check (grouping in ('none', 'menu', 'source')),
  constraint call_peak_peak_check check (peak > 0),
  constraint call_peak_slot_check check (slot = coalesce('=' || name, '-'))
);
comment on table call_peak is
  'Most calls at one instant of an hour (UTC), of all calls, of a menu or of a source, which name names; an hour in which none went on has '
  'no row. Peaks of groups cannot be added up, so each grouping is counted. Kept with call_hour.';

-- Every hour from the first that was counted to the last is counted again; in one without calls, calls of before may have gone on.
insert into rollup_due (hour_start)
select generate_series(min(hour_start), max(hour_start), interval '1 hour') from call_hour
on conflict (hour_start) do nothing;
