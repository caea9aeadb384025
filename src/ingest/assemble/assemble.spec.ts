import { noFacts, type SourceFacts } from '../../delivery/facts.js';
import { callKeyOf } from '../../lifecycle/keys.js';
import type { Arrival, Settings, WireState } from '../../notification.js';
import { assemble, foldAnew, rebuilt } from './assemble.js';
import { NOTHING_STORED, type KeyRef, type StoredKey } from '../ports.js';

const SETTINGS: Settings = {
  retry: 6,
  intervalMs: 3000,
  marginMs: 1000,
  staleRingingMs: 300_000,
  staleAnsweredMs: 14_400_000,
  lossWindowMs: 300_000,
};
const KEY: KeyRef = { callKey: callKeyOf('ivr', '7'), sourceKey: 'ivr', callId: '7' };
const DAY = 86_400_000;
const NUMBERS = { callerNumber: '100', calleeNumber: '200', forwardNumber: null, menuId: null, menuName: null };

function arrival(at: number, serial: string, state: WireState): Arrival {
  return {
    sourceKey: 'ivr',
    report: { callId: '7', serial, state, stateRaw: state, ...NUMBERS },
    stamp: { at, idleMs: 0 },
    payload: new Uint8Array([1]),
  };
}

function factsAt(through: number): SourceFacts {
  return { ...noFacts('ivr', SETTINGS), meaning: 'per_call', through };
}

/** The Call ID used once a day for so many days, each call rung, answered and ended. */
function daily(days: number): { stored: StoredKey; arrivals: readonly Arrival[]; superseded: readonly string[] } {
  const arrivals: Arrival[] = [];
  const superseded: string[] = [];
  let stored = NOTHING_STORED;
  for (let day = 0; day < days; day++) {
    for (const [offset, serial, state] of [
      [0, '1', 'ringing'],
      [5_000, '2', 'ok'],
      [65_000, '3', 'bye'],
    ] as const) {
      const one = arrival(day * DAY + offset, serial, state);
      arrivals.push(one);
      const { change } = assemble(KEY, stored, [one], factsAt(one.stamp.at), one.stamp.at);
      superseded.push(...change.superseded);
      stored = {
        version: change.expectedVersion + 1,
        notifications: notificationsIn(change.document),
        calls: change.document.calls,
      };
    }
  }
  return { stored, arrivals, superseded };
}

function notificationsIn(document: { readonly n: readonly (readonly unknown[])[] }): StoredKey['notifications'] {
  return document.n.map((row) => ({
    serial: row[0] as string,
    state: row[1] as WireState,
    stateRaw: row[2] as string,
    firstAt: row[3] as number,
    lastAt: row[4] as number,
    copies: row[5] as number,
    idleMs: row[6] as number,
    content: NUMBERS,
  }));
}

test('a Call ID used every day for a year keeps the evidence of its last calls only, and supersedes none', () => {
  const { stored, superseded } = daily(365);
  expect(stored.notifications.length).toBeLessThanOrEqual(6);
  expect(stored.calls.length).toBeLessThanOrEqual(2);
  expect(superseded).toEqual([]);
});

test('a rebuild of a Call ID whose past calls were let go finds all of them, and writes nothing', () => {
  const { stored, arrivals } = daily(5);
  let raw: StoredKey['notifications'] = [];
  for (const one of arrivals) {
    const { change } = assemble(KEY, { ...NOTHING_STORED, notifications: raw }, [one], factsAt(0), 0);
    raw = notificationsIn(change.document);
  }
  const folded = foldAnew(KEY, raw, [factsAt(4 * DAY + 65_000)]);
  expect(folded.length).toBe(5);
  expect(folded.map((call) => call.record.talkMs)).toEqual([60_000, 60_000, 60_000, 60_000, 60_000]);
  expect(rebuilt(KEY, stored, raw, folded, { amiss: new Map(), stray: new Set() }, 5 * DAY)).toBeNull();
});

test('a rebuild puts back a past record that stands wrong', () => {
  const { stored, arrivals } = daily(3);
  const raw = arrivals.map(({ report, stamp }) => ({
    ...{ serial: report.serial, state: report.state, stateRaw: report.stateRaw },
    ...{ firstAt: stamp.at, lastAt: stamp.at, copies: 1, idleMs: 0, content: NUMBERS },
  }));
  const folded = foldAnew(KEY, raw, [factsAt(3 * DAY)]);
  const first = folded[0]?.record.id ?? '';
  const change = rebuilt(
    KEY,
    stored,
    raw,
    folded,
    { amiss: new Map([[first, 'missing']]), stray: new Set(['x']) },
    3 * DAY,
  );
  expect(change?.calls.map((call) => [call.record.id, call.place])).toEqual([[first, 'insert']]);
  expect(change?.superseded).toEqual(['x']);
});

test('what opens a call anew fills the gap it leaves, of a call that bore another id', () => {
  const late = [arrival(5_000, '2', 'ok'), arrival(40_000, '3', 'bye')];
  const { change } = assemble(KEY, NOTHING_STORED, late, factsAt(100_000), 100_000);
  const [hole] = change.gaps;
  expect(hole).toMatchObject({ fromSerial: '1', toSerial: '1', status: 'lost', openedAt: 5_000 });
  const stored = { version: 1, notifications: change.notifications, calls: change.document.calls };
  // Received first, and read last: it lay in quarantine.
  const replayed = assemble(KEY, stored, [arrival(1_000, '1', 'ringing')], factsAt(200_000), 200_000).change;
  expect(replayed.superseded).toHaveLength(1);
  expect(replayed.gaps).toEqual([
    expect.objectContaining({ id: hole?.id, status: 'filled', closedAt: 5_000, estimatedLost: 0 }),
  ]);
});
