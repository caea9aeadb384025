/** Statistics of calls: `GET /statistics`. What is counted stands in contract.ts, how in sql.ts. */
import type { Settings } from '../../notification.js';
import type { PeakRow } from '../../store/peaks.js';
import { BadParameters } from '../faults.js';
import { type Reads, rows } from '../sql.js';
import { type Cell, cellsOf } from './buckets.js';
import type { StatisticsQuery, StatisticsRow } from './contract.js';
import { type Listening, listened, type Span } from './known.js';
import { isRolled, readRolled } from './rolled.js';
import {
  type Asked,
  askedPeakStatement,
  type CountedRow,
  countStatement,
  type GapCountRow,
  gapStatement,
  listeningStatement,
} from './sql.js';

/** Buckets (and hours in them) one question may have: 400 days by the hour. */
export const CELLS_MAX = 10_000;
/** Rows of one answer, 2.5 MB of JSON. */
export const ROWS_MAX = 10_000;
const DAY_MS = 86_400_000;

/** A bucket, or an hour of the clock in it: what an answer has a row of, for each group. */
interface Part {
  readonly bucketStart: number;
  readonly hour: number | null;
  readonly cells: readonly Cell[];
}

/** Everything that is known of a question, before it is laid out as rows. */
interface Found {
  readonly parts: readonly Part[];
  readonly groups: readonly (string | null)[];
  readonly counted: readonly CountedRow[];
  readonly peaks: readonly PeakRow[];
  readonly gaps: readonly GapCountRow[];
  readonly listening: Listening;
}

function fault(parameter: string, reason: string): BadParameters {
  return new BadParameters([{ parameter, reason }]);
}

/** The period a question is about: the 24 hours before `to`, and until now, unless it says so. */
export function periodOf({ from, to }: Pick<StatisticsQuery, 'from' | 'to'>, asOf: number): Span {
  const end = to ?? (from === undefined ? asOf : Math.max(asOf, from + 1));
  const begin = from ?? end - DAY_MS;
  return { from: begin, to: end };
}

function partsOf(cells: readonly Cell[]): { readonly parts: readonly Part[]; readonly partOf: readonly number[] } {
  const places = new Map<string, number>();
  const parts: { bucketStart: number; hour: number | null; cells: Cell[] }[] = [];
  const partOf = cells.map((cell) => {
    const name = `${String(cell.bucketStart)} ${String(cell.hour)}`;
    const place = places.get(name) ?? parts.length;
    places.set(name, place);
    const part = (parts[place] ??= { bucketStart: cell.bucketStart, hour: cell.hour, cells: [] });
    part.cells.push(cell);
    return place;
  });
  return { parts, partOf };
}

const NOTHING = {
  ...{ calls: 0, answered: 0, notAnswered: 0, unknown: 0 },
  ...{ answerRatioRung: null, acdMs: null, ringMsP50: null, ringMsP95: null },
} as const;
const NOT_KNOWN = { ...NOTHING, calls: null, answered: null, notAnswered: null, unknown: null } as const;

const keyOf = (part: number, group: string | null): string => `${String(part)} ${group ?? '\u0000'}`;

/** One row for each part and group: a group without calls is a row of zeros, or of nulls where nobody listened. */
function rowsOf(found: Found, bySource: boolean): StatisticsRow[] {
  const counted = new Map(found.counted.map(({ part, group, ...counts }) => [keyOf(part, group), counts]));
  const peaks = new Map(found.peaks.map(({ part, group, peak }) => [keyOf(part, group), peak]));
  const gaps = new Map(found.gaps.map(({ part, source, gaps: count }) => [keyOf(part, source), count]));
  return found.parts.flatMap(({ bucketStart, hour, cells }, part) => {
    const known = cells.some(({ from, to }) => listened(found.listening, from, to));
    return found.groups.map((group): StatisticsRow => {
      const counts = counted.get(keyOf(part, group)) ?? (known ? NOTHING : NOT_KNOWN);
      const peak = peaks.get(keyOf(part, group)) ?? 0;
      return {
        bucketStart: new Date(bucketStart),
        group: hour === null ? group : String(hour),
        ...counts,
        concurrencyPeak: peak === 0 && counts.calls === null ? null : peak,
        gaps: gaps.get(keyOf(part, bySource ? group : null)) ?? 0,
      };
    });
  });
}

