/** What retention leaves of loss windows. */
import type pg from 'pg';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { dropLossWindows } from '../../src/store/upkeep/loss-windows.js';
import { EPOCH } from '../support/arrivals.js';
import { testDatabase, testPool, testPrisma, type TestDatabase } from '../support/database.js';

const DAY_MS = 86_400_000;
const WINDOW_MS = 300_000;
let database: TestDatabase;
let prisma: PrismaClient;
let pool: pg.Pool;

beforeEach(async () => {
  database = await testDatabase();
  prisma = testPrisma(database);
  pool = testPool(database);
});

afterEach(async () => {
  await prisma.$disconnect();
  await pool.end();
  await database.close();
});

/** Windows of a source that begin so many days before {@link EPOCH}. */
async function windows(source: string, ...daysAgo: readonly number[]): Promise<void> {
  for (const days of daysAgo) {
    const from = EPOCH - days * DAY_MS;
    await pool.query(
      `insert into loss_window (source_key, start_at, end_at, sample, habits, p) values ($1, $2, $3, '{}', '{}', 0.1)`,
      [source, new Date(from), new Date(from + WINDOW_MS)],
    );
  }
}

async function left(source: string): Promise<readonly number[]> {
  const { rows } = await pool.query<{ start_at: Date }>(
    'select start_at from loss_window where source_key = $1 order by start_at',
    [source],
  );
  return rows.map(({ start_at }) => (EPOCH - start_at.getTime()) / DAY_MS);
}

test('windows older than the raw notifications go, but for the last before them, which answers for the time after it', async () => {
  await windows('busy', 60, 45, 40, 32, 31, 30, 20, 1);
  await windows('silent', 90, 70);
  expect(await dropLossWindows(prisma, EPOCH, 30)).toBe(4);
  expect(await left('busy')).toEqual([32, 31, 30, 20, 1]);
  expect(await left('silent')).toEqual([70]);
  expect(await dropLossWindows(prisma, EPOCH, 30)).toBe(0);
});

test('what rhythms are learned from stays, however short the retention', async () => {
  await windows('busy', 12, 10, 8, 7, 1);
  expect(await dropLossWindows(prisma, EPOCH, 1)).toBe(1);
  expect(await left('busy')).toEqual([10, 8, 7, 1]);
});
