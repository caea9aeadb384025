/**
 * Per-datagram loss of one source in one closed window (docs/truth.md 12): the largest of what missing copies between
 * copies, states that arrived inverted, and serials lost for good say.
 */

import type { Settings } from '../notification.js';
import { NO_HABITS, type Habits } from './facts.js';

/** Sums of the samples of the calls that ended in a window; and how many OKs were first received in it. */
export interface WindowSample {
  readonly copyPairs: number;
  readonly copiesMissing: number;
  readonly statesInverted: number;
  /** Pairs of states that arrived in order, by how many retry intervals lay between them. */
  readonly orderedBins: readonly number[];
  readonly serialsSeen: number;
  readonly serialsLost: number;
  readonly ended: number;
  readonly answered: number;
  readonly rang: number;
  readonly unansweredReported: number;
  readonly unansweredPresumed: number;
  /**
   * Calls answered in the window, whenever they end. Of those that end in it, the answered began longer ago: where traffic has set in or
   * grows they are too few (0.41 in the first window of a source that answers 0.6 and talks for 30 s).
   */
  readonly answers: number;
}

/** A window's estimate reaches back over earlier windows until it rests on this many events of its kind. */
const EVENTS_WANTED = 100;
/** How many earlier windows it may reach back over. */
export const MOST_POOLED = 12;

const FIELDS = [
  'copyPairs',
  'copiesMissing',
  'statesInverted',
  'serialsSeen',
  'serialsLost',
  'ended',
  'answered',
  'rang',
  'unansweredReported',
  'unansweredPresumed',
  'answers',
] as const;

/** The sum of two samples. */
export function addSamples(a: WindowSample, b: WindowSample): WindowSample {
  const sums = Object.fromEntries(FIELDS.map((field) => [field, a[field] + b[field]])) as Record<
    (typeof FIELDS)[number],
    number
  >;
  return { ...sums, orderedBins: a.orderedBins.map((count, bin) => count + (b.orderedBins[bin] ?? 0)) };
}

/**
 * Copies missing between two received copies of one notification: each was lost with probability p. Two standard
 * deviations are taken off: in the first window of a quiet source 3 of 15 missing are as likely at a loss of 10 % as of
 * 20 %, and the one lets everything be inferred, the other nothing.
 */
function fromCopies({ copyPairs, copiesMissing }: WindowSample): number {
  const tries = copyPairs + copiesMissing;
  return tries === 0 || copiesMissing === 0 ? 0 : Math.max(0, copiesMissing - 2 * Math.sqrt(copiesMissing)) / tries;
}

/**
 * States of a call that arrived inverted. A state received at its i-th try, the next at its j-th, come j - i intervals
 * further apart than they were sent, and j - i = k has probability (1 - p) p^|k| / (1 + p). So whatever was sent apart by
 * whole intervals m >= 0 comes -1 intervals apart p times as often as 0, -2 apart p^2 times as often, and so on: of all that
 * come less than one interval apart or inverted, p are inverted. One standard deviation is taken off, so that a handful of
 * inversions does not outvote the copies.
 */
function fromInversions({ statesInverted, orderedBins }: WindowSample): number {
  if (statesInverted === 0) return 0;
  const p = statesInverted / (statesInverted + (orderedBins[0] ?? 0));
  return p * Math.max(0, 1 - 1 / Math.sqrt(statesInverted));
}

/** Serials lost for good: all 1 + RETRY tries were. */
function fromSerials({ serialsSeen, serialsLost }: WindowSample, retry: number): number {
  const sent = serialsSeen + serialsLost;
  return sent === 0 || serialsLost === 0 ? 0 : (serialsLost / sent) ** (1 / (retry + 1));
}

/**
 * Of the tries between two received copies of a notification the share that is missing, at a loss p of datagrams and b of acks: less
 * than p, since a run of lost tries that lasts until the sender gives up has no copy after it (0.36 at 0.4 and 0.4).
 */
function missingShare(p: number, b: number, retry: number): number {
  let [pairs, missing] = [0, 0];
  // received[i]: how likely the i-th try is received, and tried at all.
  const received = Array.from({ length: retry + 1 }, (_, i) => p ** i * (1 - p));
  received.forEach((chance, i) => {
    for (let run = 0; i + 1 + run <= retry; run++) {
      const pair = chance * b * p ** run * (1 - p);
      pairs += pair;
      missing += pair * run;
      received[i + 1 + run] = (received[i + 1 + run] ?? 0) + pair;
    }
  });
  return pairs + missing === 0 ? 0 : missing / (pairs + missing);
}

/**
 * The loss p at which so many copies would be missing between those received; the share of acks lost is as the copies show it. Copies
 * missing in bursts, as where a link is cut, would make any p of it: it is a quarter above the share at most, and none above 0.8.
 */
function lossByCopies(
  { copyPairs, copiesMissing, rang, answered, unansweredReported }: WindowSample,
  retry: number,
): number {
  if (copiesMissing === 0) return 0;
  const heard = rang + 2 * answered + unansweredReported;
  const ackLoss = copyPairs / (copyPairs + heard);
  const wanted = copiesMissing / (copyPairs + copiesMissing);
  let [low, high] = [wanted, Math.max(wanted, Math.min(0.8, 1.25 * wanted))];
  // To 1e-6 of p, which is 1e-5 of its seventh power at 0.4.
  for (let halvings = 0; halvings < 20; halvings++) {
    const p = (low + high) / 2;
    if (missingShare(p, ackLoss, retry) < wanted) low = p;
    else high = p;
  }
  return (low + high) / 2;
}

