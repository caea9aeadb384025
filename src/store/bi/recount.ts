/**
 * The hourly and daily figures of schema `bi`, kept apart from the hot path: whoever changes a call writes a row of `call_change`
 * and nothing here; the keeper follows those rows, notes the hours they touch, and counts those hours again from the calls.
 *
 * An hour is never added to: it is counted whole, so that a figure cannot drift, and a lost or doubled note costs a count and not
 * a wrong number. docs/adr/0014-bi.md
 */
import { Prisma } from '../../generated/prisma/client.js';
import type { SqlRunner } from '../upkeep/partitions.js';
import { peakStatement } from '../peaks.js';

const SUMS = {
  calls: 'count(*)',
  answered: "count(*) filter (where disposition = 'answered')",
  not_answered: "count(*) filter (where disposition = 'not_answered')",
  unknown: "count(*) filter (where disposition = 'unknown')",
  open: "count(*) filter (where state <> 'ended')",
  presumed_ended: "count(*) filter (where end_provenance = 'presumed')",
  unsettled: 'count(*) filter (where not settled)',
  rung: 'count(ringing_at)',
  rung_answered: "count(ringing_at) filter (where disposition = 'answered')",
  rung_not_answered: "count(ringing_at) filter (where disposition = 'not_answered')",
  talk_calls: 'count(talk_ms)',
  talk_ms: 'coalesce(sum(talk_ms), 0)',
  ring_calls: 'count(ring_ms)',
  ring_ms: 'coalesce(sum(ring_ms), 0)',
  late: 'count(*) filter (where late)',
  conflict: 'count(*) filter (where conflict)',
  missing: 'coalesce(sum(missing_count), 0)',
} as const;

const SLOT = "coalesce('=' || menu_id, '-')";
const NAMES = Object.keys(SUMS);
const HOUR_VALUES = ['menu_name', ...NAMES, 'ring_ms_p50', 'ring_ms_p95', 'ring_values', 'counted_at'];
const DAY_VALUES = ['menu_name', ...NAMES, 'counted_at'];

function assign(columns: readonly string[]): string {
  return columns.map((column) => `${column} = excluded.${column}`).join(', ');
}

/** $1 the begins of hours, $2 the instant of the count. All sources of an hour at once: the index is on the first receipt alone. */
const COUNT_HOURS = `
with counted as (
  select source_key, hour_start, ${SLOT} as menu_slot, menu_id, max(menu_name) as menu_name,
    ${Object.entries(SUMS)
      .map(([name, sum]) => `${sum} as ${name}`)
      .join(', ')},
    percentile_disc(array[0.5, 0.95]) within group (order by call.ring_ms) as ring,
    array_agg(call.ring_ms) filter (where call.ring_ms is not null) as ring_values
  from unnest($1::timestamptz[]) as due (hour_start)
    join call on first_seen_at >= hour_start and first_seen_at < hour_start + interval '1 hour'
  group by source_key, hour_start, menu_id
), gone as (
  delete from call_hour as stored where hour_start = any ($1::timestamptz[])
    and not exists (select 1 from counted where counted.source_key = stored.source_key
      and counted.hour_start = stored.hour_start and counted.menu_slot = stored.menu_slot)
)
insert into call_hour (source_key, hour_start, menu_slot, menu_id, ${HOUR_VALUES.join(', ')})
select source_key, hour_start, menu_slot, menu_id, menu_name, ${NAMES.join(', ')}, ring[1], ring[2], ring_values, $2::timestamptz from counted
on conflict (source_key, hour_start, menu_slot) do update set ${assign(HOUR_VALUES)}`;

