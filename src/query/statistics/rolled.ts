/**
 * Statistics of whole hours that were counted ahead (src/store/bi). They are used for hours that a recount would give the same for: no call
 * that went on in one of them can be unsettled, be changed by what the keeper has not looked at, or be due.
 */
import { Prisma } from '../../generated/prisma/client.js';
import type { PeakRow, Placed } from '../../store/peaks.js';
import { CALL_FILTER } from '../filters.js';
import { at, rows, type Reads } from '../sql.js';
import type { StatisticsQuery } from './contract.js';
import { type Asked, askedCells, type CountedRow, GROUPS, partOf } from './sql.js';

const HOUR_MS = 3_600_000;
/** Changes not counted yet that are looked at; with more of them everything is counted anew. The keeper leaves 30 s of them. */
const UNSEEN_MAX = 5_000;
/** How far back their former revisions are looked for. */
const FORMER_MS = 3 * 86_400_000;
/** Filters that hours are counted by, or that say which hours. */
const KNOWN: ReadonlySet<string> = new Set(['from', 'to', 'by', 'source']);

/** Whether hours are counted by what a question asks. */
export function isRolled(query: StatisticsQuery): boolean {
  const { by, groupBy, source } = query;
  const filtered = Object.keys(CALL_FILTER).some(
    (name) => !KNOWN.has(name) && query[name as keyof StatisticsQuery] !== undefined,
  );
  if (filtered || by !== 'firstSeenAt') return false;
  if (groupBy === 'source') return true;
  return source === undefined ? groupBy === 'none' || groupBy === 'menu' : groupBy === 'none' && source.length === 1;
}

interface Trusted {
  /** Hours that end by then are counted; null: all of them. */
  readonly before: number | null;
  readonly unseen: number;
  readonly unfound: number;
  readonly due: readonly number[];
}

/** When a call began to go on, of what a row of it says. */
const BEGIN = Prisma.sql`least(first_seen_at, ringing_at, answered_at)`;
const msOf = (time: Prisma.Sql): Prisma.Sql => Prisma.sql`extract(epoch from ${time})::float8 * 1000`;

function trustStatement(from: number, to: number, asOf: number): Prisma.Sql {
  return Prisma.sql`
    with place as (select tx, call_key, id, revision from rollup_place),
    unseen as materialized (
      select call_key, id, revision, ${BEGIN} as begin_at from call_change
      where (tx, call_key, id, revision) > ((select tx from place), (select call_key from place), (select id from place),
        (select revision from place))
      limit ${UNSEEN_MAX + 1}),
    former as materialized (
      select least(change.first_seen_at, change.ringing_at, change.answered_at) as begin_at
      from unseen join call_change as change on change.call_key = unseen.call_key and change.id = unseen.id
        and change.revision = unseen.revision - 1 and change.at >= ${at(asOf - FORMER_MS)}
      where unseen.revision > 1)
    select ${msOf(Prisma.sql`least((select min(first_seen_at) from call where not settled),
        (select min(${BEGIN}) from call where not settled and ${BEGIN} < first_seen_at), (select min(begin_at) from unseen), (select min(begin_at) from former))`)} as before,
      (select count(*)::int from unseen) as unseen,
      (select count(*) filter (where revision > 1) from unseen)::int - (select count(*)::int from former) as unfound,
      array(select ${msOf(Prisma.sql`hour_start`)} from rollup_due
        where hour_start > ${at(from - HOUR_MS)} and hour_start < ${at(to)}) as due`;
}

/** Which cells hours answer for. */
async function trustedCells(db: Reads, { from, to, asOf, cells }: Asked): Promise<(cell: Placed) => boolean> {
  const whole = (cell: Placed): boolean => cell.from % HOUR_MS === 0 && cell.to % HOUR_MS === 0;
  if (!cells.some(whole)) return () => false;
  const [trusted] = await rows<Trusted>(db, trustStatement(from, to, asOf));
  if (trusted === undefined || trusted.unseen > UNSEEN_MAX || trusted.unfound > 0) return () => false;
  const before = Math.min(asOf, trusted.before ?? asOf);
  return (cell) =>
    whole(cell) && cell.to <= before && !trusted.due.some((hour) => hour < cell.to && hour + HOUR_MS > cell.from);
}

