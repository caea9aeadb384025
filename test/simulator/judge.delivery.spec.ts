/** A judge that cannot fail is worthless: every loss left undeclared and every gap without a loss is planted, and fails its own line alone. */
import { unknownCeilingPercent, type JudgeInput } from '../../src/simulator/judge/judge.js';
import { declaredMs } from '../../src/simulator/judge/judge.gaps.js';
import type { TrueCall } from '../../src/simulator/truth.js';
import {
  ANSWERED,
  at,
  but,
  failing,
  gapOf,
  GAPS,
  judged,
  OK_LOST,
  recordOf,
  RECORDS,
  SENDER,
  START,
  trueCall,
  TRUTH,
  UNHEARD,
  valueOf,
  type Change,
} from './true-ledger.js';

const answered = recordOf(ANSWERED);

describe('what gaps say', () => {
  const planted: readonly (readonly [string, string[], Change])[] = [
    ['a lost OK that no gap declares', ['undeclared'], { gaps: [] }],
    [
      'a gap of another time',
      ['undeclared', 'declaredNotLost'],
      { gaps: [gapOf(OK_LOST, { from: at(60), to: at(70) })] },
    ],
    [
      'a gap of other serials',
      ['undeclared', 'declaredNotLost'],
      { gaps: [gapOf(OK_LOST, { fromSerial: '4', toSerial: '4' })] },
    ],
    ['a gap taken for filled', ['undeclared'], { gaps: [gapOf(OK_LOST, { status: 'filled' })] }],
    ['a gap explained away', ['undeclared'], { gaps: [gapOf(OK_LOST, { status: 'explained' })] }],
    ['a gap of another call', ['undeclared', 'declaredNotLost'], { gaps: [gapOf(ANSWERED)] }],
    ['a certain gap of what was stored', ['declaredNotLost'], { gaps: [...GAPS, gapOf(ANSWERED, { kind: 'state' })] }],
    ['a certain gap of more than was lost', ['declaredNotLost'], { gaps: [gapOf(OK_LOST, { toSerial: '3' })] }],
    [
      'an outage declared longer than it was',
      ['outageMs'],
      { gaps: [...GAPS, gapOf(null, { kind: 'outage', to: at(20) })], downMs: 17_000 },
    ],
    [
      'a silence declared much longer than the link was cut',
      ['silenceMs'],
      { gaps: [...GAPS, gapOf(null, { kind: 'silence', to: at(20) })], cutMs: 10_000 },
    ],
    [
      'a record still unsettled when all its time has passed',
      ['unsettled'],
      { records: but(ANSWERED, { settled: false }), asOf: START + 600_000 },
    ],
    ['a call whose end is never presumed', ['unsettled'], { staleAnsweredMs: 1000, asOf: START + 600_000 }],
    [
      'a notification acked and not stored',
      ['undeclared', 'ackedNotStored'],
      {
        records: but(ANSWERED, {
          notifications: answered.notifications.slice(0, 2),
          notificationCount: 2,
          settled: true,
        }),
      },
    ],
    [
      'a notification stored that nobody sent',
      ['storedNeverSent'],
      {
        records: but(ANSWERED, {
          notifications: [...answered.notifications, { serial: '4', state: 'bye', receivedAt: at(50), copies: 1 }],
          notificationCount: 4,
        }),
      },
    ],
    [
      'a record of a call nobody made',
      ['storedNeverSent'],
      { records: [...RECORDS, { ...answered, id: 'x', callId: 'zz', notifications: [], notificationCount: 0 }] },
    ],
    ['a count that is not the timeline', ['miscounted'], { records: but(ANSWERED, { notificationCount: 4 }) }],
    ['an ack the sender cannot read', ['unreadableAcks'], { sender: { ...SENDER, unreadableResponses: 1 } }],
    ['an ack for something else', ['unreadableAcks'], { sender: { ...SENDER, foreignResponses: 1 } }],
    ['more unknown than the loss explains', ['unknownPercent'], { lossIn: 0.1, lossBack: 0.1 }],
    [
      'a call of which every copy arrived and nothing is known',
      ['undeclared'],
      {
        truth: [
          ...TRUTH.slice(0, 4),
          { ...UNHEARD, notifications: UNHEARD.notifications.map((one) => ({ ...one, delivered: 7 })) },
        ],
      },
    ],
  ];

  test.each(planted)('%s fails %j', (_title, keys, change) => {
    const judgement = judged(change);
    expect(failing(judgement)).toEqual(keys);
    expect(judgement.passed).toBe(false);
  });

  test.each(['outage', 'overflow', 'silence', 'quarantine'] as const)(
    'an %s that overlaps the tries of what is lost declares it',
    (kind) => {
      const gap = gapOf(null, {
        kind,
        fromSerial: null,
        toSerial: null,
        status: 'explained',
        from: at(38),
        to: at(50),
      });
      expect(failing(judged({ gaps: [gap] }))).toEqual([]);
      expect(failing(judged({ gaps: [{ ...gap, from: at(40) }] }))).toEqual(['undeclared']);
      expect(failing(judged({ gaps: [{ ...gap, source: 'another' }] }))).toEqual(['undeclared']);
    },
  );

  test('a state gap declares a loss of its call, not of another', () => {
    const gap = gapOf(OK_LOST, { kind: 'state', fromSerial: null, toSerial: null });
    expect(failing(judged({ gaps: [gap] }))).toEqual([]);
    expect(failing(judged({ gaps: [{ ...gap, callId: 'b' }] }))).toEqual(['undeclared', 'declaredNotLost']);
  });

  describe('serials per source', () => {
    const heard = trueCall(
      0,
      'a',
      [
        [0, '180', 'stored'],
        [10, 'ok', 'lost'],
        [40, 'bye', 'stored'],
      ],
      ['71', '73', '74'],
    );
    const gone = trueCall(
      1,
      'b',
      [
        [5, '180', 'lost'],
        [50, 'bye', 'lost'],
      ],
      ['72', '75'],
    );
    const change: Change = { serial: 'per_source', truth: [heard, gone], records: [recordOf(heard)] };
    const hole = gapOf(null, { fromSerial: '72', toSerial: '73' });

    test('a hole of the source declares what it holds, of whichever call; above the last one heard nobody can know', () => {
      const judgement = judged({ ...change, gaps: [hole] });
      expect(failing(judgement)).toEqual([]);
      expect(['declared', 'unknowable'].map((key) => valueOf(judgement, key))).toEqual([2, 1]);
    });

    test('a hole cut short leaves a loss undeclared; one too long declares what was not lost', () => {
      expect(failing(judged({ ...change, gaps: [{ ...hole, toSerial: '72' }] }))).toEqual(['undeclared']);
      expect(failing(judged({ ...change, gaps: [{ ...hole, toSerial: '74' }] }))).toEqual(['declaredNotLost']);
    });

    test("a hole below the serials of this run is another run's", () => {
      expect(failing(judged({ ...change, gaps: [hole, gapOf(null, { fromSerial: '3', toSerial: '70' })] }))).toEqual(
        [],
      );
    });
  });

  test('a second Ringing under constant serials is unknowable, per call it must be declared', () => {
    const both = (serials?: readonly string[]): TrueCall =>
      trueCall(
        0,
        'a',
        [
          [0, '180', 'stored'],
          [1, '183', 'lost'],
          [10, 'ok', 'stored'],
          [40, 'bye', 'stored'],
        ],
        serials,
      );
    const change = (call: TrueCall): Change => ({ truth: [call], records: [recordOf(call)], gaps: [] });
    expect(failing(judged({ ...change(both(['5', '5', '5', '5'])), serial: 'constant' }))).toEqual([]);
    expect(failing(judged(change(both())))).toEqual(['undeclared']);
  });

  test('possible gaps must come true as often as they estimate', () => {
    const possible = (estimatedLost: number): Change => {
      const calls = Array.from({ length: 100 }, (_, n) => ({ ...ANSWERED, call: n, callId: `p${String(n)}` }));
      const gaps = calls.map((call) =>
        gapOf(call, { kind: 'state', certainty: 'possible', fromSerial: null, toSerial: null, estimatedLost }),
      );
      return { truth: calls, records: calls.map((call) => recordOf(call)), gaps };
    };
    expect(failing(judged(possible(0.001)))).toEqual([]);
    expect(failing(judged(possible(0.05)))).toEqual([]);
    expect(failing(judged(possible(0.2)))).toEqual(['possibleOff']);
    const calls = { ...possible(0.2), serial: 'constant' } as const;
    expect(failing(judged({ ...calls, ackMatch: 'state' }))).toEqual(['possibleOff']);
    // What a sender loses that takes one state's ack for another's, nobody can estimate.
    expect(failing(judged({ ...calls, ackMatch: 'all' }))).toEqual([]);
  });

  test('what is missing is declared once: a second certain gap for one loss is untrue, a possible one beside it did not come true', () => {
    const again = gapOf(OK_LOST, { kind: 'state', fromSerial: null, toSerial: null });
    expect(failing(judged({ gaps: [...GAPS, again] }))).toEqual(['declaredNotLost']);
    const judgement = judged({ gaps: [...GAPS, { ...again, certainty: 'possible', estimatedLost: 0.1 }] });
    expect(judgement.lines.find(({ key }) => key === 'possibleOff')?.note).toMatch(/^0 lost, 0\.1 estimated in 1 gaps/);
  });

  test('an outage that two sources declare counts once', () => {
    const outage = (source: string, from: number, to: number) =>
      gapOf(null, { kind: 'outage', source, from: at(from), to: at(to) });
    expect(declaredMs([outage('a', 0, 10), outage('b', 1, 11), outage('a', 20, 25)], 'outage')).toBe(16_000);
  });
});

