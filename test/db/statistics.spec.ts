/** Statistics on real PostgreSQL, against the definitions counted by hand and, for random calls, counted again in plain code. */
import type pg from 'pg';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { maskedNumber } from '../../src/log.mask.js';
import { readParameters } from '../../src/query/parameters.js';
import { STATISTICS_QUERY, type StatisticsRow } from '../../src/query/statistics/contract.js';
import { readStatistics } from '../../src/query/statistics/read.js';
import { seeded } from '../../src/simulator/sender/random.js';
import { type TestDatabase, testDatabase, testPool, testPrisma } from '../support/database.js';
import {
  countNothingAhead,
  insertCall,
  insertGap,
  insertReceiver,
  insertSource,
  RINGING,
  type Row,
  time,
} from '../support/rows.js';

const SETTINGS = { staleRingingMs: 300_000, staleAnsweredMs: 14_400_000 };

let database: TestDatabase;
let pool: pg.Pool;
let db: PrismaClient;

beforeAll(async () => {
  database = await testDatabase();
  pool = testPool(database);
  db = testPrisma(database);
  await countNothingAhead(pool);
}, 60_000);
afterAll(async () => {
  await db.$disconnect();
  await pool.end();
  await database.close();
}, 20_000);
beforeEach(async () => {
  await pool.query('truncate source, receiver, gap, call, outage');
  await insertReceiver(pool, { started_at: time(-100_000) });
});

async function statistics(asked: Record<string, unknown>, asOf = time(1_000)): Promise<readonly StatisticsRow[]> {
  const query = readParameters(STATISTICS_QUERY, asked);
  return (await readStatistics(db, query, SETTINGS, asOf.getTime())).data;
}

const HOUR = { from: time(0).toISOString(), to: time(60).toISOString() };

/** An ended call that was not answered. */
const MISSED: Row = { disposition: 'not_answered', disposition_basis: 'proven', answered_at: null, talk_ms: null };
const UNKNOWN: Row = { ...MISSED, disposition: 'unknown', disposition_basis: null };

describe('what a row says', () => {
  test('counts, the answer ratio of rung calls, the average talk and exact percentiles of ringing', async () => {
    for (const [minute, ring] of [1_000, 2_000, 3_000, 4_000, 50_000].entries()) {
      await insertCall(pool, { first_seen_at: time(minute), ring_ms: ring, talk_ms: 10_000 * (minute + 1) });
    }
    await insertCall(pool, { first_seen_at: time(6), ...MISSED, ring_ms: 9_000 });
    await insertCall(pool, { first_seen_at: time(7), ...UNKNOWN, ring_ms: null });
    await insertCall(pool, { first_seen_at: time(8), ringing_at: null, ring_ms: null, talk_ms: 1_001 });
    await insertCall(pool, { ...RINGING, first_seen_at: time(9), stale_at: time(14) });
    expect(await statistics(HOUR, time(10))).toEqual([
      {
        bucketStart: time(0),
        group: null,
        ...{ calls: 9, answered: 6, notAnswered: 1, unknown: 1 },
        // 5 of the 6 that rang and whose outcome is known; the one that never rang is not among them.
        answerRatioRung: 5 / 6,
        acdMs: Math.round(151_001 / 6),
        ringMsP50: 3_000,
        ringMsP95: 50_000,
        concurrencyPeak: 1,
        gaps: 0,
      },
    ]);
  });

  test('an hour without calls is 0 where somebody listened and null where nobody did (unknown is never zero)', async () => {
    await pool.query('truncate receiver');
    await insertReceiver(pool, { started_at: time(60) });
    await pool.query('insert into outage values (gen_random_uuid(), gen_random_uuid(), $1, $2)', [
      time(119),
      time(180),
    ]);
    const rows = await statistics({ from: time(0).toISOString(), to: time(300).toISOString() }, time(240));
    expect(rows.map((row) => [row.calls, row.unknown, row.answerRatioRung, row.acdMs, row.concurrencyPeak])).toEqual([
      [null, null, null, null, null],
      [0, 0, null, null, 0],
      [null, null, null, null, null],
      [0, 0, null, null, 0],
      [null, null, null, null, null],
    ]);
  });

  test('an answer ratio is not stuck at 1 by failures nobody counts: unknown outcomes are counted apart', async () => {
    await insertCall(pool, { first_seen_at: time(1), ...UNKNOWN });
    expect(await statistics(HOUR)).toMatchObject([{ calls: 1, unknown: 1, answerRatioRung: null }]);
    await insertCall(pool, { first_seen_at: time(2), ...MISSED });
    expect(await statistics(HOUR)).toMatchObject([{ calls: 2, notAnswered: 1, answerRatioRung: 0 }]);
  });
});

