/** A judge that cannot fail is worthless: every untruth a record can tell is planted, and fails its own line alone. */
import type { JudgeInput } from '../../src/simulator/judge/judge.js';
import type { TrueCall } from '../../src/simulator/truth.js';
import {
  ANSWERED,
  at,
  but,
  type Change,
  failing,
  judged,
  OK_LOST,
  recordOf,
  RECORDS,
  trueCall,
  TRUTH,
  UNANSWERED,
  valueOf,
} from './true-ledger.js';

const answered = recordOf(ANSWERED);

describe('what records say', () => {
  test('a ledger that tells the truth passes; what is lost is told apart', () => {
    const judgement = judged();
    expect(failing(judgement)).toEqual([]);
    expect(judgement.passed).toBe(true);
    const counts = ['lost', 'declared', 'undeclared', 'pending', 'unknowable', 'callsMissing', 'unknownPercent'];
    expect(counts.map((key) => valueOf(judgement, key))).toEqual([4, 1, 0, 1, 2, 1, 33.33]);
  });

  const planted: readonly (readonly [string, string[], Change])[] = [
    [
      'an unanswered call said to be answered',
      ['wrong'],
      { records: but(UNANSWERED, { disposition: 'answered', dispositionBasis: 'reported' }) },
    ],
    [
      'an answered call said to be proven unanswered',
      ['wrong'],
      { records: but(OK_LOST, { disposition: 'not_answered', dispositionBasis: 'proven' }) },
    ],
    [
      'an answered call inferred to be unanswered',
      ['wrongInferred'],
      { records: but(OK_LOST, { disposition: 'not_answered', dispositionBasis: 'inferred' }) },
    ],
    ['an end without a disposition', ['wrong'], { records: but(ANSWERED, { disposition: null }) }],
    [
      'an answer said to be before it was',
      ['wrongBounds'],
      { records: but(ANSWERED, { answeredAt: at(9.9), ringMs: 6900 }) },
    ],
    [
      'an end that cannot have been as early as it was',
      ['wrongBounds'],
      { records: but(ANSWERED, { endedAtEarliest: at(40.1) }) },
    ],
    [
      'a ringing bound after the ringing',
      ['wrongBounds'],
      { records: but(UNANSWERED, { ringingAtEarliest: at(5.1) }) },
    ],
    [
      'a talk time whose maximum is too short',
      ['wrongBounds'],
      { records: but(ANSWERED, { talkMsMax: 29_900, talkMs: 29_000 }) },
    ],
    [
      'a talk time whose minimum is too long',
      ['wrongBounds'],
      { records: but(ANSWERED, { talkMsMin: 30_100, talkMs: 31_000 }) },
    ],
    ['a talk time outside its own bounds', ['wrongBounds'], { records: but(ANSWERED, { talkMs: 60_000 }) }],
    [
      'a ring time whose maximum is too short',
      ['wrongBounds'],
      { records: but(UNANSWERED, { ringMsMax: 19_000, ringMs: 18_000 }) },
    ],
    [
      'a talk time of a call never answered',
      ['wrongBounds'],
      { records: but(UNANSWERED, { talkMsMin: 1000, talkMsMax: 2000 }) },
    ],
    ['times out of order', ['wrongBounds'], { records: but(ANSWERED, { ringingAt: at(14) }) }],
    [
      'a talk time left out though OK and Bye are stored',
      ['wrongBounds'],
      { records: but(ANSWERED, { talkMs: null }) },
    ],
    ['another caller', ['wrongShape'], { records: but(ANSWERED, { callerNumber: '442079460002' }) }],
    ['a call cut in two', ['wrongShape'], { records: [...RECORDS, { ...answered, id: 'id-a2', firstSeenAt: at(30) }] }],
  ];

  test.each(planted)('%s fails %j', (_title, keys, change) => {
    const judgement = judged(change);
    expect(failing(judgement)).toEqual(keys);
    expect(judgement.passed).toBe(false);
  });

  test('an OK received after its Bye sets its time back to a guess; the bounds still hold the truth', () => {
    const notifications = answered.notifications.map((one) =>
      one.state === 'ok' ? { ...one, receivedAt: at(55) } : one,
    );
    const late = { notifications, answeredAt: at(9), talkMs: 34_000, ringMs: 6000 };
    expect(failing(judged({ records: but(ANSWERED, late) }))).toEqual([]);
    expect(failing(judged({ records: but(ANSWERED, { ...late, answeredAtEarliest: at(10.1) }) }))).toEqual([
      'wrongBounds',
    ]);
  });

  test('clocks apart by the tolerance are forgiven, by more are not', () => {
    const bound = (ms: number): Change => ({ records: but(ANSWERED, { endedAtEarliest: at(40) + ms }) });
    expect(failing(judged(bound(5)))).toEqual([]);
    expect(failing(judged(bound(6)))).toEqual(['wrongBounds']);
    expect(failing(judged({ ...bound(6), toleranceMs: 10 }))).toEqual([]);
  });

  test('a sender that takes one ack for several states may mislead one inference in a hundred ended calls', () => {
    const wrong = but(OK_LOST, { disposition: 'not_answered', dispositionBasis: 'inferred' });
    const inferred = (ackMatch: JudgeInput['ackMatch'], copies: number): string[] => {
      const more = Array.from({ length: copies }, (_, n) => trueCallLike(n));
      return failing(
        judged({ ackMatch, truth: [...TRUTH, ...more], records: [...wrong, ...more.map((call) => recordOf(call))] }),
      );
    };
    expect(inferred('first', 97)).toEqual([]);
    expect(inferred('all', 96)).toEqual(['wrongInferred']);
    expect(inferred('state', 97)).toEqual(['wrongInferred']);
  });

  test('of two calls under one Call ID each record is judged by the call that had begun', () => {
    const again = trueCall(9, 'a', [
      [200, '180', 'stored'],
      [230, 'bye', 'stored'],
    ]);
    const records = [...RECORDS, recordOf(again, { id: 'id-again' })];
    expect(failing(judged({ truth: [...TRUTH, again], records, asOf: at(300) }))).toEqual([]);
    const merged = but(ANSWERED, {
      notifications: [...answered.notifications, ...recordOf(again).notifications],
      notificationCount: 5,
    });
    expect(failing(judged({ truth: [...TRUTH, again], records: merged, asOf: at(300) }))).toEqual(['wrongShape']);
  });
});

function trueCallLike(n: number): TrueCall {
  return { ...ANSWERED, call: 100 + n, callId: `x${String(n)}` };
}
