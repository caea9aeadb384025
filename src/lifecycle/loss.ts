/**
 * How likely it is that a notification was lost for good (docs/truth.md 11, 12, 16): per-datagram loss in the windows a
 * call touches, and the tries that our own outages, and stillnesses of the source, left to it.
 */
import { NO_HABITS, type Habits, type LossWindow, type SourceFacts, type Span, windowEnd } from '../delivery/facts.js';
import { horizonMs, type Settings } from '../notification.js';
import { stillnessesOf } from './stillness.js';

/** At or below this chance of a lost OK, Ringing then Bye is taken for not answered (docs/truth.md 11). */
export const INFERENCE_LIMIT = 1e-6;

/** When W has passed this, the window that holds `at` is closed: no copy of anything sent in it can still arrive first. */
export function windowClosesAt(at: number, settings: Settings): number {
  return windowEnd(at, settings.lossWindowMs) + horizonMs(settings);
}

/**
 * The largest per-datagram loss over the windows that [from, to] touches; null while one of them is open.
 * A closed window in which nothing ended says what the last one before it said.
 */
export function lossOver(span: Span, facts: SourceFacts): number | null {
  const touched = windowsOver(span, facts);
  return touched === null ? null : Math.max(0, ...touched.map(({ p }) => p));
}

/** The closed windows that say what was lost in a span: those it touches, else the last before it; null while one of them is open. */
function windowsOver(span: Span, facts: SourceFacts): readonly LossWindow[] | null {
  if (facts.through < windowClosesAt(span.to, facts.settings)) return null;
  const touched = facts.lossWindows.filter((window) => window.from <= span.to && window.to > span.from);
  if (touched.length > 0) return touched;
  const before = facts.lossWindows.findLast((window) => window.to <= span.from);
  return before === undefined ? [] : [before];
}

/** The habits known at an instant: those of the last window closed before it, so that they are the same whenever asked. */
export function habitsAt(facts: SourceFacts, at: number): Habits {
  return facts.lossWindows.findLast((window) => window.to <= at)?.habits ?? NO_HABITS;
}

/** A span in which tries are lost, and which share of them: all in an outage or a stillness, some in an overflow. */
interface Taking extends Span {
  readonly share: number;
}

/** Spans that can take tries from what was sent in a span: those that begin at most a try's last chance after it. */
function takingFrom(span: Span, facts: SourceFacts, marginMs: number): readonly Taking[] {
  const { settings, outages, overflows } = facts;
  const reach = settings.retry * settings.intervalMs;
  const whole = [...outages, ...stillnessesOf(span, facts)].map(({ from, to }) => ({ from, to, share: 1 }));
  return [...whole, ...overflows]
    .map(({ from, to, share }) => ({ from: from - marginMs, to, share }))
    .filter((taking) => taking.from <= span.to + reach && taking.to >= span.from);
}

/**
 * The instants of a span at which the fate of a notification's tries can change: tries are lost only where a span of
 * loss begins or ends against the retry schedule, so between two of them all instants are alike.
 */
function breakpoints(span: Span, taking: readonly Taking[], { retry, intervalMs }: Settings): readonly number[] {
  const edges = taking.flatMap(({ from, to }) => [from, to]);
  const shifted = edges.flatMap((edge) => Array.from({ length: retry + 1 }, (_, k) => edge - k * intervalMs));
  const inside = shifted.filter((at) => at > span.from && at < span.to);
  return [...new Set([span.from, ...inside, span.to])].sort((a, b) => a - b);
}

/** Runs of a span in which what was sent fared alike; `taken` is, try by try, the share of them that was lost to us. */
function runsOf(
  span: Span,
  taking: readonly Taking[],
  settings: Settings,
): readonly { readonly ms: number; readonly taken: readonly number[] }[] {
  const points = breakpoints(span, taking, settings);
  return points.map((at, index) => ({
    ms: (points[index + 1] ?? at) - at,
    taken: Array.from({ length: settings.retry + 1 }, (_, k) => {
      const sentAt = at + k * settings.intervalMs;
      const over = taking.filter((one) => one.from <= sentAt && sentAt < one.to);
      return 1 - over.reduce((left, one) => left * (1 - one.share), 1);
    }),
  }));
}

/**
 * Chance that a notification sent at the worst instant of the span is lost for good; null while a window is open.
 *
 * A try is received at most the margin after it is sent, so it may be lost to us when sent from a margin before an outage or
 * overflow on, and counts as lost, whatever share of that overflow was; never when sent after its end. So an outage of 17 s
 * leaves every notification of the default schedule (tries at 0, 3, ... 18 s) one try (docs/truth.md 11, 17).
 */