/** As above, of the days that the hours $1 lie in, from the hours. */
const COUNT_DAYS = `
with due as (
  select distinct date_trunc('day', hour_start, 'UTC') as day_start from unnest($1::timestamptz[]) as hours (hour_start)
), counted as (
  select source_key, day_start, menu_slot, menu_id,
    (array_agg(menu_name order by hour_start desc) filter (where menu_name is not null))[1] as menu_name,
    ${NAMES.map((name) => `sum(${name}) as ${name}`).join(', ')}
  from due join call_hour on hour_start >= day_start and hour_start < day_start + interval '24 hours'
  group by source_key, day_start, menu_slot, menu_id
), gone as (
  delete from call_day as stored using due where stored.day_start = due.day_start
    and not exists (select 1 from counted where counted.source_key = stored.source_key
      and counted.day_start = stored.day_start and counted.menu_slot = stored.menu_slot)
)
insert into call_day (source_key, day_start, menu_slot, menu_id, ${DAY_VALUES.join(', ')})
select source_key, day_start, menu_slot, menu_id, menu_name, ${NAMES.join(', ')}, $2::timestamptz from counted
on conflict (source_key, day_start, menu_slot) do update set ${assign(DAY_VALUES)}`;

/**
 * Takes due hours out, `limit` at most and the newest first, and counts them and their days. To be called in a transaction, by one
 * process at a time: an hour noted meanwhile waits for it, and is due again after it.
 * @param now the instant of the count, ms since the epoch
 * @returns how many hours it counted
 */
export async function countDueHours(db: SqlRunner, now: number, limit: number): Promise<number> {
  const due = await db.$queryRawUnsafe<{ hour: string }[]>(
    `delete from rollup_due where hour_start in (select hour_start from rollup_due order by hour_start desc limit $1)
     returning to_json(hour_start)#>>'{}' as hour`,
    limit,
  );
  if (due.length === 0) return 0;
  const hours = due.map(({ hour }) => hour);
  const at = new Date(now).toISOString();
  await db.$executeRawUnsafe(COUNT_HOURS, hours, at);
  await db.$executeRawUnsafe(COUNT_DAYS, hours, at);
  await countPeaks(
    db,
    hours.map((hour) => Date.parse(hour)),
    now,
  );
  return due.length;
}

const HOUR_MS = 3_600_000;

/** What peaks are told apart by. */
const GROUPINGS = {
  none: Prisma.sql`null::text`,
  menu: Prisma.sql`menu_id`,
  source: Prisma.sql`source_key`,
} as const;

/** Runs of hours that follow each other: calls that last from one into the next are read once. */
function runsOf(hours: readonly number[]): readonly number[][] {
  const runs: number[][] = [];
  for (const hour of [...hours].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run !== undefined && run.at(-1) === hour - HOUR_MS) run.push(hour);
    else runs.push([hour]);
  }
  return runs;
}

async function countPeaks(db: SqlRunner, hours: readonly number[], now: number): Promise<void> {
  const [limits] = await db.$queryRawUnsafe<{ lookBackMs: number | null }[]>(
    'select max(stale_ringing_ms + stale_answered_ms)::float8 as "lookBackMs" from settings',
  );
  const lookBackMs = limits?.lookBackMs ?? 0;
  for (const run of runsOf(hours)) {
    const [from, to] = [run[0] ?? 0, (run.at(-1) ?? 0) + HOUR_MS];
    await db.$executeRawUnsafe(
      'delete from call_peak where hour_start >= $1::timestamptz and hour_start < $2::timestamptz',
      new Date(from).toISOString(),
      new Date(to).toISOString(),
    );
    if (from >= now) continue;
    const cells = run.map((hour, part) => ({ from: hour, to: hour + HOUR_MS, part }));
    for (const [grouping, group] of Object.entries(GROUPINGS)) {
      const peaks = peakStatement({ group, filter: [], from, to, asOf: now, cells, lookBackMs });
      const keep = Prisma.sql`
        insert into call_peak (hour_start, grouping, slot, name, peak)
        select ${new Date(from).toISOString()}::timestamptz + part * interval '1 hour', ${grouping}, coalesce('=' || "group", '-'), "group", peak
        from (${peaks}) as counted where peak > 0`;
      await db.$executeRawUnsafe(keep.text, ...keep.values);
    }
  }
}

/** Notes every hour there is, to be counted again: after records were written by other means than the ledger's. */
export async function noteAllHours(db: SqlRunner): Promise<number> {
  return db.$executeRawUnsafe(
    `insert into rollup_due (hour_start)
     select distinct date_trunc('hour', first_seen_at, 'UTC') from call union select hour_start from call_hour
     union select hour_start from call_peak
     on conflict (hour_start) do nothing`,
  );
}
