/**
 * When an event happened, as far as its own notification tells (docs/truth.md 13).
 *
 * A sender that gives no times is at most H late: the event lies in [receipt - H - idle time, receipt]. One that says when
 * the event happened is believed, and the interval is that instant, unless it names a time that cannot be: more than the
 * margin after the receipt, or longer before it than any call is waited for. Then the receipt bounds the event from above
 * and nothing from below, since nobody knows how often, or how late, such a sender tries.
 */
import type { Spoken } from '../delivery/evidence.js';
import { eventTimeOf, horizonMs, type Settings } from '../notification.js';

type Received = Pick<Spoken, 'serial' | 'firstAt' | 'idleMs'>;
type Limits = Pick<Settings, 'marginMs' | 'staleAnsweredMs'>;

/** The time a notification gives its event, ms since the epoch; null when it gives none, or one that cannot be. */
function believed({ serial, firstAt }: Received, { marginMs, staleAnsweredMs }: Limits): number | null {
  const eventAt = eventTimeOf(serial);
  if (eventAt === null || eventAt > firstAt + marginMs || eventAt < firstAt - staleAnsweredMs) return null;
  return eventAt;
}

/** The latest its event can have happened, which is the best estimate too. */
export function happenedBy(one: Received, settings: Limits): number {
  return believed(one, settings) ?? one.firstAt;
}

/** The earliest its event can have happened; minus infinity when nothing bounds it. */
export function happenedFrom(one: Received, settings: Settings): number {
  const at = believed(one, settings);
  if (at !== null) return at;
  return gaveNoTime(one) ? one.firstAt - horizonMs(settings) - one.idleMs : Number.NEGATIVE_INFINITY;
}

/** Whether a notification gives its event a time that cannot be. */
export function isTimeIgnored(one: Received, settings: Limits): boolean {
  return !gaveNoTime(one) && believed(one, settings) === null;
}

/** Whether its sender gives no times, so that only receipts and the retry schedule tell. */
export function gaveNoTime({ serial }: Pick<Received, 'serial'>): boolean {
  return eventTimeOf(serial) === null;
}