/** Pools a window with those before it until `enough` holds. */
function pool(
  own: WindowSample,
  earlier: readonly WindowSample[],
  enough: (sum: WindowSample) => boolean,
): WindowSample {
  let sum = own;
  for (const before of earlier.slice(0, MOST_POOLED)) {
    if (enough(sum)) break;
    sum = addSamples(sum, before);
  }
  return sum;
}

/**
 * The loss p of a window.
 * @param own what the calls that ended in it say
 * @param earlier the windows before it, newest first
 * @param retry tries after the first
 */
export function lossOf(own: WindowSample, earlier: readonly WindowSample[], retry: number): number {
  return Math.max(
    fromCopies(pool(own, earlier, (sum) => sum.copyPairs + sum.copiesMissing >= EVENTS_WANTED * 4)),
    fromInversions(pool(own, earlier, (sum) => sum.statesInverted >= EVENTS_WANTED)),
    fromSerials(
      pool(own, earlier, (sum) => sum.serialsLost >= EVENTS_WANTED),
      retry,
    ),
  );
}

/**
 * The loss of a window that estimates rest on. Nothing is taken off: seven tries are all lost with the seventh power of it, and what
 * {@link lossOf} is short by for safety, 5 to 10 % of p, would be 30 to 50 % of that. Of all ways to take seven of the tries that copies
 * and inversions tell of, the share in which all were lost is that power without bias, which the power of the share lost is not: of 20
 * tries at a loss of 0.4 it would be 2.6 times as much.
 */
export function meanLossOf(own: WindowSample, earlier: readonly WindowSample[], retry: number): number {
  // 400 lost tries know p at 0.4 to 4 % and its seventh power to 30 %: with 100 the estimates themselves would err more than chance does.
  const enough = 4 * EVENTS_WANTED;
  const sum = pool(own, earlier, ({ copiesMissing, statesInverted }) => copiesMissing + statesInverted >= enough);
  const between = sum.copyPairs + sum.copiesMissing;
  const lost = between * lossByCopies(sum, retry) + sum.statesInverted;
  const tries = between + (sum.orderedBins[0] ?? 0) + sum.statesInverted;
  let allLost = 1;
  for (let k = 0; k <= retry; k++) allLost *= tries > k ? Math.max(0, lost - k) / (tries - k) : 0;
  return Math.max(allLost ** (1 / (retry + 1)), fromSerials(sum, retry));
}

/** Unanswered calls needed before anything is said of how they end. */
const UNANSWERED_NEEDED = 20;

/**
 * A share with half a case of each kind added (Jeffreys' prior): thirty calls that all rang do not prove that every call
 * does, and with a share of 1 each missing Ringing would be estimated lost for certain.
 */
function shareOf(some: number, all: number): number {
  return (some + 0.5) / (all + 1);
}

/** A sample with the end of its window and the loss seen in it. */
export interface TimedSample {
  readonly to: number;
  readonly pMean: number;
  readonly sample: WindowSample;
}

/**
 * The habits that closed windows show, newest first. Of the calls that rang or were answered a share q lost that state, and was
 * heard without: left in, a source of which each call rings seems at 40 % of loss to leave one Ringing in 600 out by itself, and
 * what is missing for the loss is estimated at half. A call without a Bye is known to be one only at its stale limit, so calls with
 * a Bye count for that habit only when as old: else every source would seem to send one at first.
 */
export function habitsOf(
  windows: readonly TimedSample[],
  { staleRingingMs, retry }: Pick<Settings, 'staleRingingMs' | 'retry'>,
): Habits {
  const taken = windows.slice(0, MOST_POOLED);
  const [newest] = taken;
  if (newest === undefined) return NO_HABITS;
  const sum = taken.map((one) => one.sample).reduce(addSamples);
  const reported = taken
    .filter((one) => one.to <= newest.to - staleRingingMs)
    .reduce((total, { sample }) => total + sample.unansweredReported, 0);
  const unanswered = reported + sum.unansweredPresumed;
  const decided = ({ answers, unansweredReported, unansweredPresumed }: WindowSample): number =>
    answers + unansweredReported + unansweredPresumed;
  // Of so many calls a state that each has would have been heard.
  const hearable = (calls: (sample: WindowSample) => number): number =>
    taken.reduce((total, { sample, pMean }) => total + calls(sample) * (1 - pMean ** (retry + 1)), 0);
  const rang = hearable(({ ended }) => ended);
  return {
    answerRatio: decided(sum) === 0 ? null : shareOf(sum.answers, Math.max(sum.answers, hearable(decided))),
    ringingRatio: sum.ended === 0 ? null : shareOf(sum.rang, Math.max(sum.rang, rang)),
    unansweredByeRatio: reported < UNANSWERED_NEEDED ? null : reported / unanswered,
  };
}
