import type { Gap, Settings } from '../../notification.js';
import type { DueSpan, Overflow } from '../sweep/sweep.ports.js';
import { outageGap } from '../sweep/sweep.gaps.js';
import { brokenSilence, closeSpan, overflowGaps, overflowsOf, silenceGap, stillnessGap } from './span-gaps.js';

const SETTINGS: Settings = {
  ...{ retry: 6, intervalMs: 3000, marginMs: 1000, staleRingingMs: 300_000, staleAnsweredMs: 14_400_000 },
  lossWindowMs: 300_000,
};
const H = 19_000;
const MINUTE = 1_800_000_000_000 - (1_800_000_000_000 % 60_000);

function overflow(from: number, to: number, dropped: number, received: number, over: Partial<Overflow> = {}): Overflow {
  return { sourceKey: 'ivr', reason: 'queue_full', from: MINUTE + from, to: MINUTE + to, dropped, received, ...over };
}

function told(gaps: readonly Gap[]): readonly unknown[] {
  return gaps.map(({ sourceKey, from, to, estimatedLost }) => [
    sourceKey,
    from - MINUTE,
    (to ?? 0) - MINUTE,
    estimatedLost === null ? null : Number(estimatedLost.toPrecision(3)),
  ]);
}

const ONE = new Map([['ivr', 0]]);
const TWO = new Map([
  ['ivr', 0.1],
  ['other', 0],
]);

describe('an overflow gap', () => {
  test('is one a minute, source and reason, with what was dropped in all', () => {
    const overflows = [
      overflow(1_000, 2_000, 5, 45),
      overflow(2_000, 3_000, 5, 45),
      overflow(59_500, 60_500, 1, 1),
      overflow(60_500, 61_500, 1, 1),
      overflow(1_000, 2_000, 2, 0, { reason: 'unavailable' }),
    ];
    const gaps = overflowGaps({ overflows, loss: ONE }, SETTINGS);
    expect(told(gaps).map((row) => (row as unknown[]).slice(0, 3))).toEqual([
      ['ivr', 1_000, 60_500],
      ['ivr', 60_500, 61_500],
      ['ivr', 1_000, 2_000],
    ]);
    expect(gaps[0]?.detail).toMatch(/^11 of 102 datagram\(s\) refused \(queue_full\); n [\d.]+ /);
    expect(new Set(gaps.map(({ id }) => id)).size).toBe(3);
  });

  test.each([
    ['a second of it leaves six tries, and the network takes none', 1_000, 0, 0],
    ['a second of it leaves six tries to a network that loses a tenth: about 1 in 14 million', 1_000, 0.1, 5e-6],
    ['a minute that drops all: what was sent in 42 s of 60 s had no try left', 60_000, 0, 42],
  ])('estimates what it cost: %s', (_what, ms, p, estimate) => {
    // A notification a second; in a minute seven tries each.
    const tries = ms === 1_000 ? 100 : 7 * 60;
    const [gap] = overflowGaps({ overflows: [overflow(0, ms, tries, 0)], loss: new Map([['ivr', p]]) }, SETTINGS);
    expect(gap?.estimatedLost ?? -1).toBeCloseTo(estimate, 0);
  });

  test('of the kernel is one of every source, and estimated where there is one alone', () => {
    const kernel = [overflow(0, 1_000, 50, 50, { sourceKey: null, reason: 'kernel' })];
    expect(told(overflowGaps({ overflows: kernel, loss: TWO }, SETTINGS))).toEqual([
      ['ivr', 0, 1_000, null],
      ['other', 0, 1_000, null],
    ]);
    expect(told(overflowGaps({ overflows: kernel, loss: ONE }, SETTINGS))).toEqual([['ivr', 0, 1_000, 0]]);
  });

  test('keeps its name while its minute goes on', () => {
    const [a] = overflowGaps({ overflows: [overflow(1_000, 2_000, 5, 0)], loss: ONE }, SETTINGS);
    const [b] = overflowGaps(
      { overflows: [overflow(1_000, 2_000, 5, 0), overflow(9_000, 9_500, 5, 0)], loss: ONE },
      SETTINGS,
    );
    expect([a?.id, a?.deadlineAt]).toEqual([b?.id, MINUTE + 2_000 + H]);
    expect(b?.deadlineAt).toBe(MINUTE + 9_500 + H);
  });
});

test('the overflows of a source are its own and those of nobody known, with the share that was dropped', () => {
  const all = [
    overflow(0, 1_000, 1, 3),
    overflow(0, 1_000, 5, 5, { sourceKey: null }),
    overflow(0, 1_000, 9, 1, { sourceKey: 'other' }),
  ];
  expect(overflowsOf('ivr', all).map(({ share }) => share)).toEqual([0.25, 0.5]);
});

