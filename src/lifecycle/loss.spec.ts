import { NO_HABITS, noFacts, type SourceFacts, type Span } from '../delivery/facts.js';
import type { Settings } from '../notification.js';
import { costOf, finalLoss, lossOver, lostGivenMissing, meanLoss, takenBy, windowClosesAt } from './loss.js';

const settings: Settings = {
  retry: 6,
  intervalMs: 3000,
  marginMs: 1000,
  staleRingingMs: 300_000,
  staleAnsweredMs: 14_400_000,
  lossWindowMs: 300_000,
};

/** Facts with an overflow of 2 s in place of an outage. */
function overflowing(p: number, share: number): SourceFacts {
  return { ...facts(p), overflows: [{ from: 30_000, to: 32_000, share }] };
}

function facts(p: number, outages: readonly Span[] = [], through = 1e9): SourceFacts {
  return {
    ...noFacts('ivr', settings),
    through,
    outages,
    lossWindows: [{ from: 0, to: 300_000, p, pMean: p, habits: NO_HABITS, rhythm: null }],
  };
}

describe('final loss', () => {
  test('is p to the power of seven tries where somebody listened', () => {
    expect(finalLoss({ from: 0, to: 40_000 }, facts(0.1))).toBeCloseTo(1e-7, 12);
  });

  test.each([
    // An outage takes the tries sent from a margin before it to its end: one of 2 s takes one of seven, and so on.
    [2000, 0.1 ** 6],
    [5000, 0.1 ** 5],
    [14_000, 0.1 ** 2],
    [17_000, 0.1],
    [17_001, 1],
    [60_000, 1],
  ])('an outage of %i ms leaves the unluckiest instant a chance of %d', (ms, chance) => {
    expect(finalLoss({ from: 0, to: 100_000 }, facts(0.1, [{ from: 30_000, to: 30_000 + ms }]))).toBeCloseTo(chance, 9);
  });

  test('forgives an outage that ended before what was sent, or began after its last try', () => {
    const outages = [
      { from: 0, to: 50_000 },
      { from: 120_000, to: 180_000 },
    ];
    expect(finalLoss({ from: 50_000, to: 100_000 }, facts(0.1, outages))).toBeCloseTo(1e-7, 12);
  });

  test('is not known while the window of the last instant is open', () => {
    const closes = windowClosesAt(40_000, settings);
    expect(closes).toBe(319_000);
    expect(lossOver({ from: 0, to: 40_000 }, facts(0.1, [], closes - 1))).toBeNull();
    expect(lossOver({ from: 0, to: 40_000 }, facts(0.1, [], closes))).toBe(0.1);
  });

  test('is the largest of the windows a span touches', () => {
    const windows = [0.1, 0.3, 0.2].map((p, n) => ({
      from: n * 300_000,
      to: (n + 1) * 300_000,
      ...{ p, pMean: p / 2 },
      habits: NO_HABITS,
      rhythm: null,
    }));
    const all = { ...facts(0), lossWindows: windows };
    expect(lossOver({ from: 299_000, to: 301_000 }, all)).toBe(0.3);
    expect(lossOver({ from: 0, to: 299_999 }, all)).toBe(0.1);
    expect(lossOver({ from: 600_000, to: 899_999 }, all)).toBe(0.2);
    expect(lossOver({ from: 900_000, to: 950_000 }, all)).toBe(0.2);
  });

  test('is for an estimate what each window expects, by how much of the span lies in it', () => {
    const lossWindows = [0.4, 0.2].map((pMean, n) => ({
      ...{ from: n * 300_000, to: (n + 1) * 300_000, p: pMean / 2, pMean, habits: NO_HABITS, rhythm: null },
    }));
    const all = { ...facts(0), lossWindows };
    const span = { from: 200_000, to: 500_000 };
    expect(meanLoss(span, all)).toBeCloseTo((0.4 ** 7 + 2 * 0.2 ** 7) / 3, 12);
    // Nobody listened for the first try of what was sent in the middle third: it has six.
    const outage = { from: 300_000, to: 302_999 };
    const six = (2_999 / 300_000) * ((0.4 ** 6 + 2 * 0.2 ** 6) / 3 - (0.4 ** 7 + 2 * 0.2 ** 7) / 3) * 7;
    const whole = (0.4 ** 7 + 2 * 0.2 ** 7) / 3;
    expect(meanLoss(span, { ...all, outages: [outage] })).toBeCloseTo(whole + six, 9);
  });
});

