import type { CopyCount } from '../../delivery/ack-health.js';
import type { Span } from '../../delivery/facts.js';
import type { Settings } from '../../notification.js';
import { AckAlarm } from './ack-alarm.js';

const SETTINGS: Settings = {
  ...{ retry: 6, intervalMs: 3000, marginMs: 1000, staleRingingMs: 300_000, staleAnsweredMs: 14_400_000 },
  lossWindowMs: 300_000,
};

function all(copies: number, notifications = 100): readonly CopyCount[] {
  return [{ copies, intervals: copies - 1, notifications }];
}

/** What is said at each look, given what the copies of the one source are then. */
async function said(...looks: readonly (readonly CopyCount[])[]): Promise<readonly string[][]> {
  let counts: readonly CopyCount[] = [];
  let lines: string[] = [];
  const alarm = new AckAlarm({
    store: { copies: () => Promise.resolve(new Map([['ivr', counts]])) },
    ...{ settings: SETTINGS, clock: { now: () => 1_000_000 }, onFault: () => undefined },
    log: { warn: (text) => lines.push(`warn ${text}`), log: (text) => lines.push(`info ${text}`) },
  });
  const found: string[][] = [];
  for (const look of looks) {
    counts = look;
    lines = [];
    await alarm.look();
    found.push(
      [...lines, ...alarm.problems().map((text) => `stands: ${text}`)].map((text) => text.split('.')[0] ?? ''),
    );
  }
  return found;
}

test('the alarm is said once when acks turn bad, once when they turn bad otherwise, and once when it is over', async () => {
  const bad = 'Alarm ack_path of ivr (not_understood)';
  const late = 'Alarm ack_path of ivr (late)';
  expect(await said(all(1), all(7), all(7), all(2), all(1), all(1))).toEqual([
    [],
    [`warn ${bad}`, `stands: ${bad}`],
    [`stands: ${bad}`],
    [`warn ${late}`, `stands: ${late}`],
    ['info Alarm ack_path of ivr is over'],
    [],
  ]);
});

test('too few notifications to tell neither raise nor clear it', async () => {
  const found = await said(all(7, 19), all(7), all(1, 19), []);
  expect(found.map((lines) => lines.length)).toEqual([0, 2, 1, 1]);
});

test('only what can be sent no more is judged', async () => {
  const asked: Span[] = [];
  const alarm = new AckAlarm({
    store: { copies: (span) => Promise.resolve((asked.push(span), new Map())) },
    ...{ settings: SETTINGS, clock: { now: () => 1_000_000 }, onFault: () => undefined },
    log: { warn: () => undefined, log: () => undefined },
  });
  await alarm.look();
  expect(asked).toEqual([{ from: 400_000, to: 981_000 }]);
});