export function finalLoss(span: Span, facts: SourceFacts): number | null {
  const p = lossOver(span, facts);
  if (p === null) return null;
  const taking = takingFrom(span, facts, facts.settings.marginMs);
  if (taking.length === 0) return p ** (facts.settings.retry + 1);
  const runs = runsOf(span, taking, facts.settings);
  return p ** Math.min(...runs.map(({ taken }) => taken.filter((share) => share === 0).length));
}

/** Whether a notification sent at the worst instant of the span, and tried once, may be lost; an open window may say so yet. */
export function firstTryMayBeLost(span: Span, facts: SourceFacts): boolean {
  const p = lossOver(span, facts);
  if (p === null || p > INFERENCE_LIMIT) return true;
  const taking = takingFrom(span, facts, facts.settings.marginMs);
  return runsOf(span, taking, facts.settings).some(({ taken }) => taken[0] !== 0);
}

/** Chance that all tries are lost: each to us, or to the network. */
function chanceOf(taken: readonly number[], p: number): number {
  return taken.reduce((chance, share) => chance * (share + (1 - share) * p), 1);
}

/**
 * Chance that a notification sent at some instant of the span is lost for good; null while a window is open. An
 * estimate, so nothing is widened: a path takes milliseconds, the margin is a second.
 */
export function meanLoss(span: Span, facts: SourceFacts): number | null {
  const windows = windowsOver(span, facts);
  if (windows === null) return null;
  const taking = takingFrom(span, facts, 0);
  if (taking.length === 0) return networkLoss(span, windows, facts.settings);
  const runs = runsOf(span, taking, facts.settings);
  const length = span.to - span.from;
  if (length <= 0) return Math.max(...runs.map(({ taken }) => meanOver(span, windows, taken)));
  return runs.reduce((sum, { ms, taken }) => sum + (ms / length) * meanOver(span, windows, taken), 0);
}

/** Chance that the network alone loses all tries. */
function networkLoss(span: Span, windows: readonly LossWindow[], { retry }: Settings): number {
  return meanOver(span, windows, Array<number>(retry + 1).fill(0));
}

/** {@link chanceOf} at an instant of the span: each window counts by how much of the span lies in it. */
function meanOver(span: Span, windows: readonly LossWindow[], taken: readonly number[]): number {
  const weighed = windows.map(({ from, to, pMean }) => ({
    weight: Math.max(1, Math.min(to, span.to) - Math.max(from, span.from)),
    chance: chanceOf(taken, pMean),
  }));
  if (weighed.length === 0) return chanceOf(taken, 0);
  const whole = weighed.reduce((sum, { weight }) => sum + weight, 0);
  return weighed.reduce((sum, { weight, chance }) => sum + (weight / whole) * chance, 0);
}

/** A span that took tries from what was sent in another. */
export interface TakingSpan extends Span {
  readonly kind: 'outage' | 'overflow' | 'stillness';
}

/**
 * The outage or the stillness that takes tries from what was sent in a span, or the overflow where one at least doubles the chance of
 * loss: losses of one call are then not independent. Null where the network alone decides.
 */
export function takenBy(span: Span, facts: SourceFacts): TakingSpan | null {
  const reach = facts.settings.retry * facts.settings.intervalMs;
  const near = (one: Span): boolean => one.from <= span.to + reach && one.to >= span.from;
  const outage = facts.outages.find(near);
  if (outage !== undefined) return { kind: 'outage', from: outage.from, to: outage.to };
  const [still] = stillnessesOf(span, facts);
  if (still !== undefined) return { kind: 'stillness', from: still.from, to: still.to };
  const overflow = facts.overflows.find(near);
  const network = networkLoss(span, windowsOver(span, facts) ?? [], facts.settings);
  const doubled = (meanLoss(span, facts) ?? 0) > 2 * network;
  return overflow !== undefined && doubled ? { kind: 'overflow', from: overflow.from, to: overflow.to } : null;
}

/** A number of an estimate as a gap's detail says it. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** What a span in which tries were lost to us may have cost. */
export interface Cost {
  /** Notifications expected to have had a try inside. */
  readonly sent: number;
  /** The mean chance that such a one is lost for good. */
  readonly q: number;
}

/**
 * The cost of a span in which a share of the tries was lost to us (docs/truth.md 16): what is sent from RETRY x INTERVAL before it
 * to its end has a try inside.
 * @param perMs notifications sent per ms
 * @param p loss of the network per datagram
 */
export function costOf(span: Span, share: number, perMs: number, p: number, settings: Settings): Cost {
  const sending = { from: span.from - settings.retry * settings.intervalMs, to: span.to };
  const length = sending.to - sending.from;
  if (length <= 0) return { sent: 0, q: 0 };
  const runs = runsOf(sending, [{ ...span, share }], settings);
  const q = runs.reduce((sum, { ms, taken }) => sum + (ms / length) * chanceOf(taken, p), 0);
  return { sent: perMs * length, q };
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