describe('concurrency (need 15: counted right)', () => {
  const lasting = (from: Date, to: Date, row: Row = {}): Promise<unknown> =>
    insertCall(pool, { first_seen_at: from, ringing_at: from, answered_at: from, ended_at: to, ...row });
  const peaks = async (asked: Record<string, unknown>, asOf = time(1_000)): Promise<unknown> =>
    (await statistics(asked, asOf)).map(({ group, concurrencyPeak }) => [group, concurrencyPeak]);

  test('a call that ends at the instant another begins does not overlap it', async () => {
    await lasting(time(1), time(2));
    await lasting(time(2), time(3));
    expect(await peaks(HOUR)).toEqual([[null, 1]]);
    await lasting(time(2, -1), time(2, 1));
    expect(await peaks(HOUR)).toEqual([[null, 2]]);
  });

  test('a call counts in every bucket it goes on in, before its first and after its last among them', async () => {
    await lasting(time(-200), time(130));
    await lasting(time(50), time(60));
    const three = { from: time(0).toISOString(), to: time(180).toISOString() };
    expect(await peaks(three)).toEqual([
      [null, 2],
      [null, 1],
      [null, 1],
    ]);
    expect((await statistics(three)).map(({ calls }) => calls)).toEqual([1, 0, 0]);
  });

  test('a call of two days that began before anything looks back to is found by its talk time', async () => {
    await lasting(time(-2_880), time(30), { talk_ms: 174_600_000 });
    expect(await peaks(HOUR)).toEqual([[null, 1]]);
  });

  test('an open call goes on until now, or until it is presumed ended', async () => {
    await insertCall(pool, { ...RINGING, first_seen_at: time(10), ringing_at: time(10), stale_at: time(15) });
    const byMinute = { ...HOUR, to: time(20).toISOString(), bucket: 'PT1M' };
    const at = async (asOf: Date): Promise<unknown> =>
      (await statistics(byMinute, asOf)).flatMap(({ concurrencyPeak }, minute) =>
        concurrencyPeak === 1 ? [minute] : [],
      );
    expect(await at(time(12))).toEqual([10, 11]);
    expect(await at(time(30))).toEqual([10, 11, 12, 13, 14]);
  });

  test('is counted in each group apart, and of what the filter lets pass', async () => {
    await lasting(time(1), time(9), { menu_id: '7' });
    await lasting(time(2), time(9), { menu_id: '8' });
    await lasting(time(3), time(9), { menu_id: '8' });
    expect(await peaks({ ...HOUR, groupBy: 'menu' })).toEqual([
      ['7', 1],
      ['8', 2],
    ]);
    expect(await peaks({ ...HOUR, menuId: '7' })).toEqual([[null, 1]]);
  });
});

