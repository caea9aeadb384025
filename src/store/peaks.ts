/** Most calls at one instant: counted for statistics that are asked for, and for hours that are kept. */
import { Prisma } from '../generated/prisma/client.js';

/** A span [from, to), ms since the epoch, and the row of the answer that it belongs to. */
export interface Placed {
  readonly from: number;
  readonly to: number;
  /** Rows of the answer are of a part: a bucket, or an hour of the clock in it. */
  readonly part: number;
}

/** Which calls are counted, and how they are told apart. */
export interface Concurrency {
  readonly group: Prisma.Sql;
  readonly filter: readonly Prisma.Sql[];
  readonly from: number;
  readonly to: number;
  readonly asOf: number;
  /** They follow each other. */
  readonly cells: readonly Placed[];
  /** How long a call may last that is looked for before `from`: both stale limits, in ms. */
  readonly lookBackMs: number;
}

export interface PeakRow {
  readonly part: number;
  readonly group: string | null;
  readonly peak: number;
}

function at(instantMs: number): Prisma.Sql {
  return Prisma.sql`${new Date(instantMs).toISOString()}::timestamptz`;
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
export function peakStatement({ group, filter, from, to, asOf, cells, lookBackMs }: Concurrency): Prisma.Sql {
  const until = Math.min(to, asOf);
  const [begin, end] = [at(from), at(until)];
  const msOf = (time: Prisma.Sql): Prisma.Sql => Prisma.sql`(extract(epoch from ${time} - ${begin}) * 1000)::bigint`;
  const lasting = (found: Prisma.Sql): Prisma.Sql => Prisma.sql`
    select ${group} as "group", ${msOf(Prisma.sql`greatest(${BEGIN}, ${begin})`)} as begin_ms,
      ${msOf(Prisma.sql`least(${endAt(asOf)}, ${end})`)} as end_ms
    from call where ${Prisma.join([found, ...filter], ' and ')} and ${endAt(asOf)} > ${begin} and ${BEGIN} < ${end}`;
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
