/** The statements of statistics. Cells are given to PostgreSQL as instants: it needs to know no time zone. */
import { Prisma } from '../../generated/prisma/client.js';
import { callConditions } from '../calls.js';
import { at, every } from '../sql.js';
import type { Grouping, StatisticsQuery } from './contract.js';

/** A cell's place among the rows asked for: buckets and hours by number. */
export interface Placed {
  readonly from: number;
  readonly to: number;
  /** Rows of the answer are of a part: a bucket, or an hour of the clock in it. */
  readonly part: number;
}

/** What one question is put as; `from` and `to` are both set. */
export interface Asked {
  readonly query: StatisticsQuery;
  readonly from: number;
  readonly to: number;
  readonly asOf: number;
  readonly cells: readonly Placed[];
  /** How long a call may last that is looked for before `from`: both stale limits, in ms. */
  readonly lookBackMs: number;
}

/** The begin of a number that a mask would show too: 4 digits at most, and 7 hidden at least; a word without digits is whole. */
function prefixOf(column: string): Prisma.Sql {
  const plus = `(${column} like '+%')::int`;
  const digits = `length(ltrim(${column}, '+'))`;
  const begin = `left(${column}, greatest(least(4, ${digits} - 7), 0) + ${plus}) || '*'`;
  return Prisma.raw(`case when ${column} ~ '[0-9]' then ${begin} else ${column} end`);
}

const GROUPS: Readonly<Record<Grouping, Prisma.Sql>> = {
  none: Prisma.sql`null::text`,
  menu: Prisma.sql`menu_id`,
  source: Prisma.sql`source_key`,
  callerPrefix: prefixOf('caller_number'),
  calleePrefix: prefixOf('callee_number'),
  hourOfDay: Prisma.sql`null::text`,
};

const TIMES = {
  firstSeenAt: Prisma.sql`first_seen_at`,
  ringingAt: Prisma.sql`ringing_at`,
  answeredAt: Prisma.sql`answered_at`,
  endedAt: Prisma.sql`coalesce(ended_at, presumed_ended_at)`,
} as const;

function instants(values: readonly number[]): Prisma.Sql {
  return Prisma.sql`${values.map((ms) => new Date(ms).toISOString())}::timestamptz[]`;
}

/** The part that an instant of the asked period lies in: the cells follow each other. */
function partOf(time: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`part_of[width_bucket(${time}, starts)]`;
}

function asked(cells: readonly Placed[]): Prisma.Sql {
  const starts = instants(cells.map(({ from }) => from));
  const parts = Prisma.sql`${cells.map(({ part }) => part)}::int[]`;
  return Prisma.sql`asked as materialized (select ${starts} as starts, ${parts} as part_of)`;
}

export interface CountedRow {
  readonly part: number;
  readonly group: string | null;
  readonly calls: number;
  readonly answered: number;
  readonly notAnswered: number;
  readonly unknown: number;
  readonly answerRatioRung: number | null;
  readonly acdMs: number | null;
  readonly ringMsP50: number | null;
  readonly ringMsP95: number | null;
}

/** Calls by part and group. One sort serves both percentiles; `percentile_disc` gives a value that occurred. */
export function countStatement({ query, from, to, cells }: Asked): Prisma.Sql {
  const time = TIMES[query.by];
  return Prisma.sql`
    with ${asked(cells)}, counted as (
      select ${partOf(time)} as part, ${GROUPS[query.groupBy]} as "group",
        count(*)::int as calls,
        count(*) filter (where disposition = 'answered')::int as answered,
        count(*) filter (where disposition = 'not_answered')::int as "notAnswered",
        count(*) filter (where disposition = 'unknown')::int as unknown,
        count(*) filter (where disposition = 'answered' and ringing_at is not null)::float8
          / nullif(count(*) filter (where disposition <> 'unknown' and ringing_at is not null), 0) as "answerRatioRung",
        round(avg(talk_ms))::float8 as "acdMs",
        percentile_disc(array[0.5, 0.95]) within group (order by ring_ms) as ring_ms
      from call, asked
      where ${every(callConditions({ ...query, from, to }))}
      group by 1, 2)
    select part, "group", calls, answered, "notAnswered", unknown, "answerRatioRung", "acdMs",
      ring_ms[1]::float8 as "ringMsP50", ring_ms[2]::float8 as "ringMsP95"
    from counted`;
}

export interface PeakRow {
  readonly part: number;
  readonly group: string | null;
  readonly peak: number;
}

const BEGIN = Prisma.sql`coalesce(ringing_at, answered_at, first_seen_at)`;

/** When a call ended, is presumed to have ended, or now; a stale one that the sweep has not come to yet is no exception. */
function endAt(asOf: number): Prisma.Sql {
  return Prisma.sql`coalesce(ended_at, presumed_ended_at, least(stale_at, ${at(asOf)}), ${at(asOf)})`;
}

/** Below the number of a group: 42 bits of ms since `from` (139 years) and 2 of what happens. */
const GROUP_BITS = 44;

