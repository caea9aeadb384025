/**
 * What a window says of loss and habits, against a network whose loss is known. The limits are those that matter: at 10 %
 * an unanswered call must stay inferable (p^7 <= 1e-6: p at most 0.139), at 40 % it must not.
 */
import { addSamples, habitsOf, lossOf, meanLossOf, type WindowSample } from '../../src/delivery/window.js';
import { noFacts } from '../../src/delivery/facts.js';
import { fold } from '../../src/lifecycle/fold.js';
import { addArrival } from '../../src/delivery/evidence.js';
import type { Arrival, CallRecord, Notification, SerialMeaning } from '../../src/notification.js';
import { seeded, type Random } from '../../src/simulator/sender/random.js';
import { arrival, H, IN_THE_END, KEY, SETTINGS } from './ledger.js';

interface Network {
  readonly lossIn: number;
  readonly lossBack: number;
}

/** Tries of one notification that arrive, until an ack does. */
function receipts(sentAt: number, { lossIn, lossBack }: Network, random: Random): readonly number[] {
  const found: number[] = [];
  for (let k = 0; k <= SETTINGS.retry; k++) {
    if (random.chance(lossIn)) continue;
    found.push(sentAt + k * SETTINGS.intervalMs);
    if (!random.chance(lossBack)) break;
  }
  return found;
}

function recordOf(arrivals: readonly Arrival[], meaning: SerialMeaning): CallRecord | null {
  const rows = arrivals.reduce<readonly Notification[]>((all, one) => addArrival(all, one, () => H).notifications, []);
  const [call] =
    rows.length === 0 ? [] : fold(KEY, rows, { ...noFacts('ivr', SETTINGS), meaning, through: IN_THE_END });
  return call?.record ?? null;
}

/** One call: rings, is answered in 60 of 100, ends. */
function call(network: Network, meaning: SerialMeaning, random: Random): CallRecord | null {
  const ringMs = 200 + random.exponential(10_000);
  const answered = random.chance(0.6);
  const events = [
    { state: '180', at: 0 },
    ...(answered ? [{ state: 'ok', at: ringMs } as const] : []),
    { state: 'bye', at: ringMs + (answered ? random.exponential(30_000) : 0) },
  ] as const;
  const all = events.flatMap(({ state, at }, index) =>
    receipts(Math.round(at), network, random).map((receivedAt) =>
      arrival(receivedAt, meaning === 'constant' ? '77' : String(index + 1), state),
    ),
  );
  return recordOf(all, meaning);
}

function sampleOf(calls: readonly CallRecord[]): WindowSample {
  return calls
    .map(({ lossSample, disposition, ringingAt, endProvenance }): WindowSample => ({
      copyPairs: lossSample.copyPairs,
      copiesMissing: lossSample.copiesMissing,
      statesInverted: lossSample.statesInverted,
      orderedBins: [0, 1, 2, 3, 4, 5, 6, 7].map((bin) =>
        Number(lossSample.statePairs === 1 && lossSample.statesInverted === 0 && lossSample.statePairBin === bin),
      ),
      serialsSeen: lossSample.serialsSeen,
      serialsLost: lossSample.serialsLost,
      ended: 1,
      answered: Number(disposition === 'answered'),
      rang: Number(ringingAt !== null),
      unansweredReported: Number(disposition !== 'answered' && endProvenance === 'reported'),
      unansweredPresumed: Number(disposition !== 'answered' && endProvenance === 'presumed'),
      answers: Number(disposition === 'answered'),
    }))
    .reduce(addSamples);
}

function windowOf(network: Network, meaning: SerialMeaning, seed: string, calls = 3000): WindowSample {
  const random = seeded(seed, 'window');
  return sampleOf(Array.from({ length: calls }, () => call(network, meaning, random)).filter((one) => one !== null));
}