/** By name, calls without a value last. */
function inOrder(groups: Iterable<string | null>): readonly (string | null)[] {
  const found = [...new Set(groups)].sort((a, b) => (a === null ? 1 : b === null ? -1 : a < b ? -1 : 1));
  return found.length === 0 ? [null] : found;
}

interface Counted {
  readonly counted: readonly CountedRow[];
  readonly peaks: readonly PeakRow[];
}

async function countedAnew(db: Reads, asked: Asked): Promise<Counted> {
  const [counted, peaks] = await Promise.all([
    rows<CountedRow>(db, countStatement(asked)),
    asked.from < asked.asOf ? rows<PeakRow>(db, askedPeakStatement(asked)) : [],
  ]);
  return { counted, peaks };
}

/** From hours as far as they go, and anew between. */
async function countedAhead(db: Reads, asked: Asked): Promise<Counted> {
  const { rest, ...rolled } = await readRolled(db, asked);
  if (rest === null) return rolled;
  const anew = await countedAnew(db, { ...asked, ...rest });
  return { counted: [...rolled.counted, ...anew.counted], peaks: [...rolled.peaks, ...anew.peaks] };
}

/**
 * Reads the statistics a question asks for, as of `asOf`.
 * @throws BadParameters the period is empty, or would take more than {@link CELLS_MAX} buckets or {@link ROWS_MAX} rows
 */
export async function readStatistics(
  db: Reads,
  query: StatisticsQuery,
  settings: Pick<Settings, 'staleRingingMs' | 'staleAnsweredMs'>,
  asOf: number,
): Promise<{ readonly data: readonly StatisticsRow[] }> {
  const { from, to } = periodOf(query, asOf);
  const { bucket, tz: zone, groupBy } = query;
  const cells = cellsOf(from, to, { bucket, zone, byHour: groupBy === 'hourOfDay' }, CELLS_MAX);
  if (cells === null) {
    throw fault('bucket', `would be more than ${String(CELLS_MAX)} periods; ask for longer ones, or for less time`);
  }
  const { parts, partOf } = partsOf(cells);
  const placed = cells.map((cell, index) => ({ from: cell.from, to: cell.to, part: partOf[index] ?? 0 }));
  const lookBackMs = settings.staleRingingMs + settings.staleAnsweredMs;
  const asked: Asked = { query, from, to, asOf, cells: placed, lookBackMs };
  const [{ counted, peaks }, gaps, [facts]] = await Promise.all([
    isRolled(query) ? countedAhead(db, asked) : countedAnew(db, asked),
    rows<GapCountRow>(db, gapStatement(asked)),
    rows<{ since: number | null; outages: readonly Span[]; sources: readonly string[] }>(
      db,
      listeningStatement(from, to),
    ),
  ]);
  const known = groupBy === 'source' ? (query.source ?? facts?.sources ?? []) : [];
  const groups = inOrder([...counted, ...peaks].map(({ group }) => group).concat(known));
  if (parts.length * groups.length > ROWS_MAX) {
    const size = `${String(parts.length)} periods of ${String(groups.length)} groups`;
    throw fault('groupBy', `gives ${size}, and ${String(ROWS_MAX)} rows at most are answered; ask for longer periods`);
  }
  const listening = { since: facts?.since ?? null, until: asOf, outages: facts?.outages ?? [] };
  return { data: rowsOf({ parts, groups, counted, peaks, gaps, listening }, groupBy === 'source') };
}
