/** A source that usually speaks and falls silent, on real PostgreSQL: its rhythm is learned, its silence declared and closed. */
import type { Sweep } from '../../src/ingest/sweep/sweep.js';
import type { Arrival } from '../../src/notification.js';
import { readFeed } from '../../src/query/feed.js';
import { arrival, EPOCH } from '../support/arrivals.js';
import { ONE, SweptLedger } from '../support/sweeping.js';

const H = 19_000;
/** It reports a Ringing every 30 s, for 100 minutes. */
const EVERY_MS = 30_000;
const SPOKEN_MS = 6_000_000;
/** Twice the longest silence, and H. A silence is known to a slot, which is a second. */
const ALLOWED_MS = 2 * EVERY_MS + H;

const swept = new SweptLedger('per_call');
let sweep: Sweep;

beforeEach(() => {
  sweep = swept.sweepOf(ONE);
});

async function commit(...arrivals: readonly Arrival[]): Promise<void> {
  await swept.commit(...arrivals);
  const last = Math.max(...arrivals.map(({ stamp }) => stamp.at));
  await swept.pool.query('update source set last_heard_at = $1', [new Date(last)]);
}

async function speak(): Promise<void> {
  const count = SPOKEN_MS / EVERY_MS;
  await commit(...Array.from({ length: count + 1 }, (_, n) => arrival(`s-${String(n)}`, '1', 'ringing', n * EVERY_MS)));
}

async function tick(at: number): Promise<void> {
  await sweep.beat(EPOCH + at, EPOCH + at - 1);
  await sweep.tick(EPOCH + at, EPOCH + at);
}

async function silences(): Promise<readonly unknown[]> {
  const { rows } = await swept.pool.query<{ from_at: Date; to_at: Date | null; status: string }>(
    `select from_at, to_at, status from gap where kind = 'silence' order by from_at`,
  );
  return rows.map(({ from_at, to_at, status }) => [
    from_at.getTime() - EPOCH,
    to_at === null ? null : to_at.getTime() - EPOCH,
    status,
  ]);
}

async function status(at: number): Promise<string | undefined> {
  const feed = await readFeed(swept.prisma, { from: null, to: null, sources: null }, EPOCH + at);
  return feed[0]?.status;
}

test('a source is silent when its silence is twice as long as any before, and no sooner', async () => {
  await speak();
  await tick(SPOKEN_MS + ALLOWED_MS - 1_000);
  expect([await silences(), await status(SPOKEN_MS + ALLOWED_MS - 1_000)]).toEqual([[], 'receiving']);
  await tick(SPOKEN_MS + ALLOWED_MS + 3_000);
  expect(await silences()).toEqual([[SPOKEN_MS, null, 'open']]);
  expect(await status(SPOKEN_MS + ALLOWED_MS + 3_000)).toBe('silent');
  // Declared once, and open for as long as it lasts.
  await tick(SPOKEN_MS + 500_000);
  expect(await silences()).toEqual([[SPOKEN_MS, null, 'open']]);
});

test('a silence that is broken closes as explained once H has passed and nothing shows to be missing', async () => {
  await speak();
  await tick(SPOKEN_MS + 500_000);
  await commit(arrival('later', '1', 'ringing', SPOKEN_MS + 501_000));
  await tick(SPOKEN_MS + 502_000);
  expect(await silences()).toEqual([[SPOKEN_MS, SPOKEN_MS + 501_000, 'open']]);
  expect(await status(SPOKEN_MS + 502_000)).toBe('receiving');
  await tick(SPOKEN_MS + 501_001 + H);
  expect(await silences()).toEqual([[SPOKEN_MS, SPOKEN_MS + 501_000, 'explained']]);
});

test('a silence in which serials show a hole was a loss', async () => {
  await speak();
  await tick(SPOKEN_MS + 500_000);
  // The OK of a call that rang before the silence never came: serial 2 is missing.
  const last = `s-${String(SPOKEN_MS / EVERY_MS)}`;
  await commit(arrival(last, '3', 'bye', SPOKEN_MS + 501_000));
  await tick(SPOKEN_MS + 502_000);
  await tick(SPOKEN_MS + 501_002 + H);
  expect(await silences()).toEqual([[SPOKEN_MS, SPOKEN_MS + 501_000, 'lost']]);
});

test('a silence too short for its rhythm, yet too long for chance, is declared when its window has closed', async () => {
  const calls = (from: number, to: number): Promise<void> =>
    commit(
      ...Array.from({ length: (to - from) / 1_000 }, (_, n) =>
        arrival(`c-${String(from + n)}`, '1', 'ringing', from + n * 1_000),
      ),
    );
  await calls(0, 600_000);
  await calls(640_000, 900_000);
  await tick(900_000);
  expect(await silences()).toEqual([]);
  await tick(900_001 + H);
  expect(await silences()).toEqual([[599_000, 640_000, 'explained']]);
  const { rows } = await swept.pool.query<{ detail: string }>(`select detail from gap where kind = 'silence'`);
  expect(rows[0]?.detail).toMatch(/^nothing heard, though 4[01](\.\d+)? or more .*; had it gone on as before: n 5\d /);
  // Told once, whoever looks again.
  await swept.pool.query('delete from loss_window');
  await swept.sweepOf(ONE).tick(EPOCH + 900_002 + H, EPOCH + 900_002 + H);
  expect(await silences()).toHaveLength(1);
});

test('a time in which nobody listened is no silence of the source', async () => {
  await speak();
  await tick(SPOKEN_MS);
  await sweep.beat(EPOCH + SPOKEN_MS + 400_000, EPOCH + SPOKEN_MS + 399_999, {
    stalls: [{ from: EPOCH + SPOKEN_MS + 1_000, to: EPOCH + SPOKEN_MS + 400_000 }],
    overflows: [],
  });
  await tick(SPOKEN_MS + 400_000 + ALLOWED_MS - 1_000);
  expect(await silences()).toEqual([]);
});

test('a silent source costs no row: windows in which nothing happened are not written', async () => {
  await speak();
  for (const hours of [1, 2, 3]) await tick(SPOKEN_MS + hours * 3_600_000);
  const { rows } = await swept.pool.query<{ n: number; ended: Date }>(
    'select count(*)::integer as n, max(end_at) as ended from loss_window',
  );
  const [windows] = rows;
  // 20 windows in which it spoke or a call of it was presumed ended, five minutes after it rang.
  expect(windows?.n).toBeLessThanOrEqual(SPOKEN_MS / 300_000 + 2);
  expect((windows?.ended.getTime() ?? 0) - EPOCH).toBeLessThanOrEqual(SPOKEN_MS + 600_000);
});