describe('the loss of a window', () => {
  test.each([
    ['none', { lossIn: 0, lossBack: 0 }, 0, 0],
    ['none towards us, 40 % of the acks', { lossIn: 0, lossBack: 0.4 }, 0, 0],
    ['10 % each way', { lossIn: 0.1, lossBack: 0.1 }, 0.07, 0.139],
    ['10 % towards us alone, which leaves no copies', { lossIn: 0.1, lossBack: 0 }, 0.07, 0.139],
    ['40 % each way', { lossIn: 0.4, lossBack: 0.4 }, 0.35, 0.42],
    ['40 % towards us alone', { lossIn: 0.4, lossBack: 0 }, 0.35, 0.42],
  ])('%s', (_, network, least, most) => {
    for (const seed of ['1', '2', '3']) {
      const p = lossOf(windowOf(network, 'constant', seed), [], SETTINGS.retry);
      expect(p).toBeGreaterThanOrEqual(least);
      expect(p).toBeLessThanOrEqual(most);
    }
  });

  test.each([
    ['each way', { lossIn: 0.4, lossBack: 0.4 }],
    ['towards us alone', { lossIn: 0.4, lossBack: 0 }],
  ])('is in the mean of small windows what loses all tries as often as they are lost, at 40 %% %s', (_, network) => {
    const windows = Array.from({ length: 60 }, (__, seed) => windowOf(network, 'constant', String(seed), 200));
    const mean = (p: (window: WindowSample) => number): number =>
      windows.reduce((sum, window) => sum + p(window) ** 7, 0) / windows.length / 0.4 ** 7;
    expect(mean((window) => meanLossOf(window, [], SETTINGS.retry))).toBeGreaterThan(0.85);
    expect(mean((window) => meanLossOf(window, [], SETTINGS.retry))).toBeLessThan(1.15);
    // What outcomes are inferred by stays on the safe side of it.
    expect(mean((window) => lossOf(window, [], SETTINGS.retry))).toBeLessThan(0.85);
  });

  test('is no more than a quarter above the share of copies that is missing, though they are missing in bursts', () => {
    const quiet = windowOf({ lossIn: 0, lossBack: 0 }, 'constant', '1', 200);
    const bursts = { ...quiet, copyPairs: 100, copiesMissing: 400, orderedBins: quiet.orderedBins.map(() => 0) };
    expect(meanLossOf(bursts, [], SETTINGS.retry)).toBeCloseTo(0.8, 2);
    expect(meanLossOf({ ...bursts, copiesMissing: 150 }, [], SETTINGS.retry)).toBeLessThan(0.75);
  });

  test('serials per call show it too: 0.7^7 of them never come at 70 %', () => {
    const sample = windowOf({ lossIn: 0.7, lossBack: 0 }, 'per_call', '1');
    expect(sample.serialsLost / (sample.serialsLost + sample.serialsSeen)).toBeGreaterThan(0.03);
    expect(lossOf(sample, [], SETTINGS.retry)).toBeGreaterThan(0.6);
  });

  test('a window in which little happened rests on those before it', () => {
    const quiet = windowOf({ lossIn: 0, lossBack: 0 }, 'constant', '1');
    const busy = windowOf({ lossIn: 0.4, lossBack: 0.4 }, 'constant', '1');
    const empty: WindowSample = { ...addSamples(quiet, quiet), copyPairs: 0, copiesMissing: 0 };
    expect(lossOf(empty, [busy], SETTINGS.retry)).toBeGreaterThan(0.3);
  });
});

test('habits are shares of what ended, and unknown until enough did', () => {
  const sample = windowOf({ lossIn: 0, lossBack: 0 }, 'per_call', '1');
  // A call without a Bye is known to be one only at its stale limit; newer windows say nothing of that yet.
  const two = [600_000, 300_000].map((to) => ({ to, pMean: 0, sample }));
  const { answerRatio, ringingRatio, unansweredByeRatio } = habitsOf(two, SETTINGS);
  expect(answerRatio).toBeCloseTo(0.6, 1);
  // All of 6,000 rang: a call that does not is not ruled out.
  expect(ringingRatio).toBeGreaterThan(0.9999);
  expect(ringingRatio).toBeLessThan(1);
  expect(unansweredByeRatio).toBe(1);
  expect(habitsOf([], SETTINGS)).toEqual({ answerRatio: null, ringingRatio: null, unansweredByeRatio: null });
  expect(habitsOf(two.slice(0, 1), SETTINGS).unansweredByeRatio).toBeNull();
});

test('how often a source answers is no matter of how long it talks', () => {
  const sample = windowOf({ lossIn: 0, lossBack: 0 }, 'per_call', '1');
  // Traffic has just set in: half of those answered still talk.
  const begun = { ...sample, ended: sample.ended - sample.answered / 2, answered: sample.answered / 2 };
  expect(habitsOf([{ to: 300_000, pMean: 0, sample: begun }], SETTINGS).answerRatio).toBeCloseTo(0.6, 1);
});

test('what was lost is no habit: a call whose Ringing never came rang like every other', () => {
  const lossy = { lossIn: 0.7, lossBack: 0 };
  const sample = windowOf(lossy, 'constant', '1');
  // 0.7^7 = 8 % of them.
  expect(sample.rang / sample.ended).toBeLessThan(0.94);
  const window = { to: 300_000, pMean: 0.7, sample };
  expect(habitsOf([window], SETTINGS).ringingRatio).toBeGreaterThan(0.985);
  expect(habitsOf([window], SETTINGS).ringingRatio).toBeLessThan(1);
  expect(habitsOf([window], SETTINGS).answerRatio).toBeCloseTo(0.6, 1);
  // A source that rings in half of its calls does so at every loss.
  const rare = { ...sample, rang: sample.rang / 2 };
  expect(habitsOf([{ ...window, sample: rare }], SETTINGS).ringingRatio).toBeCloseTo(0.5, 1);
});
