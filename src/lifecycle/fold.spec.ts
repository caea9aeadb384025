import { noFacts } from '../delivery/facts.js';
import type { Notification, Settings } from '../notification.js';
import { fold } from './fold.js';

const OLD: Settings = {
  ...{ retry: 6, intervalMs: 3_000, marginMs: 1_000 },
  ...{ staleRingingMs: 300_000, staleAnsweredMs: 14_400_000, lossWindowMs: 300_000 },
};
const NEW: Settings = { ...OLD, retry: 3, intervalMs: 1_000 };

function notification(serial: string, state: 'ringing' | 'ok' | 'bye', at: number): Notification {
  return {
    ...{ serial, state, stateRaw: state, firstAt: at, lastAt: at, copies: 1, idleMs: 0 },
    content: { callerNumber: null, calleeNumber: null, forwardNumber: null, menuId: null, menuName: null },
  };
}

test('a call falls under the settings in force when it began, whatever they are by now', () => {
  const facts = {
    ...noFacts('ivr', NEW),
    versions: [
      { since: 0, settings: OLD },
      { since: 1_000_000, settings: NEW },
    ],
  };
  const key = { callKey: '6f0f2d1e-5d8c-5c0a-9a57-3d1b1f0f7c21', sourceKey: 'ivr', callId: 'a' };
  const earliest = (at: number): number | null | undefined =>
    fold(key, [notification('1', 'ringing', at), notification('2', 'bye', at + 5_000)], facts)[0]?.record
      .ringingAtEarliest;
  expect(earliest(500_000)).toBe(500_000 - 19_000);
  expect(earliest(2_000_000)).toBe(2_000_000 - 4_000);
});
