/** Statistics answered from hours that were counted ahead say what counting every call again says. */
import type pg from 'pg';
import { seedLedger } from '../../src/cli/seed/seed.js';
import { Prisma, type PrismaClient } from '../../src/generated/prisma/client.js';
import type { Settings } from '../../src/notification.js';
import { readParameters } from '../../src/query/parameters.js';
import type { Reads } from '../../src/query/sql.js';
import { STATISTICS_QUERY, type StatisticsRow } from '../../src/query/statistics/contract.js';
import { readStatistics } from '../../src/query/statistics/read.js';
import { keepOnce } from '../../src/store/bi/keeper.js';
import { CHANGED, type Change, changesOf } from '../support/changing.js';
import { type TestDatabase, testDatabase, testPool, testPrisma } from '../support/database.js';
import { neighboursDone } from '../support/neighbours.js';

const SETTINGS: Settings = {
  ...{ retry: 6, intervalMs: 3_000, marginMs: 1_000 },
  ...{ staleRingingMs: 300_000, staleAnsweredMs: 14_400_000, lossWindowMs: 300_000 },
};
const HOUR_MS = 3_600_000;
const UNTIL = Date.UTC(2026, 2, 8, 10, 30);
const SEEDING = { calls: 2_000, seed: 'a', from: UNTIL - 40 * HOUR_MS, until: UNTIL };
/** Every call passes it, and no hour is counted by it. */
const ANEW = { maxRevision: '2147483647' };

let database: TestDatabase;
let pool: pg.Pool;
let db: PrismaClient;
let change: Change;

beforeAll(async () => {
  database = await testDatabase();
  pool = testPool(database);
  db = testPrisma(database);
  change = await changesOf(pool);
  await seedLedger(database.url, SEEDING, SETTINGS);
}, 60_000);
afterAll(async () => {
  await db.$disconnect();
  await pool.end();
  await database.close();
}, 20_000);

function ago(hours: number): string {
  return new Date(Date.UTC(2026, 2, 8, 10) - hours * HOUR_MS).toISOString();
}

interface Answer {
  readonly data: readonly StatisticsRow[];
  /** From when calls were counted; null: none were. */
  readonly countedFrom: string | null;
}

async function ask(asked: Record<string, unknown>): Promise<Answer> {
  let countedFrom: string | null = null;
  const watched = {
    $queryRaw: (statement: Prisma.Sql) => {
      // The begins of its cells are the first instants it is given.
      const [cells] = statement.values.filter((one) => Array.isArray(one));
      if (statement.text.includes('from call, asked')) countedFrom = String((cells as readonly unknown[])[0]);
      return db.$queryRaw(statement);
    },
  } as unknown as Reads;
  const query = readParameters(STATISTICS_QUERY, asked);
  return { ...(await readStatistics(watched, query, SETTINGS, UNTIL)), countedFrom };
}

/** Asks both ways, and tells from when the first way counted calls. */
async function both(asked: Record<string, unknown>): Promise<string | null> {
  const [rolled, anew] = [await ask(asked), await ask({ ...asked, ...ANEW })];
  expect(rolled.data).toEqual(anew.data);
  expect(anew.countedFrom).not.toBeNull();
  return rolled.countedFrom;
}

describe.each(['none', 'menu', 'source'])('by %s', (groupBy) => {
  test.each([
    ['hours', { from: ago(30), to: ago(6), groupBy }],
    [
      'a day of a zone whose hours are those of UTC',
      { from: ago(35), to: ago(11), bucket: 'day', tz: 'America/New_York', groupBy },
    ],
    ['all of it', { from: ago(30), to: ago(6), bucket: 'all', groupBy }],
    ['hours before the first call', { from: ago(60), to: ago(30), groupBy }],
  ])('%s: no call is read', async (_, asked) => {
    expect(await both(asked)).toBeNull();
  });

  test('hours that calls still go on in are counted anew, and only these', async () => {
    const from = await both({ from: ago(30), to: new Date(UNTIL).toISOString(), groupBy });
    expect(from).not.toBeNull();
    expect(Date.parse(from ?? '')).toBeGreaterThanOrEqual(UNTIL - 4 * HOUR_MS);
  });

  test('parts of hours are counted anew', async () => {
    const from = new Date(Date.parse(ago(30)) + 600_000).toISOString();
    expect(await both({ from, to: ago(6), bucket: 'all', groupBy })).toBe(from);
    expect(await both({ from: ago(30), to: ago(6), tz: 'Asia/Kathmandu', groupBy })).toBe(ago(30));
  });
});

test('one source of several is answered from its hours; another filter is not', async () => {
  const asked = { from: ago(30), to: ago(6) };
  expect(await both({ ...asked, source: 'north' })).toBeNull();
  expect(await both({ ...asked, source: ['north', 'west'], groupBy: 'source' })).toBeNull();
  expect(await both({ ...asked, source: 'north', groupBy: 'menu' })).not.toBeNull();
  expect(await both({ ...asked, menuId: '1' })).not.toBeNull();
  expect(await both({ ...asked, by: 'endedAt' })).not.toBeNull();
});

test('what changed is counted anew until the keeper has come to it, in every hour that the call went on in', async () => {
  const asked = { from: ago(30), to: ago(6), groupBy: 'menu' };
  const longer = `update call set ended_at = first_seen_at + interval '5 hours', talk_ms = 18000000, ${CHANGED}
    where id = (select id from call where settled and disposition = 'answered' and first_seen_at >= $1 order by first_seen_at limit 1)
    returning *`;
  await change(longer, [ago(20)]);
  expect(await both(asked)).not.toBeNull();
  await neighboursDone(pool);
  await keepOnce(db, () => UNTIL);
  expect(await both(asked)).toBeNull();
  await pool.query('insert into rollup_due values ($1)', [ago(20)]);
  expect(await both(asked)).toBe(ago(20));
  await keepOnce(db, () => UNTIL);
});
