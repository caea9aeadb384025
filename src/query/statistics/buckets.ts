/** Periods of a wall clock as spans of instants. Pure. */
import { changeOf, instantOf, offsetMs, wallOf } from './zone.js';

/** By clock: counted from the full hour on. By calendar: from local midnight on. */
const CLOCK_MS = { minute: 60_000, quarterHour: 900_000, hour: 3_600_000 } as const;
const CALENDAR = ['day', 'week', 'month', 'quarter', 'year'] as const;

export const BUCKETS = [...(Object.keys(CLOCK_MS) as (keyof typeof CLOCK_MS)[]), ...CALENDAR, 'all'] as const;
export type Bucket = (typeof BUCKETS)[number];

/** The same as ISO 8601 durations; `all` has none. */
export const ISO_BUCKETS: Readonly<Record<string, Bucket>> = {
  ...{ PT1M: 'minute', PT15M: 'quarterHour', PT60M: 'hour', PT1H: 'hour', PT24H: 'day', P1D: 'day' },
  ...{ P7D: 'week', P1W: 'week', P1M: 'month', P3M: 'quarter', P1Y: 'year', P12M: 'year' },
};

/** About how many buckets a period of so many ms has, whatever the zone; at least one. */
export function bucketsIn(periodMs: number, bucket: Bucket): number {
  const day = 86_400_000;
  const lengths = { ...CLOCK_MS, day, week: 7 * day, month: 30 * day, quarter: 91 * day, year: 365 * day };
  return bucket === 'all' ? 1 : Math.max(1, Math.ceil(periodMs / lengths[bucket]));
}

/** A span [from, to) that belongs to the bucket that begins at `bucketStart`; all in ms since the epoch. */
export interface Cell {
  readonly bucketStart: number;
  readonly from: number;
  readonly to: number;
  /** The hour the wall clock shows, 0 to 23; null where cells are whole buckets. */
  readonly hour: number | null;
}

/** What a period is divided by. */
export interface Division {
  readonly bucket: Bucket;
  /** IANA name. */
  readonly zone: string;
  /** Divide buckets further by the hour the wall clock shows. */
  readonly byHour: boolean;
}

function isClock(bucket: Bucket): bucket is keyof typeof CLOCK_MS {
  return Object.hasOwn(CLOCK_MS, bucket);
}

/** The beginning of the clock period that holds `at`: no earlier than the clock was last changed. */
function clockStart(at: number, lengthMs: number, zone: string): number {
  const start = at - ((((at + offsetMs(at, zone)) % lengthMs) + lengthMs) % lengthMs);
  return offsetMs(start, zone) === offsetMs(at, zone) ? start : changeOf(start, at, zone);
}

/** The end of the clock period that holds `at`: where the next one begins, or the clock is changed before. */
function clockEnd(at: number, lengthMs: number, zone: string): number {
  const end = at + lengthMs - ((((at + offsetMs(at, zone)) % lengthMs) + lengthMs) % lengthMs);
  return offsetMs(end - 1, zone) === offsetMs(at, zone) ? end : changeOf(at, end - 1, zone);
}

type Calendar = (typeof CALENDAR)[number];

/** Local midnights as dates of UTC: the first day of the period that holds `wall`, and that of the next. */
function calendarWalls(wall: number, bucket: Calendar): readonly [number, number] {
  const date = new Date(wall);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const monday = day - ((date.getUTCDay() + 6) % 7);
  const quarter = month - (month % 3);
  const walls = {
    day: [Date.UTC(year, month, day), Date.UTC(year, month, day + 1)],
    week: [Date.UTC(year, month, monday), Date.UTC(year, month, monday + 7)],
    month: [Date.UTC(year, month), Date.UTC(year, month + 1)],
    quarter: [Date.UTC(year, quarter), Date.UTC(year, quarter + 3)],
    year: [Date.UTC(year, 0), Date.UTC(year + 1, 0)],
  } as const;
  return walls[bucket];
}

/**
 * The begin of the period of a wall clock that holds an instant, and of the next one. A day of 23 or 25 hours is one day; an hour
 * the clock shows twice is two.
 * @param at ms since the epoch
 */
export function periodAt(at: number, bucket: Exclude<Bucket, 'all'>, zone: string): readonly [number, number] {
  if (isClock(bucket)) {
    const lengthMs = CLOCK_MS[bucket];
    return [clockStart(at, lengthMs, zone), clockEnd(at, lengthMs, zone)];
  }
  const [start, next] = calendarWalls(wallOf(at, zone), bucket);
  const [from, to] = [instantOf(start, zone), instantOf(next, zone)];
  // Where midnight comes twice the clock shows the day before once more: those minutes are the new day's already.
  return to > at ? [from, to] : periodAt(at + CLOCK_MS.hour, bucket, zone);
}

/**
 * Divides [from, to) into cells, in order. The first and the last may be parts of their buckets; `bucketStart` is the begin of
 * the whole one.
 * @param max as many cells at most
 * @returns null when it would take more
 */
export function cellsOf(from: number, to: number, { bucket, zone, byHour }: Division, max: number): Cell[] | null {
  const cells: Cell[] = [];
  const add = (cell: Cell): boolean => cells.push(cell) <= max;
  for (let at = from; at < to;) {
    const [bucketStart, next] = bucket === 'all' ? [from, to] : periodAt(at, bucket, zone);
    const end = Math.min(next, to);
    if (!byHour && !add({ bucketStart, from: at, to: end, hour: null })) return null;
    for (let part = at; byHour && part < end;) {
      const partEnd = Math.min(clockEnd(part, CLOCK_MS.hour, zone), end);
      const hour = new Date(wallOf(part, zone)).getUTCHours();
      if (!add({ bucketStart, from: part, to: partEnd, hour })) return null;
      part = partEnd;
    }
    at = end;
  }
  return cells;
}