export interface Rolled {
  readonly counted: readonly CountedRow[];
  readonly peaks: readonly PeakRow[];
  /** What is to be counted from calls, a span of cells and the parts in it; null: nothing. */
  readonly rest: Pick<Asked, 'from' | 'to' | 'cells'> | null;
  /** Whether a part is one of these. */
  readonly has: (part: number) => boolean;
}

/** Answers what it can of a question: the parts before the first and after the last one that must be counted. */
export async function readRolled(db: Reads, asked: Asked): Promise<Rolled> {
  const trusted = await trustedCells(db, asked);
  const open = new Set(asked.cells.filter((cell) => !trusted(cell)).map(({ part }) => part));
  const isOpen = asked.cells.map(({ part }) => open.has(part));
  const [first, last] = [isOpen.indexOf(true), isOpen.lastIndexOf(true)];
  const cells = first < 0 ? [] : asked.cells.slice(first, last + 1);
  const [begin, end] = [cells[0], cells.at(-1)];
  const rest = begin === undefined || end === undefined ? null : { from: begin.from, to: end.to, cells };
  const counting = new Set(cells.map(({ part }) => part));
  // A part that has cells on both sides is counted whole.
  const split = asked.cells.some((cell, index) => (index < first || index > last) && counting.has(cell.part));
  if (split) return { counted: [], peaks: [], rest: asked, has: () => false };
  if (cells.length === asked.cells.length) return { counted: [], peaks: [], rest, has: () => false };
  const [counted, peaks] = await Promise.all([
    rows<CountedRow>(db, countedStatement(asked)),
    rows<PeakRow>(db, keptPeakStatement(asked)),
  ]);
  const has = (part: number): boolean => !counting.has(part);
  return { counted: counted.filter(({ part }) => has(part)), peaks: peaks.filter(({ part }) => has(part)), rest, has };
}

function among({ source }: StatisticsQuery, column: Prisma.Sql): Prisma.Sql {
  return source === undefined ? Prisma.sql`true` : Prisma.sql`${column} = any(${[...source]}::text[])`;
}

/**
 * As `countStatement`, from hours. Groups are numbered, and hours taken in the order of their numbers: so the values of a group come
 * together without being sorted with those of others, or looked for among all hours (a day by hour and menu: 240 groups of 330,000 values).
 */
function countedStatement({ query, from, to, cells }: Asked): Prisma.Sql {
  return Prisma.sql`
    with ${askedCells(cells)}, hours as materialized (
      select dense_rank() over (order by part, "group") as number, placed.* from (
        select ${partOf(Prisma.sql`hour_start`)} as part, ${GROUPS[query.groupBy]} as "group", call_hour.*
        from call_hour, asked
        where hour_start >= ${at(from)} and hour_start < ${at(to)} and ${among(query, Prisma.sql`source_key`)}) placed),
    sums as (
      select number, part, "group", sum(calls)::int as calls, sum(answered)::int as answered,
        sum(not_answered)::int as "notAnswered", sum(unknown)::int as unknown,
        sum(rung_answered)::float8 / nullif(sum(rung_answered) + sum(rung_not_answered), 0) as "answerRatioRung",
        round(sum(talk_ms) / nullif(sum(talk_calls), 0))::float8 as "acdMs"
      from hours group by 1, 2, 3),
    rings as (
      select number, percentile_disc(array[0.5, 0.95]) within group (order by value) as ring_ms
      from (select number, ring_values from hours order by number) ordered, unnest(ring_values) as value group by 1)
    select part, "group", calls, answered, "notAnswered", unknown, "answerRatioRung", "acdMs",
      ring_ms[1]::float8 as "ringMsP50", ring_ms[2]::float8 as "ringMsP95"
    from sums left join rings using (number)`;
}

/** As `askedPeakStatement`, from hours: the most of some hours is the most of one of them. */
function keptPeakStatement({ query, from, to, cells }: Asked): Prisma.Sql {
  const { groupBy, source } = query;
  const bySource = groupBy === 'source' || source !== undefined;
  const group = groupBy === 'none' ? Prisma.sql`null::text` : Prisma.sql`name`;
  return Prisma.sql`
    with ${askedCells(cells)}
    select ${partOf(Prisma.sql`hour_start`)} as part, ${group} as "group", max(peak)::int as peak
    from call_peak, asked
    where grouping = ${bySource ? 'source' : groupBy} and hour_start >= ${at(from)} and hour_start < ${at(to)}
      and ${among(query, Prisma.sql`name`)}
    group by 1, 2`;
}
