/** Instants as PostgreSQL prints them, as ISO 8601 in a time zone. */
import { offsetMs } from '../statistics/zone.js';

/** Minutes kept: neighbouring rows share theirs, and asking for an offset costs more than the rest of a row. */
const MINUTES_MAX = 4_096;
const MINUTE_MS = 60_000;

/** `+02:00`, `-03:30`; no zone's offset has had seconds since 1972. */
function offsetText(minutes: number): string {
  const size = Math.abs(minutes);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

interface Minute {
  /** `2026-03-29T03:00`, as the clock of the zone shows it. */
  readonly wall: string;
  readonly offset: string;
}

/**
 * Writes instants for one zone: `2026-03-29 01:00:00.12+00` (a session in UTC) becomes `2026-03-29T03:00:00.120+02:00`, and in
 * UTC ends in Z as everywhere else.
 */
export function zonedText(zone: string): (printed: string) => string {
  // As it is printed but for its signs: a third of what looking for its minute costs.
  if (zone === 'UTC') return (printed) => `${printed.slice(0, 10)}T${printed.slice(11, 16)}${secondsOf(printed)}Z`;
  const minutes = new Map<string, Minute>();
  const minuteOf = (text: string): Minute => {
    const at = Date.parse(`${text.replace(' ', 'T')}Z`);
    const ahead = Math.round(offsetMs(at, zone) / MINUTE_MS);
    const wall = new Date(at + ahead * MINUTE_MS).toISOString().slice(0, 16);
    return { wall, offset: offsetText(ahead) };
  };
  let last = '';
  let minute: Minute = { wall: '', offset: '' };
  return (printed) => {
    // The times of a call mostly share their minute, and to compare costs a third of looking up.
    if (last === '' || !printed.startsWith(last)) {
      last = printed.slice(0, 16);
      minute = kept(minutes, last, minuteOf);
    }
    return minute.wall + secondsOf(printed) + minute.offset;
  };
}

/** `:02.480`; PostgreSQL prints no zeros at the end: `:02` and `:02.48`. */
function secondsOf(printed: string): string {
  const seconds = printed.slice(16, -3);
  return seconds.length === 7 ? seconds : (seconds.length === 3 ? `${seconds}.` : seconds).padEnd(7, '0');
}

function kept(minutes: Map<string, Minute>, text: string, make: (text: string) => Minute): Minute {
  const known = minutes.get(text);
  if (known !== undefined) return known;
  if (minutes.size >= MINUTES_MAX) minutes.clear();
  const made = make(text);
  minutes.set(text, made);
  return made;
}
