/** The statements of statistics. Cells are given to PostgreSQL as instants: it needs to know no time zone. */
import { Prisma } from '../../generated/prisma/client.js';
import { peakStatement, type Placed } from '../../store/peaks.js';
import { callConditions } from '../calls.js';
import { at, every } from '../sql.js';
import type { Grouping, StatisticsQuery } from './contract.js';

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

/**
 * What maskedNumber shows before its stars, which test/db/statistics.spec.ts compares; a word without digits is whole. A number is
 * digits, `+`, `*` and `#` (src/wire/fields.ts). bi_masked says the same and took 13 us a row where this takes 2.5.
 */
function prefixOf(column: string): Prisma.Sql {
  const plus = `left(${column}, (${column} like '+%')::int)`;
  const digits = `translate(${column}, '+*#', '')`;
  const begin = `${plus} || left(${digits}, greatest(least(4, length(${digits}) - 7), 0)) || '*'`;
  return Prisma.raw(`case when ${column} ~ '[0-9]' then ${begin} else ${column} end`);
}

export const GROUPS: Readonly<Record<Grouping, Prisma.Sql>> = {
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
export function partOf(time: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`part_of[width_bucket(${time}, starts)]`;
}

export function askedCells(cells: readonly Placed[]): Prisma.Sql {
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
    with ${askedCells(cells)}, counted as (
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

/** Most calls at one instant, by part and group. */
export function askedPeakStatement({ query, from, to, asOf, cells, lookBackMs }: Asked): Prisma.Sql {
  const filter = callConditions({ ...query, from: undefined, to: undefined });
  return peakStatement({ group: GROUPS[query.groupBy], filter, from, to, asOf, cells, lookBackMs });
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
    with ${askedCells(cells)}, counting as (
      select id, ${source} as source,
        width_bucket(greatest(from_at, ${at(from)}), starts) as first,
        width_bucket(least(coalesce(to_at, ${at(to)}), ${at(to)}), starts) as last
      from gap, asked
      where (status in ('open', 'lost') or kind = 'outage' and certainty = 'certain')
        and tstzrange(from_at, to_at, '[]') && tstzrange(${at(from)}, ${at(to)}) and ${sources})
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
