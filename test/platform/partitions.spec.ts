import type pg from 'pg';
import { sqlState } from '../../src/store/faults.js';
import { dropPartitions, ensurePartitions, type SqlRunner } from '../../src/store/upkeep/partitions.js';
import { keepPartitions } from '../../src/store/upkeep/partition-keeper.js';
import { testDatabase, testPool, testPrisma, type TestDatabase } from '../support/database.js';

const DAY_MS = 86_400_000;
const NOON = Date.UTC(2026, 2, 10, 12);

let database: TestDatabase;
let pool: pg.Pool;

beforeEach(async () => {
  database = await testDatabase();
  pool = testPool(database, 8);
});

afterEach(async () => {
  await pool.end();
  await database.close();
});

const runner = (): SqlRunner => ({
  $executeRawUnsafe: async (sql) => (await pool.query(sql)).rowCount ?? 0,
  $queryRawUnsafe: async <T>(sql: string) => (await pool.query(sql)).rows as T,
});

async function insert(at: number, serial = '1'): Promise<void> {
  await pool.query(
    `insert into notification (call_key, first_at, serial, state, digest, source_key, call_id, state_raw, last_at, copies, idle_ms, payload)
     values (gen_random_uuid(), $1, $2, 'ok', 0, 'a', 'c', 'OK', $1, 1, 0, '')`,
    [new Date(at), serial],
  );
}

async function whereRowsAre(): Promise<string[]> {
  const { rows } = await pool.query<{ at: string }>(
    `select tableoid::regclass::text as at from notification order by first_at`,
  );
  return rows.map((row) => row.at);
}

test('partitions cover every day from the first instant to the last, and making them again makes none', async () => {
  expect(await ensurePartitions(runner(), 'notification', NOON, NOON + 2 * DAY_MS)).toBe(3);
  expect(await ensurePartitions(runner(), 'notification', NOON, NOON + 2 * DAY_MS)).toBe(0);
  await insert(Date.UTC(2026, 2, 10));
  await insert(Date.UTC(2026, 2, 11) - 1);
  await insert(Date.UTC(2026, 2, 13) - 1);
  expect(await whereRowsAre()).toEqual(['notification_20260310', 'notification_20260310', 'notification_20260312']);
});

test('a row whose day has no partition waits in the default and moves when the partition is made', async () => {
  await insert(NOON);
  await insert(NOON + 9 * DAY_MS);
  await ensurePartitions(runner(), 'notification', NOON, NOON);
  expect(await whereRowsAre()).toEqual(['notification_20260310', 'notification_default']);
});

/** As the ledger does: what a check refused is sent once more (src/store/faults.ts). */
async function insertTwice(at: number, serial: string): Promise<void> {
  await insert(at, serial).catch((error: unknown) => {
    if (Reflect.get(error as object, 'code') !== '23514') throw error;
    return insert(at, serial);
  });
}

test('receivers that make the same partitions at once, under writes, all succeed and no row is lost', async () => {
  const writes = Array.from({ length: 200 }, (_, n) => insertTwice(NOON + (n % 4) * DAY_MS, String(n)));
  const makers = Array.from({ length: 6 }, () => ensurePartitions(runner(), 'notification', NOON, NOON + 3 * DAY_MS));
  await Promise.all([...writes, ...makers]);
  const rows = await whereRowsAre();
  expect(rows).toHaveLength(200);
  expect(rows).not.toContain('notification_default');
});

test('retention drops the days that ended before the limit, default rows among them', async () => {
  await insert(NOON - 40 * DAY_MS);
  await ensurePartitions(runner(), 'notification', NOON, NOON + DAY_MS);
  await insert(NOON);
  await insert(NOON + DAY_MS);
  expect(await dropPartitions(runner(), 'notification', NOON + DAY_MS)).toEqual(['notification_20260310']);
  expect(await whereRowsAre()).toEqual(['notification_20260311']);
});

test('a partition has the key, the checks and the index of its parent', async () => {
  const prisma = testPrisma(database);
  await ensurePartitions(prisma, 'notification', NOON, NOON);
  await prisma.$disconnect();
  const { rows } = await pool.query<{ definition: string }>(
    `select indexdef as definition from pg_indexes where tablename = 'notification_20260310' order by 1`,
  );
  expect(rows.map((row) => row.definition.replace(/.* using /i, ''))).toEqual([
    'btree (source_key, first_at)',
    'btree (call_key, first_at, serial, state, digest)',
  ]);
  await expect(
    pool.query(`insert into notification select (jsonb_populate_record(null::notification, '{}')).*`),
  ).rejects.toThrow();
});

test('a dump that holds every day of a table keeps no other from being made, and what it kept from is made afterwards', async () => {
  const prisma = testPrisma(database);
  const faults: string[] = [];
  const keep = async (): Promise<void> => {
    const keeper = await keepPartitions(prisma, { now: () => NOON }, 1, (work, error) => {
      faults.push(`${work}: ${String(sqlState(error))}`);
    });
    keeper.stop();
  };
  const daysOf = async (table: string): Promise<number> => {
    const made = await pool.query(`select from pg_inherits where inhparent = $1::regclass`, [table]);
    return (made.rowCount ?? 0) - 1;
  };
  const dump = await pool.connect();
  try {
    await dump.query('begin; lock table notification in access share mode');
    await keep();
    expect(faults).toEqual(['the days of notification: 55P03']);
    expect([await daysOf('notification'), await daysOf('call_change')]).toEqual([0, 9]);
    await dump.query('rollback');
    await keep();
    expect(faults).toHaveLength(1);
    expect(await daysOf('notification')).toBe(9);
  } finally {
    dump.release(true);
    await prisma.$disconnect();
  }
});