describe('mean loss', () => {
  test('weighs an outage by its share of the span', () => {
    // Of 100 s, what is sent from 30 s to 42 s (60 s less 18 s of retries) has no try left.
    const outage = { from: 30_000, to: 60_000 };
    const mean = meanLoss({ from: 0, to: 100_000 }, facts(0, [outage]));
    expect(mean).toBeCloseTo(0.12, 9);
  });

  test('is the final loss where nothing but the network loses', () => {
    expect(meanLoss({ from: 0, to: 40_000 }, facts(0.4))).toBeCloseTo(0.4 ** 7, 12);
    expect(meanLoss({ from: 5, to: 5 }, facts(0.4))).toBeCloseTo(0.4 ** 7, 12);
  });
});

test('what is missing was lost with a x q / (a x q + 1 - a); where neither can be, nobody knows', () => {
  expect(lostGivenMissing(0.98, 0.4 ** 7)).toBeCloseTo(0.0743, 4);
  expect(lostGivenMissing(0, 1)).toBe(0);
  expect(lostGivenMissing(1, 0.001)).toBe(1);
  expect(lostGivenMissing(1, 0)).toBeNull();
});

describe('an overflow', () => {
  test.each([0.01, 1])('takes the tries inside it from what is inferred, whatever its share (%d)', (share) => {
    expect(finalLoss({ from: 0, to: 100_000 }, overflowing(0.1, share))).toBeCloseTo(0.1 ** 6, 12);
  });

  test('weighs by its share where loss is estimated', () => {
    // 2 s in which one try of seven has a chance of 0.5 + 0.5 x 0.1 to be lost.
    const chance = 0.1 ** 6 * 0.55;
    expect(meanLoss({ from: 30_000, to: 32_000 }, overflowing(0.1, 0.5))).toBeCloseTo(chance, 12);
  });
});

describe('what a span cost', () => {
  const perMs = 0.01;

  test.each([
    // 17 s: 35 s of sending have a try inside; the unluckiest 2 s have one left.
    ['an outage of 17 s where nothing else is lost', 17_000, 1, 0, 350, 0],
    ['an outage of 60 s where nothing else is lost: 42 s of 78 s', 60_000, 1, 0, 780, 420 / 780],
    ['an overflow that took half of the tries of a second', 1_000, 0.5, 0, 190, 0],
    ['an overflow of a minute that took half: 42 s have no try outside', 60_000, 0.5, 0, 780, (420 / 780) * 0.5 ** 7],
  ])('%s', (_what, ms, share, p, sent, q) => {
    const cost = costOf({ from: 0, to: ms }, share, perMs, p, settings);
    expect(cost.sent).toBeCloseTo(sent, 6);
    expect(cost.q).toBeCloseTo(q, 6);
  });

  test('rises with the loss of the network, which takes the tries that are left', () => {
    const { q } = costOf({ from: 0, to: 17_000 }, 1, perMs, 0.1, settings);
    expect(q).toBeGreaterThan(0.005);
    expect(q).toBeLessThan(0.02);
  });
});

test('an outage takes from what was sent up to a last retry before it', () => {
  const outage = { from: 30_000, to: 47_000 };
  const known = facts(0.1, [outage]);
  expect(takenBy({ from: 0, to: 12_000 }, known)).toEqual({ kind: 'outage', ...outage });
  expect(takenBy({ from: 0, to: 11_999 }, known)).toBeNull();
  expect(takenBy({ from: 47_001, to: 50_000 }, known)).toBeNull();
});

test('an overflow takes from what was sent only where it at least doubles the chance of loss', () => {
  const span = { from: 30_000, to: 32_000 };
  expect(takenBy(span, overflowing(0.1, 0.05))).toBeNull();
  expect(takenBy(span, overflowing(0.1, 0.5))).toEqual({ kind: 'overflow', ...span });
});