describe('a span that closes', () => {
  function due(gap: Gap, over: Partial<DueSpan> = {}): DueSpan {
    return { gap, holes: 0, heard: null, servedUntil: null, p: 0, ...over };
  }
  const outage = outageGap('ivr', { from: MINUTE, to: MINUTE + 60_000, stoodStill: false }, SETTINGS);
  const rate = { heard: { count: 600, ms: 60_000 } };

  test.each([
    ['of which nothing was heard before', {}, 'explained', 0],
    // 10/s: 42 s of 60 s had no try left.
    ['whose source was busy', rate, 'explained', 420],
    ['whose losses serials show', { ...rate, holes: 400 }, 'lost', 20],
    ['of which serials show more than was expected', { ...rate, holes: 500 }, 'lost', 0],
    ['in which somebody listened for ten seconds', { ...rate, servedUntil: MINUTE + 10_000 }, 'explained', 320],
  ] as const)('an outage of a minute %s', (_what, over, status, estimatedLost) => {
    const closed = closeSpan(due(outage, over), SETTINGS);
    expect([closed.status, Math.round(closed.estimatedLost ?? -1)]).toEqual([status, estimatedLost]);
    expect(closed.closedAt).toBe(outage.deadlineAt);
    expect(closed.detail).toMatch(/n [\d.]+ notification\(s\) with a try inside, q [\d.e-]+ lost for good each/);
    expect(closed.expectedLost ?? -1).toBeGreaterThanOrEqual(estimatedLost);
  });

  test('a silence says what would be lost of a source that spoke on, and estimates nothing: it may have had nothing to say', () => {
    const silence = brokenSilence(silenceGap('ivr', MINUTE, 90_000), MINUTE + 200_000, H);
    expect(silence).toMatchObject({ status: 'open', to: MINUTE + 200_000, deadlineAt: MINUTE + 200_000 + H });
    const closed = { ...silence, status: 'explained', closedAt: silence.deadlineAt };
    expect(closeSpan(due(silence), SETTINGS)).toEqual(closed);
    expect(closeSpan(due(silence, { holes: 2 }), SETTINGS).status).toBe('lost');
    // 10/s for 218 s, of which 182 s left no try.
    expect(closeSpan(due(silence, rate), SETTINGS)).toEqual({
      ...closed,
      detail: `${silence.detail}; had it gone on as before: n 2180 notification(s) with a try inside, q 0.835 lost for good each (p 0): n q = 1820`,
    });
  });
});

describe('a stillness', () => {
  const still = { from: MINUTE, to: MINUTE + 30_000, slotsPerMs: 0.001 };
  function told(...deaf: readonly { from: number; to: number }[]): unknown {
    const gap = stillnessGap('ivr', still, deaf, SETTINGS);
    return gap === null ? null : [gap.from - MINUTE, gap.to - MINUTE];
  }

  test('is a possible silence of what was due in it, over when it is told', () => {
    expect(stillnessGap('ivr', still, [], SETTINGS)).toMatchObject({
      ...{ kind: 'silence', certainty: 'possible', status: 'open', from: MINUTE, to: MINUTE + 30_000 },
      ...{ openedAt: MINUTE + 30_000, deadlineAt: MINUTE + 30_000 + H, estimatedLost: null },
      detail: 'nothing heard, though 30 or more notifications were due at the rates around it; it lasted 30000 ms',
    });
  });

  test.each([
    ['is none of an outage before it', [{ from: 0, to: 5_000 }], [5_000, 30_000]],
    [
      'is the longest part that no outage or overflow holds',
      [
        { from: 1_000, to: 2_000 },
        { from: 28_000, to: 29_000 },
      ],
      [2_000, 28_000],
    ],
    ['is none where what is left is too short for more than chance', [{ from: 5_000, to: 25_000 }], null],
    ['is none within an outage', [{ from: -1_000, to: 31_000 }], null],
    [
      'is whole beside an outage',
      [
        { from: -9_000, to: -1_000 },
        { from: 31_000, to: 40_000 },
      ],
      [0, 30_000],
    ],
  ] as const)('%s', (_what, deaf, expected) => {
    expect(told(...deaf.map(({ from, to }) => ({ from: MINUTE + from, to: MINUTE + to })))).toEqual(expected);
  });
});

test('a silence is open from where its rhythm ended, without a deadline', () => {
  expect(silenceGap('ivr', MINUTE, 90_000)).toMatchObject({
    ...{ kind: 'silence', certainty: 'possible', status: 'open', from: MINUTE, to: null },
    ...{ openedAt: MINUTE + 90_000, deadlineAt: null, estimatedLost: null },
  });
});