describe('groups', () => {
  test('a prefix shows 4 digits at most and hides 7 at least, and keeps its +', async () => {
    for (const number of ['+442071234567', '+442079999999', '442071234567', '55512345', '900', 'anonymous', null]) {
      await insertCall(pool, { first_seen_at: time(1), caller_number: number });
    }
    const rows = await statistics({ ...HOUR, groupBy: 'callerPrefix' });
    expect(rows.map(({ group, calls }) => [group, calls])).toEqual([
      ...[
        ['*', 1],
        ['+4420*', 2],
        ['4420*', 1],
        ['5*', 1],
        ['anonymous', 1],
        [null, 1],
      ],
    ]);
  });

  test('a prefix is what the mask shows: the signs of service codes are no digits', async () => {
    const numbers = ['12345678#', '#31#442071234567', '*21*5551234567#', '+4420#7123', '*#06#', '##', '0012345678901'];
    for (const number of numbers) await insertCall(pool, { first_seen_at: time(1), caller_number: number });
    const groups = (await statistics({ ...HOUR, groupBy: 'callerPrefix' })).map(({ group }) => group);
    const shown = numbers.map((number) => maskedNumber(number).replace(/\*{5}.*/, '*'));
    expect(shown).toContain('1*');
    expect(new Set(groups)).toEqual(new Set(shown));
  });

  test('every source has a row, one that nothing came from too, and gaps are its own', async () => {
    await insertSource(pool);
    await insertSource(pool, { key: 'mute', name: 'Mute' });
    await insertCall(pool, { first_seen_at: time(1) });
    await insertGap(pool, { source_key: 'mute', opened_at: time(30), from_at: time(30), to_at: time(70) });
    await insertGap(pool, { opened_at: time(30), from_at: time(30), to_at: time(31), status: 'filled' });
    const asked = { ...HOUR, to: time(120).toISOString() };
    const shown = async (more: Record<string, string>): Promise<unknown> =>
      (await statistics({ ...asked, ...more })).map(({ group, calls, gaps }) => [group, calls, gaps]);
    expect(await shown({ groupBy: 'source' })).toEqual([
      ['ivr', 1, 0],
      ['mute', 0, 1],
      ['ivr', 0, 0],
      ['mute', 0, 1],
    ]);
    expect(await shown({})).toEqual([
      [null, 1, 1],
      [null, 0, 1],
    ]);
    expect(await shown({ source: 'ivr' })).toEqual([
      [null, 1, 0],
      [null, 0, 0],
    ]);
  });

  test('an outage long enough to have cost calls counts after it closed, an explained one does not', async () => {
    const outage = { kind: 'outage', status: 'explained', opened_at: time(5), from_at: time(5), to_at: time(6) };
    await insertGap(pool, { ...outage, certainty: 'possible' });
    expect(await statistics(HOUR)).toMatchObject([{ gaps: 0 }]);
    await insertGap(pool, { ...outage, certainty: 'certain' });
    expect(await statistics(HOUR)).toMatchObject([{ gaps: 1 }]);
  });

  test('hours of day are those of the clock of the zone, the one shown twice as one group', async () => {
    const at = (iso: string): Row => ({ first_seen_at: new Date(iso) });
    await insertCall(pool, at('2026-10-25T00:30:00Z'));
    await insertCall(pool, at('2026-10-25T01:30:00Z'));
    const day = { from: '2026-10-25T00:00:00+02:00', to: '2026-10-26T00:00:00+01:00', tz: 'Europe/Berlin' };
    const rows = await statistics({ ...day, bucket: 'day', groupBy: 'hourOfDay' }, new Date('2026-11-01'));
    expect(rows.map(({ group }) => Number(group))).toEqual([...Array(24).keys()]);
    expect(rows.filter(({ calls }) => calls !== 0).map(({ group, calls }) => [group, calls])).toEqual([['2', 2]]);
    expect((await statistics({ ...day, bucket: 'hour' }, new Date('2026-11-01'))).length).toBe(25);
  });
});

/** The definitions in plain code, each call against each instant. */
function recount(calls: readonly Row[], from: number, to: number): Record<string, unknown> {
  const ms = (call: Row, field: string): number => (call[field] as Date).getTime();
  const inside = calls.filter((call) => ms(call, 'first_seen_at') >= from && ms(call, 'first_seen_at') < to);
  const ring = inside.map((call) => call['ring_ms'] as number).sort((a, b) => a - b);
  const instants = [from, ...calls.map((call) => ms(call, 'ringing_at'))].filter((at) => at >= from && at < to);
  const going = (at: number): number =>
    calls.filter((call) => ms(call, 'ringing_at') <= at && ms(call, 'ended_at') > at).length;
  return {
    calls: inside.length,
    ringMsP50: ring[Math.ceil(ring.length * 0.5) - 1] ?? null,
    ringMsP95: ring[Math.ceil(ring.length * 0.95) - 1] ?? null,
    concurrencyPeak: Math.max(...instants.map(going)),
  };
}

test('200 random calls are counted as plain code counts them, bucket by bucket and by menu', async () => {
  const random = seeded('statistics');
  const calls: Row[] = [];
  for (let index = 0; index < 200; index++) {
    const first = time(random.below(600), random.below(60_000));
    const ring = random.below(40) * 1_000;
    const end = new Date(first.getTime() + ring + random.below(3_600) * 1_000);
    const row = { first_seen_at: first, ringing_at: first, ring_ms: ring, menu_id: String(random.below(3)) };
    calls.push({ ...row, answered_at: new Date(first.getTime() + ring), ended_at: end });
  }
  for (const call of calls) await insertCall(pool, call);
  const rows = await statistics({
    from: time(0).toISOString(),
    to: time(660).toISOString(),
    bucket: 'quarterHour',
    groupBy: 'menu',
  });
  expect(rows).toHaveLength(44 * 3);
  for (const { bucketStart, group, ...counts } of rows) {
    const of = calls.filter((call) => call['menu_id'] === group);
    expect(counts).toMatchObject(recount(of, bucketStart.getTime(), bucketStart.getTime() + 900_000));
  }
});
