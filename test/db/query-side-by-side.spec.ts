/** Calls of one Call ID that go on side by side, which serials tell apart: each is shown with what it was made of, and with its own gaps. */
import { type Arrival, horizonMs } from '../../src/notification.js';
import { gapsOf, notificationsOf } from '../../src/query/call.js';
import { arrival, EPOCH, SETTINGS } from '../support/arrivals.js';
import { ONE, SweptLedger } from '../support/sweeping.js';

const swept = new SweptLedger('constant');

/** Once W has passed all there is to wait for. */
const LATER = EPOCH + 2_000_000;

async function callsByFirstSeen(): Promise<readonly { readonly id: string; readonly count: number }[]> {
  const { rows } = await swept.pool.query<{ id: string; count: number }>(
    "select id, notification_count as count from call where call_id = 'shared' order by first_seen_at",
  );
  return rows;
}

async function shown(): Promise<readonly unknown[]> {
  const calls = await callsByFirstSeen();
  const ids = calls.map(({ id }) => id);
  const timelines = await notificationsOf(swept.prisma, ids, horizonMs(SETTINGS));
  const gaps = await gapsOf(swept.prisma, ids);
  return calls.map(({ id, count }) => {
    const own = (timelines.get(id) ?? []).map(({ serial, state }) => `${serial} ${state}`);
    expect(own).toHaveLength(count);
    return [own, (gaps.get(id) ?? []).map(({ kind, detail }) => `${kind}: ${detail.split(':')[0] ?? ''}`)];
  });
}

/** A network that loses every other copy, so that an answer may be missing. */
function lossy(): readonly Arrival[] {
  return Array.from({ length: 30 }, (_, n) =>
    [0, 6_000, 12_000].map((at) => arrival(`l-${String(n)}`, '1', 'bye', at)),
  ).flat();
}

test('of two whose notifications interleave', async () => {
  await swept.commit(
    ...lossy(),
    arrival('shared', '9', 'ringing', 0),
    arrival('shared', '9', 'ok', 400),
    arrival('shared', '10', 'ringing', 800),
    arrival('shared', '10', 'bye', 1_200),
    arrival('shared', '9', 'bye', 1_600),
  );
  const sweep = swept.sweepOf(ONE);
  await sweep.beat(LATER, LATER - 1);
  await sweep.tick(LATER, LATER);
  expect(await shown()).toEqual([
    [['9 ringing', '9 ok', '9 bye'], []],
    [['10 ringing', '10 bye'], [expect.stringMatching(/^state: OK may be missing/)]],
  ]);
});

test('of three, the serial of the first used again by the last', async () => {
  const again = horizonMs(SETTINGS) + 60_000;
  await swept.commit(
    arrival('shared', '9', 'ringing', 0),
    arrival('shared', '10', 'ringing', 800),
    arrival('shared', '9', 'bye', 1_000),
    arrival('shared', '9', 'ringing', again),
    arrival('shared', '10', 'bye', again + 100),
    arrival('shared', '9', 'ok', again + 400),
    arrival('shared', '9', 'bye', again + 900),
  );
  expect((await shown()).map((one) => (one as unknown[])[0])).toEqual([
    ['9 ringing', '9 bye'],
    ['10 ringing', '10 bye'],
    ['9 ringing', '9 ok', '9 bye'],
  ]);
});
