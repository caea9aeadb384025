/**
 * How long a source may be silent before it is unusual (docs/truth.md 17), from its own closed windows.
 *
 * What it did it may do again: a silence is unusual when it lasts more than twice as long as the longest of those that
 * began at about the same time of day, within an hour, over the last eight days; so a night is no alarm and a silent
 * morning is one. Until a day of that is known, the longest of all counts. Nothing is said of a source that spoke in
 * fewer than 100 slots.
 *
 * False alarms: of N + 1 silences that are alike, the next is the longest with a chance of 1 / (N + 1), whatever their
 * distribution, so at most one alarm in the eight days looked back on; where silences are exponential, as those of a
 * steady stream of calls, it is twice the longest with a chance of 2 / (N + 1)(N + 2): at a call a minute one in 16 years.
 */

/** What one closed window tells. A slot is a 300th of the window. */
export interface WindowRhythm {
  /** Slots with a notification. */
  readonly heard: number;
  /** The longest silence that ended in the window: when it began, and how long it was. */
  readonly silenceFrom: number;
  readonly silenceMs: number;
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** How far back a rhythm reaches: a week, and the day it is compared with. */
export const RHYTHM_MS = 8 * DAY_MS;
/** Slots of one window: enough to see a silence of a second in 300 s, few enough to ask for one by one. */
export const SLOTS = 300;
const HEARD_NEEDED = 100;
/** How much longer than the longest seen. */
const FACTOR = 2;
/** Only what began so long ago tells of another day. */
const ANOTHER_DAY_MS = 20 * HOUR_MS;

/** How far apart two instants are as times of a day (UTC), at most half a day. */
function apartInDay(a: number, b: number): number {
  const apart = Math.abs(a - b) % DAY_MS;
  return Math.min(apart, DAY_MS - apart);
}

function heardIn(windows: readonly WindowRhythm[]): number {
  return windows.reduce((sum, { heard }) => sum + heard, 0);
}

/**
 * How long a silence that began at `since` may last, ms; null while too little is known of the source.
 * @param windows closed windows of the source in which it spoke, of the last {@link RHYTHM_MS}
 * @param horizonMs H: what is retried is not silent yet
 */
export function allowedSilence(windows: readonly WindowRhythm[], since: number, horizonMs: number): number | null {
  if (heardIn(windows) < HEARD_NEEDED) return null;
  const alike = windows.filter((one) => apartInDay(one.silenceFrom, since) <= HOUR_MS);
  const otherDays = alike.filter((one) => since - one.silenceFrom >= ANOTHER_DAY_MS);
  const compared = heardIn(otherDays) >= HEARD_NEEDED ? alike : windows;
  return FACTOR * Math.max(...compared.map(({ silenceMs }) => silenceMs)) + horizonMs;
}