/**
 * Most calls at one instant, by part and group. Calls are turned into events, each one number: group, ms since `from`, and 0 for an
 * end, 1 for the begin of a cell, 2 for a begin; sorted as numbers, 700,000 of them take half of the time that rows take. At one
 * instant ends come first: [begin, end) does not touch the next call; what goes on is carried into a cell at its begin. What
 * outlasts the period ends with it, so that each group's sum is back at 0 before the next group's begins.
 * Calls that began before the period are found by their first receipt, as far back as the stale limits reach; longer ones by their
 * talk time, which an index has.
 */
export function peakStatement({ query, from, to, asOf, cells, lookBackMs }: Asked): Prisma.Sql {
  const filter = callConditions({ ...query, from: undefined, to: undefined });
  const group = GROUPS[query.groupBy];
  const until = Math.min(to, asOf);
  const [begin, end] = [at(from), at(until)];
  const msOf = (time: Prisma.Sql): Prisma.Sql => Prisma.sql`(extract(epoch from ${time} - ${begin}) * 1000)::bigint`;
  const lasting = (found: Prisma.Sql): Prisma.Sql => Prisma.sql`
    select ${group} as "group", ${msOf(Prisma.sql`greatest(${BEGIN}, ${begin})`)} as begin_ms,
      ${msOf(Prisma.sql`least(${endAt(asOf)}, ${end})`)} as end_ms
    from call where ${every([found, ...filter])} and ${endAt(asOf)} > ${begin} and ${BEGIN} < ${end}`;
  const near = Prisma.sql`first_seen_at >= ${at(from - lookBackMs)} and first_seen_at < ${at(until + lookBackMs)}`;
  const long = Prisma.sql`talk_ms > ${lookBackMs}::bigint / 2 and first_seen_at < ${at(from - lookBackMs)}`;
  const begun = cells.filter((cell) => cell.from < until);
  const bits = Prisma.raw(String(GROUP_BITS));
  return Prisma.sql`
    with lasting as materialized (${lasting(near)} union all ${lasting(long)}),
    known as materialized (
      select "group", row_number() over () as number from (select distinct "group" from lasting) as named),
    numbered as materialized (
      select known.number << ${bits} as base, begin_ms << 2 as began, end_ms << 2 as ended
      from lasting join known on coalesce(known."group", '') = coalesce(lasting."group", '')
        and (known."group" is null) = (lasting."group" is null)
      where begin_ms < end_ms),
    asked as materialized (
      select ${begun.map((cell) => String(cell.from - from))}::bigint[] as starts, ${begun.map(({ part }) => part)}::int[] as part_of),
    events as (
      select base + began + 2 as event from numbered
      union all select base + ended from numbered
      union all select (number << ${bits}) + (start_ms << 2) + 1 from known, asked, unnest(starts) as start_ms),
    going as (
      select event, sum((event & 3)::int - 1) over (order by event rows unbounded preceding) as calls from events),
    placed as (
      select event >> ${bits} as number, part_of[width_bucket((event & ((1::bigint << ${bits}) - 1)) >> 2, starts)] as part, calls
      from going, asked where event & 3 > 0),
    peaks as (select number, part, max(calls)::int as peak from placed group by 1, 2)
    select part, "group", peak from peaks join known using (number)`;
}

export interface GapCountRow {
  readonly part: number;
  readonly source: string | null;
  readonly gaps: number;
}

/** Gaps by part and, where asked for, source. A gap is in every cell from the one it begins in to the one it ends in. */
export function gapStatement({ query, from, to, cells }: Asked): Prisma.Sql {
  const source = query.groupBy === 'source' ? Prisma.sql`source_key` : Prisma.sql`null::text`;
  const sources =
    query.source === undefined ? Prisma.sql`true` : Prisma.sql`source_key = any(${[...query.source]}::text[])`;
  return Prisma.sql`
    with ${asked(cells)}, counting as (
      select id, ${source} as source,
        width_bucket(greatest(from_at, ${at(from)}), starts) as first,
        width_bucket(least(coalesce(to_at, ${at(to)}), ${at(to)}), starts) as last
      from gap, asked
      where (status in ('open', 'lost') or kind = 'outage' and certainty = 'certain')
        and from_at < ${at(to)} and (to_at is null or to_at >= ${at(from)}) and ${sources})
    select part_of[cell] as part, source, count(distinct id)::int as gaps
    from counting, asked, generate_series(first, last) as cell group by 1, 2`;
}

/** When anybody listened: the first start of a receiver, and what no receiver served; and which sources there are. */
export function listeningStatement(from: number, to: number): Prisma.Sql {
  return Prisma.sql`
    select (select extract(epoch from min(started_at)) * 1000 from receiver)::float8 as since,
      (select coalesce(json_agg(json_build_object('from', extract(epoch from start_at) * 1000,
        'to', extract(epoch from end_at) * 1000)), '[]') from outage
       where end_at > ${at(from)} and start_at < ${at(to)}) as outages,
      array(select key from source) as sources`;
}
