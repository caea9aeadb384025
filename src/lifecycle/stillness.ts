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

/** Slots heard per ms of a time; no time is shorter than a slot. */
function rateOf(window: LossWindow, ms: number): number {
  return (window.rhythm?.heard ?? 0) / Math.max(ms, (window.to - window.from) / SLOTS);
}

/** The longest silence that ended in a window, if what was heard on both sides of it makes it improbable. */
function withinWindows(window: LossWindow, windows: readonly LossWindow[]): Span | null {
  if (window.rhythm === null) return null;
  const { silenceFrom: from, silenceMs } = window.rhythm;
  const to = from + silenceMs;
  // How often the source spoke before the facts begin is not known.
  const before = windows.find((one) => one.from <= from && from < one.to);
  if (before === undefined) return null;
  // Where traffic thins out, or sets in, one side says that nothing was due.
  const rate =
    before === window
      ? rateOf(window, window.to - window.from - silenceMs)
      : Math.min(rateOf(before, from - before.from), rateOf(window, window.to - to));
  return rate * silenceMs >= MISSED ? { from, to } : null;
}

/** Closed windows in which nothing was heard, up to the one that holds `at`: the silence began somewhere in the last one heard. */
function beyondWindows(at: number, windows: readonly LossWindow[], windowMs: number): Span | null {
  const end = windowEnd(at, windowMs);
  const heard = windows.findLast((one) => one.rhythm !== null && one.to <= end);
  if (heard === undefined || heard.to === end) return null;
  const rate = rateOf(heard, heard.to - heard.from);
  return rate * (end - heard.to) >= MISSED ? { from: heard.from, to: end } : null;
}

/**
 * The stillnesses that a span touches. Only what the windows up to its end tell counts: a call is final when those have closed.
 * @param span all of whose windows have closed
 */
export function stillnessesOf(span: Span, { lossWindows, settings }: SourceFacts): readonly Span[] {
  const end = windowEnd(span.to, settings.lossWindowMs);
  const known = lossWindows.filter((one) => one.to <= end && one.to > span.from);
  const found = [
    ...known.map((one) => withinWindows(one, lossWindows)),
    beyondWindows(span.to, lossWindows, settings.lossWindowMs),
  ];
  return found.filter((one) => one !== null).filter((one) => one.from <= span.to && one.to >= span.from);
}
