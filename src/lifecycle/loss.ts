/**
 * How likely it is that a notification was lost for good (TRUTH.md 11, 12, 16): per-datagram loss in the windows a
 * call touches, and the tries our own outages left to it.
 */
import type { SourceFacts, Span } from '../delivery/facts.js';
import { horizonMs, type Settings } from '../notification.js';

/** At or below this chance of a lost OK, Ringing then Bye is taken for not answered (TRUTH.md 11). */
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
 * The fewest tries left to a notification sent at any instant of [from, to]. Tries are lost only where an outage begins
 * or ends against the retry schedule, so those instants and the ends of the span are all that need looking at.
 */
export function fewestTries(span: Span, facts: SourceFacts): number {
  const { settings } = facts;
  const reach = settings.retry * settings.intervalMs;
  const outages = facts.outages
    .filter((outage) => outage.from < span.to + reach && outage.to > span.from)
    .map(({ from, to }) => ({ from: from - settings.marginMs, to: to + settings.marginMs }));
  if (outages.length === 0) return settings.retry + 1;
  const instants = [span.from, span.to];
  for (const outage of outages) {
    for (let k = 0; k <= settings.retry; k++) {
      for (const edge of [outage.from, outage.to]) {
        const at = edge - k * settings.intervalMs;
        instants.push(at - 1, at, at + 1);
      }
    }
  }
  return instants
    .filter((at) => at >= span.from && at <= span.to)
    .reduce((fewest, at) => Math.min(fewest, triesOutside(at, outages, settings)), settings.retry + 1);
}

/** Chance that a notification sent at the worst instant of the span is lost for good; null while a window is open. */
export function finalLoss(span: Span, facts: SourceFacts): number | null {
  const p = lossOver(span, facts);
  if (p === null) return null;
  const tries = fewestTries(span, facts);
  return tries === 0 ? 1 : p ** tries;
}

/**
 * Chance that a state which did not arrive was sent (TRUTH.md 16): a x q / (a x q + 1 - a).
 * @param prior a: how often such a call has that state at all
 * @param q chance that it is lost for good when sent
 */
export function lostGivenMissing(prior: number, q: number): number {
  const lost = prior * q;
  const never = 1 - prior;
  return lost + never === 0 ? 1 : lost / (lost + never);
}
