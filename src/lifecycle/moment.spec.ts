/** Reports that say when their events happened: how the record takes their times, and where it does not. */
import fc from 'fast-check';
import { addArrival } from '../delivery/evidence.js';
import { noFacts, type SourceFacts, type Span } from '../delivery/facts.js';
import { eventTimeSerial, type Notification, type Settings, type WireState } from '../notification.js';
import { fold, type FoldedCall } from './fold.js';

const SETTINGS: Settings = {
  ...{ retry: 6, intervalMs: 3_000, marginMs: 1_000, lossWindowMs: 300_000 },
  ...{ staleRingingMs: 300_000, staleAnsweredMs: 14_400_000 },
};
const KEY = { callKey: '3f2f4c7e-0d5c-5a0e-8f59-0c5d33a4c0de', sourceKey: 'http:pbx', callId: '77' };
const START = 1_763_800_000_000;

/** One post: when its event happened, its state, when it was received; seconds after START. */
type Post = readonly [eventS: number, state: WireState, receivedS: number];

function stored(posts: readonly Post[]): readonly Notification[] {
  return posts.reduce<readonly Notification[]>((rows, [eventS, state, receivedS]) => {
    const content = { callerNumber: '441', calleeNumber: '442', forwardNumber: null, menuId: null, menuName: null };
    const serial = eventTimeSerial(String(START + eventS * 1_000));
    const report = { callId: KEY.callId, serial, state, stateRaw: state, ...content };
    const stamp = { at: START + receivedS * 1_000, idleMs: 0 };
    return addArrival(rows, { sourceKey: KEY.sourceKey, report, stamp, payload: new Uint8Array() }, () => 19_000)
      .notifications;
  }, []);
}

function callsOf(posts: readonly Post[], facts: Partial<SourceFacts> = {}): readonly FoldedCall[] {
  return fold(KEY, stored(posts), { ...noFacts(KEY.sourceKey, SETTINGS), through: START + 1e9, ...facts });
}

/** The one call of these posts; times in seconds after START. */
function recordOf(posts: readonly Post[], facts: Partial<SourceFacts> = {}): Record<string, unknown> {
  const calls = callsOf(posts, facts);
  expect(calls).toHaveLength(1);
  const { record } = calls[0] ?? {};
  const since = (at: number | null | undefined): number | null =>
    at === null || at === undefined ? null : (at - START) / 1_000;
  return {
    ...record,
    ringingAt: [since(record?.ringingAtEarliest), since(record?.ringingAt)],
    answeredAt: [since(record?.answeredAtEarliest), since(record?.answeredAt)],
    endedAt: [since(record?.endedAtEarliest), since(record?.endedAt)],
  };
}

test('the times of a call are those its reports give, to the millisecond, however late they come', () => {
  const record = recordOf([
    [0.5, 'early:-7', 3],
    [2, 'ringing', 3],
    [12.25, 'ok', 40],
    [72.5, 'bye', 73],
  ]);
  expect(record).toMatchObject({
    ...{ ringingAt: [2, 2], answeredAt: [12.25, 12.25], endedAt: [72.5, 72.5] },
    ...{ ringMs: 10_250, ringMsMin: 10_250, ringMsMax: 10_250, talkMs: 60_250, talkMsMin: 60_250, talkMsMax: 60_250 },
    ...{ disposition: 'answered', late: false, conflict: false, notificationCount: 4 },
  });
});

test('reports received in the wrong order are put right by their times, and nothing is late', () => {
  const record = recordOf([
    [72, 'bye', 73],
    [2, 'ringing', 95],
    [12, 'ok', 94],
  ]);
  expect(record).toMatchObject({
    ...{ ringingAt: [2, 2], answeredAt: [12, 12], endedAt: [72, 72], ringMs: 10_000, talkMs: 60_000, late: false },
  });
});

test.each([
  ['more than the margin after its receipt', 74.1],
  ['in another year', -40_000_000],
  ['longer before its receipt than any call is waited for', 72 - 14_401],
])(
  'a time %s is ignored: the receipt bounds the event from above, nothing from below, and the record is late',
  (_what, at) => {
    const record = recordOf([
      [2, 'ringing', 2],
      [12, 'ok', 12],
      [at, 'bye', 73],
    ]);
    expect(record).toMatchObject({ answeredAt: [12, 12], endedAt: [12, 73], talkMs: 61_000, talkMsMin: 0, late: true });
  },
);

