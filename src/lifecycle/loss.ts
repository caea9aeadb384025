/**
 * How likely it is that a notification was lost for good (docs/truth.md 11, 12, 16): per-datagram loss in the windows a
 * call touches, and the tries our own outages left to it.
 */
import { NO_HABITS, type Habits, type SourceFacts, type Span } from '../delivery/facts.js';
import { horizonMs, type Settings } from '../notification.js';

/** At or below this chance of a lost OK, Ringing then Bye is taken for not answered (docs/truth.md 11). */
export const INFERENCE_LIMIT = 1e-6;

/** End of the loss window that holds an instant. */
export function windowEnd(at: number, windowMs: number): number {
  return (Math.floor(at / windowMs) + 1) * windowMs;
}

/** When W has passed this, the window that holds `at` is closed: no copy of anything sent in it can still arrive first. */
export function windowClosesAt(at: number, settings: Settings): number {
  return windowEnd(at, settings.lossWindowMs) + horizonMs(settings);
}

/**
 * The largest per-datagram loss over the windows that [from, to] touches; null while one of them is open.
 * A closed window in which nothing ended says what the last one before it said.
 */
export function lossOver(span: Span, facts: SourceFacts): number | null {
  if (facts.through < windowClosesAt(span.to, facts.settings)) return null;
  const touched = facts.lossWindows.filter((window) => window.from <= span.to && window.to > span.from);
  if (touched.length > 0) return Math.max(...touched.map((window) => window.p));
  return facts.lossWindows.findLast((window) => window.to <= span.from)?.p ?? 0;
}

/** The habits known at an instant: those of the last window closed before it, so that they are the same whenever asked. */
export function habitsAt(facts: SourceFacts, at: number): Habits {
  return facts.lossWindows.findLast((window) => window.to <= at)?.habits ?? NO_HABITS;
}

/** Of the tries of a notification sent at `sentAt`, those that came while somebody listened. */
function triesOutside(sentAt: number, outages: readonly Span[], { retry, intervalMs }: Settings): number {
  let tries = 0;
  for (let k = 0; k <= retry; k++) {
    const at = sentAt + k * intervalMs;
    if (!outages.some((outage) => outage.from <= at && at < outage.to)) tries++;
  }
  return tries;
}

/**
 * Outages that can take tries from what was sent in a span. A try is received at most the margin after it is sent, so it
 * is lost for certain, and counted as lost, when sent from a margin before the outage on; never when sent after its end.
 * So an outage of 17 s leaves every notification of the default schedule (tries at 0, 3, ... 18 s) one try (docs/truth.md 17).
 */
function outagesNear(span: Span, { settings, outages }: SourceFacts): readonly Span[] {
  const reach = settings.retry * settings.intervalMs;
  return outages
    .map(({ from, to }) => ({ from: from - settings.marginMs, to }))
    .filter((outage) => outage.from <= span.to + reach && outage.to >= span.from);
}

/**
 * The instants of a span at which the number of tries left can change: tries are lost only where an outage begins or
 * ends against the retry schedule, so between two of them all instants are alike.
 */
function breakpoints(span: Span, outages: readonly Span[], { retry, intervalMs }: Settings): readonly number[] {
  const edges = outages.flatMap(({ from, to }) => [from, to]);
  const shifted = edges.flatMap((edge) => Array.from({ length: retry + 1 }, (_, k) => edge - k * intervalMs));
  const inside = shifted.filter((at) => at > span.from && at < span.to);
  return [...new Set([span.from, ...inside, span.to])].sort((a, b) => a - b);
}

/** Runs of a span in which what was sent had the same number of tries left. */
function triesLeft(span: Span, facts: SourceFacts): readonly { readonly ms: number; readonly tries: number }[] {
  const { settings } = facts;
  const outages = outagesNear(span, facts);
  if (outages.length === 0) return [{ ms: span.to - span.from, tries: settings.retry + 1 }];
  const points = breakpoints(span, outages, settings);
  return points.map((at, index) => ({
    ms: (points[index + 1] ?? at) - at,
    tries: triesOutside(at, outages, settings),
  }));
}

/** Chance that a notification sent at the worst instant of the span is lost for good; null while a window is open. */
export function finalLoss(span: Span, facts: SourceFacts): number | null {
  const p = lossOver(span, facts);
  if (p === null) return null;
  const fewest = Math.min(...triesLeft(span, facts).map((run) => run.tries));
  return p ** fewest;
}

/** Chance that a notification sent at some instant of the span is lost for good; null while a window is open. */
export function meanLoss(span: Span, facts: SourceFacts): number | null {
  const p = lossOver(span, facts);
  if (p === null) return null;
  const length = span.to - span.from;
  if (length <= 0) return finalLoss(span, facts);
  return triesLeft(span, facts).reduce((sum, { ms, tries }) => sum + (ms / length) * p ** tries, 0);
}

/**
 * Chance that a state which did not arrive was sent (docs/truth.md 16): a x q / (a x q + 1 - a).
 * @param prior a: how often such a call has that state at all
 * @param q chance that it is lost for good when sent
 * @returns null when neither can be: every call has that state, and none can be lost
 */
export function lostGivenMissing(prior: number, q: number): number | null {
  const lost = prior * q;
  const never = 1 - prior;
  return lost + never === 0 ? null : lost / (lost + never);
}
