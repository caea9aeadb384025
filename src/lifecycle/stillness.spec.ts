import { type LossWindow, NO_HABITS, noFacts, type SourceFacts, type Span } from '../delivery/facts.js';
import type { WindowRhythm } from '../delivery/rhythm.js';
import type { Settings } from '../notification.js';
import { finalLoss, firstTryMayBeLost, meanLoss } from './loss.js';
import { stillnessesOf } from './stillness.js';

const settings: Settings = {
  ...{ retry: 6, intervalMs: 3000, marginMs: 1000 },
  ...{ staleRingingMs: 300_000, staleAnsweredMs: 14_400_000, lossWindowMs: 300_000 },
};

/** Windows of 300 s from 0 on; null: nothing was heard in that one. */
function facts(...rhythms: readonly (WindowRhythm | null)[]): SourceFacts {
  const lossWindows = rhythms.map((rhythm, n): LossWindow => ({
    from: n * 300_000,
    to: (n + 1) * 300_000,
    p: 0,
    pMean: 0,
    habits: NO_HABITS,
    rhythm,
  }));
  return { ...noFacts('ivr', settings), through: 1e9, lossWindows };
}

function heard(slots: number, silence?: Span): WindowRhythm {
  const { from, to } = silence ?? { from: 0, to: 0 };
  return { heard: slots, silenceFrom: from, silenceMs: to - from };
}

const CUT: Span = { from: 100_000, to: 130_000 };
const CALL: Span = { from: 90_000, to: 140_000 };

test('a silence of 30 s of a source heard every second is a stillness', () => {
  expect(stillnessesOf(CALL, facts(heard(270, CUT)))).toEqual([CUT]);
});

test.each([
  ['that spoke every other second: 16 notifications are missing', heard(144, CUT)],
  ['that speaks once a minute', heard(5, CUT)],
])('a silence of 30 s of a source %s, is chance', (_, rhythm) => {
  expect(stillnessesOf(CALL, facts(rhythm))).toEqual([]);
});

test('a call beside the stillness is not touched by it', () => {
  expect(stillnessesOf({ from: 131_000, to: 150_000 }, facts(heard(270, CUT)))).toEqual([]);
});

describe('a silence across two windows', () => {
  const across: Span = { from: 280_000, to: 330_000 };
  const call: Span = { from: 270_000, to: 340_000 };

  test('counts where much was heard on both sides of it', () => {
    expect(stillnessesOf(call, facts(heard(270), heard(260, across)))).toEqual([across]);
  });

  test.each([
    ['after', heard(270), heard(20, across)],
    ['before', heard(20), heard(260, across)],
  ])('is what it looks like where little was heard %s it', (_, before, after) => {
    expect(stillnessesOf(call, facts(before, after))).toEqual([]);
  });

  test('says nothing where it began before what is known', () => {
    expect(stillnessesOf({ from: -90_000, to: 140_000 }, facts(heard(200, { from: -60_000, to: 130_000 })))).toEqual(
      [],
    );
  });

  test('is not known to a call that ended before it did: its windows had closed', () => {
    expect(stillnessesOf({ from: 200_000, to: 290_000 }, facts(heard(270), heard(260, across)))).toEqual([]);
  });
});

test('a call presumed ended where nothing was heard any more may have been answered since the last window heard', () => {
  const still = [{ from: 0, to: 600_000 }];
  expect(stillnessesOf({ from: 270_000, to: 590_000 }, facts(heard(250)))).toEqual(still);
  // A window is written without a rhythm when calls were presumed ended in it.
  expect(stillnessesOf({ from: 270_000, to: 590_000 }, facts(heard(250), null))).toEqual(still);
  expect(stillnessesOf({ from: 270_000, to: 590_000 }, facts(heard(12)))).toEqual([]);
});

test('what was sent in a stillness of all seven tries is lost for good, though no loss was ever seen', () => {
  const cut = facts(heard(270, CUT));
  expect(finalLoss(CALL, cut)).toBe(1);
  expect(finalLoss(CALL, facts(heard(300)))).toBe(0);
  expect(firstTryMayBeLost(CALL, cut)).toBe(true);
  // Of the 50 s in which it may have been sent, 12 leave no try: those from the cut's begin to 18 s before its end.
  expect(meanLoss(CALL, cut)).toBeCloseTo(12 / 50, 9);
});