describe('the ceiling of unknown', () => {
  const usual = { retry: 6, cutMs: null, downMs: null };
  test.each<[JudgeInput['serial'], number, JudgeInput['ackMatch'], number | null]>([
    ['per_call', 0, 'state', 0],
    ['per_call', 0.1, 'all', 0],
    ['per_call', 0.4, 'state', 0.5],
    ['per_call', 0.5, 'state', null],
    ['per_source', 0.1, 'state', 0],
    ['per_source', 0.4, 'state', null],
    ['constant', 0.1, 'state', 0],
    ['constant', 0.1, 'first', null],
    ['call_number', 0, 'state', 0],
    ['opaque', 0, 'state', null],
  ])('%s at loss %d, acks matched by %s: %p', (serial, loss, ackMatch, ceiling) => {
    expect(unknownCeilingPercent({ ...usual, serial, ackMatch, lossIn: loss, lossBack: 0 })).toBe(ceiling);
    expect(unknownCeilingPercent({ ...usual, serial, ackMatch, lossIn: 0, lossBack: loss })).toBe(ceiling);
  });

  test('fewer tries than 1 + 6, a cut link or a receiver that was down have none', () => {
    const easy = { ...usual, serial: 'per_call', ackMatch: 'state', lossIn: 0, lossBack: 0 } as const;
    expect(unknownCeilingPercent({ ...easy, retry: 5 })).toBeNull();
    expect(unknownCeilingPercent({ ...easy, cutMs: 10_000 })).toBeNull();
    expect(unknownCeilingPercent({ ...easy, downMs: 17_000 })).toBeNull();
  });
});
