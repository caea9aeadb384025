/**
 * Wall clocks of IANA time zones, daylight saving included. Pure. The zone data is that of Node's ICU and of nothing else: the
 * database is given instants, so that the two cannot disagree about a zone one of them does not know.
 */

const FORMATS = new Map<string, Intl.DateTimeFormat>();
/** Every name anybody asks for is kept; there are about 600 names in the IANA data, and links double them. */
const FORMATS_MAX = 2_000;

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = FORMATS.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone: zone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23' },
    ...{ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
  if (FORMATS.size < FORMATS_MAX) FORMATS.set(zone, made);
  return made;
}

/** Whether a name is one of the IANA data, in any case: `Europe/Berlin`, `UTC`. An offset (`+01:00`) is none. */
export function isZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

const DAY_MS = 86_400_000;

/** Offsets at the begins of days (UTC), by zone and day: asking ICU takes 5 us, and a year by the hour asks 17,000 times. */
const OFFSETS = new Map<string, number>();
const OFFSETS_MAX = 50_000;

function dayOffsetMs(day: number, zone: string): number {
  const name = `${zone} ${String(day)}`;
  const known = OFFSETS.get(name);
  if (known !== undefined) return known;
  if (OFFSETS.size >= OFFSETS_MAX) OFFSETS.clear();
  const found = askedOffsetMs(day * DAY_MS, zone);
  OFFSETS.set(name, found);
  return found;
}

/** How far the wall clock of a zone is ahead of UTC, in ms; no zone changes its clock twice within a day. */
export function offsetMs(at: number, zone: string): number {
  const day = Math.floor(at / DAY_MS);
  const before = dayOffsetMs(day, zone);
  return before === dayOffsetMs(day + 1, zone) ? before : askedOffsetMs(at, zone);
}

/**
 * What the wall clock of a zone shows, as the ms that a clock of UTC would show the same at.
 * @param at ms since the epoch
 */
export function wallOf(at: number, zone: string): number {
  return at + offsetMs(at, zone);
}

function askedOffsetMs(at: number, zone: string): number {
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
  for (const { type, value } of formatOf(zone).formatToParts(at)) parts[type] = Number(value);
  const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
}

/** The instant in (from, to] at which the clock of a zone first shows another offset than at `from`; it must show one at `to`. */
export function changeOf(from: number, to: number, zone: string): number {
  const before = offsetMs(from, zone);
  let [low, high] = [from, to];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(middle, zone) === before) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * The first instant at which the wall clock of a zone shows `wall` or more: of a time that comes twice the first, of one that is
 * skipped the moment of the change (a day that begins at 01:00).
 */
export function instantOf(wall: number, zone: string): number {
  const before = wall - offsetMs(wall - DAY_MS, zone);
  const after = wall - offsetMs(wall + DAY_MS, zone);
  const [early, late] = [Math.min(before, after), Math.max(before, after)];
  if (wallOf(early, zone) === wall) return early;
  if (wallOf(late, zone) === wall) return late;
  return changeOf(early - 1, late, zone);
}
