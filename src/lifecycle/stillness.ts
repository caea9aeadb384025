/**
 * Stretches in which a source was not heard at all though it spoke often before and after: the link was cut, as far as a receiver
 * can tell. No copy and no inverted state shows such a loss, for every try of what was sent meanwhile is lost (docs/truth.md 12).
 *
 * Known from closed windows alone, which note their longest silence to a slot, a 300th of a window: so the same whenever it is
 * asked, and nothing shorter than {@link MISSED} slots is seen.
 */
import { type LossWindow, type SourceFacts, type Span, windowEnd } from '../delivery/facts.js';
import { SLOTS } from '../delivery/rhythm.js';

/**
 * Slots with a notification that a silence must have lacked: where calls come independently of each other, one of the 300
 * silences of a window lacks so many with a chance of 300 e^-20 = 6e-7, within the limit of what is inferred (docs/truth.md 11).
 */
const MISSED = 20;

/** A silence that is improbable, with the slots heard per ms around it. */
export interface Stillness extends Span {
  readonly slotsPerMs: number;
}

/** Whether a silence lacks too many slots for chance. */
export function isStillness({ from, to, slotsPerMs }: Stillness): boolean {
  return slotsPerMs * (to - from) >= MISSED;
}

/** Slots heard per ms of a time; no time is shorter than a slot. */
function rateOf(window: LossWindow, ms: number): number {
  return (window.rhythm?.heard ?? 0) / Math.max(ms, (window.to - window.from) / SLOTS);
}

/**
 * The longest silence that ended in a window, if what was heard on both sides of it makes it improbable.
 * @param windows closed windows of the source: those in which the silence may have begun, and the window itself
 */
export function stillnessIn(window: LossWindow, windows: readonly LossWindow[]): Stillness | null {
  if (window.rhythm === null) return null;
  const { silenceFrom: from, silenceMs } = window.rhythm;
  const to = from + silenceMs;
  // How often the source spoke before the facts begin is not known.
  const before = windows.find((one) => one.from <= from && from < one.to);
  if (before === undefined) return null;
  // Where traffic thins out, or sets in, one side says that nothing was due.
  const slotsPerMs =
    before === window
      ? rateOf(window, window.to - window.from - silenceMs)
      : Math.min(rateOf(before, from - before.from), rateOf(window, window.to - to));
  const silence = { from, to, slotsPerMs };
  return isStillness(silence) ? silence : null;
}

/** Closed windows in which nothing was heard, up to the one that holds `at`: the silence began somewhere in the last one heard. */
function beyondWindows(at: number, windows: readonly LossWindow[], windowMs: number): Stillness | null {
  const end = windowEnd(at, windowMs);
  const heard = windows.findLast((one) => one.rhythm !== null && one.to <= end);
  if (heard === undefined || heard.to === end) return null;
  const slotsPerMs = rateOf(heard, heard.to - heard.from);
  return isStillness({ from: heard.to, to: end, slotsPerMs }) ? { from: heard.from, to: end, slotsPerMs } : null;
}

/**
 * The stillnesses that a span touches. Only what the windows up to its end tell counts: a call is final when those have closed.
 * @param span all of whose windows have closed
 */
export function stillnessesOf(span: Span, { lossWindows, settings }: SourceFacts): readonly Span[] {
  const end = windowEnd(span.to, settings.lossWindowMs);
  const known = lossWindows.filter((one) => one.to <= end && one.to > span.from);
  const found = [
    ...known.map((one) => stillnessIn(one, lossWindows)),
    beyondWindows(span.to, lossWindows, settings.lossWindowMs),
  ];
  const touching = found.filter((one) => one !== null).filter((one) => one.from <= span.to && one.to >= span.from);
  return touching.map(({ from, to }) => ({ from, to }));
}