test('a time within the margin after its receipt is believed: two clocks are never quite the same', () => {
  expect(recordOf([[73.9, 'bye', 73]])).toMatchObject({ endedAt: [73.9, 73.9], late: false });
});

test('a switch whose clock cannot be believed at all still gets a record, with bounds that say so', () => {
  const record = recordOf([
    [-50_000_000, 'ringing', 2],
    [-50_000_001, 'ok', 12],
    [-50_000_002, 'bye', 72],
  ]);
  expect(record).toMatchObject({
    ...{ ringingAt: [null, 2], answeredAt: [null, 12], endedAt: [null, 72], late: true },
    ...{ ringMs: 10_000, talkMs: 60_000, talkMsMin: 0, talkMsMax: null },
  });
});

test('a clock stepped back within a call makes no negative time', () => {
  const record = recordOf([
    [2, 'ringing', 2],
    [12, 'ok', 12],
    [8, 'bye', 20],
  ]);
  expect(record).toMatchObject({ talkMs: 0, talkMsMin: 0, late: true, disposition: 'answered' });
});

test('the same event posted again after minutes is a copy, and another event of that state is not', () => {
  const again: readonly Post[] = [
    [2, 'ringing', 2],
    [12, 'ok', 12],
    [12, 'ok', 300],
    [72, 'bye', 72],
  ];
  expect(recordOf(again)).toMatchObject({ notificationCount: 3, duplicateCount: 1, conflict: false });
  expect(recordOf([...again, [13, 'ok', 13]])).toMatchObject({ notificationCount: 4, conflict: true, talkMs: 60_000 });
});

test('a Call ID used again is cut by the times of its events, not by when they were received', () => {
  const calls = callsOf([
    [2, 'ringing', 2],
    [12, 'ok', 12],
    [60, 'bye', 500],
    [400, 'ringing', 400],
    [430, 'bye', 430],
  ]);
  expect(calls.map(({ record }) => [record.disposition, record.talkMs, record.ringMs])).toEqual([
    ['answered', 48_000, 10_000],
    ['not_answered', null, 30_000],
  ]);
});

describe('Ringing and Bye without an OK', () => {
  const unanswered: readonly Post[] = [
    [0, 'early:-7', 0],
    [1, 'early:-8', 1],
    [2, 'ringing', 2],
    [32, 'bye', 32],
  ];
  const outage = (from: number, to: number): { outages: readonly Span[] } => ({
    outages: [{ from: START + from * 1_000, to: START + to * 1_000 }],
  });

  test('are not answered where nothing was missed: states before any ringing cannot have been the OK', () => {
    expect(recordOf(unanswered)).toMatchObject({ disposition: 'not_answered', dispositionBasis: 'inferred' });
  });

  test('are unknown after the shortest outage of ours within the call, since nobody promises another try', () => {
    expect(recordOf(unanswered, outage(10, 11))).toMatchObject({ disposition: 'unknown', dispositionBasis: null });
    expect(recordOf(unanswered, outage(900, 901))).toMatchObject({ disposition: 'not_answered' });
  });

  test('are unknown when a state nobody knows was reported between them', () => {
    expect(recordOf([...unanswered, [20, 'other:-14', 20]])).toMatchObject({ disposition: 'unknown' });
  });

  test('say nothing of datagrams lost, whatever was posted twice or in the wrong order', () => {
    const posts: readonly Post[] = [...unanswered, [2, 'ringing', 90], [0, 'early:-7', 60]];
    const [call] = callsOf(posts);
    expect(new Set(Object.values(call?.record.lossSample ?? { none: 1 }))).toEqual(new Set([0]));
  });
});

test('any order of the same posts gives the same calls, under one id each', () => {
  const states: readonly WireState[] = ['early:-7', 'ringing', '183', 'ok', 'bye', 'other:-14'];
  const post = fc.tuple(fc.integer({ min: 0, max: 60 }), fc.constantFrom(...states), fc.integer({ min: 0, max: 90 }));
  const told = (posts: readonly Post[]): readonly unknown[] =>
    callsOf(posts.map(([at, state, receivedS]): Post => [at * 10, state, receivedS * 10])).map(({ record }) => record);
  fc.assert(
    fc.property(fc.array(post, { minLength: 1, maxLength: 8 }), fc.integer(), (posts, seed) => {
      const turned = posts
        .map((one, index) => ({ one, place: Math.sin(seed + index) }))
        .sort((a, b) => a.place - b.place);
      expect(told(turned.map(({ one }) => one))).toEqual(told(posts));
    }),
    { numRuns: 2_000 },
  );
});
