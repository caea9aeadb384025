/**
 * The order of the changes feed on real PostgreSQL, with transactions held open on purpose. Guards against the fault of feeds
 * ordered by a sequence or a time: a transaction that commits late puts its rows behind a reader who has gone on.
 */
import type pg from 'pg';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { type ChangesPage, LOOKED_AT_MAX, newestTx, readChanges } from '../../src/query/changes/changes.js';
import { CursorGone } from '../../src/query/faults.js';
import { continueChanges } from '../../src/store/change-base.js';
import { PgLedgerStore } from '../../src/store/ledger/ledger.js';
import { dropPartitions, ensurePartitions } from '../../src/store/upkeep/partitions.js';
import { settle } from '../../src/store/sweep/sweep.settle.js';
import { EPOCH } from '../support/arrivals.js';
import { testDatabase, testPool, testPrisma, type TestDatabase } from '../support/database.js';
import { HeldWriter } from '../support/held-writer.js';
import { life, LONG_AFTER, stage, write } from '../support/lives.js';
import { neighboursDone } from '../support/neighbours.js';

const DAY_MS = 86_400_000;
let database: TestDatabase;
let prisma: PrismaClient;
let pool: pg.Pool;
let ledger: PgLedgerStore;
let writers: HeldWriter[] = [];

beforeEach(async () => {
  database = await testDatabase();
  prisma = testPrisma(database);
  pool = testPool(database);
  ledger = new PgLedgerStore(prisma, { now: () => EPOCH });
});

afterEach(async () => {
  await Promise.all(writers.map((one) => one.close()));
  writers = [];
  await prisma.$disconnect();
  await pool.end();
  await database.close();
});

async function writer(): Promise<HeldWriter> {
  const opened = await HeldWriter.open(database.url);
  writers.push(opened);
  return opened;
}

async function page(after?: string, limit = 500, settled?: boolean): Promise<ChangesPage> {
  await neighboursDone(pool);
  return readChanges(prisma, { after, limit, settled, source: undefined });
}

/** Call ID and revision of what is told after a cursor. */
function told({ data }: ChangesPage): readonly string[] {
  return data.map(({ call, revision }) => `${call.callId} ${String(revision)}`);
}

describe('transactions that overlap', () => {
  test('what began first and commits last is told first, and nothing is told before it', async () => {
    const [first, second] = [await writer(), await writer()];
    await first.begin();
    await second.begin();
    await write(first, stage('slow', 0));
    await write(second, stage('quick', 0));
    await second.end('commit');
    const before = await page();
    expect(told(before)).toEqual([]);
    await first.end('commit');
    expect(told(await page(before.nextCursor))).toEqual(['slow 1', 'quick 1']);
  });

  test('a later revision written by an older transaction is told after the one it follows', async () => {
    const [older, younger] = [await writer(), await writer()];
    await older.begin();
    await write(older, stage('other', 0));
    await younger.begin();
    await write(younger, stage('call', 0));
    await younger.end('commit');
    await write(older, stage('call', 1));
    await older.end('commit');
    expect(told(await page()).filter((one) => one.startsWith('call'))).toEqual(['call 1', 'call 2']);
    const { rows } = await pool.query(
      `select count(distinct tx)::integer as numbers from call_change where call_id = 'call'`,
    );
    expect(rows).toEqual([{ numbers: 1 }]);
  });

  test('a writer that is killed leaves nothing, and holds nobody back any more', async () => {
    const [killed, other] = [await writer(), await writer()];
    await killed.begin();
    await write(killed, stage('killed', 0));
    await write(other, stage('other', 0));
    const before = await page();
    expect(told(before)).toEqual([]);
    await pool.query('select pg_terminate_backend($1, 5000)', [killed.pid]);
    expect(told(await page(before.nextCursor))).toEqual(['other 1']);
  });

  test('a reader killed after it read and before it stored its cursor is told the same again', async () => {
    for (const id of ['a', 'b', 'c']) await write(ledger, ...life(id));
    const { nextCursor } = await page(undefined, 1);
    const once = await page(nextCursor, 1);
    expect(told(await page(nextCursor, 1))).toEqual(told(once));
    expect(told(await page(once.nextCursor))).toEqual(['c 1']);
  });
});

test('the newest change is the one with the greatest number, not the last one in the order of its digits', async () => {
  for (const id of ['a', 'b']) await write(ledger, stage(id, 0));
  await pool.query(`update call_change set tx = case call_id when 'a' then 9 else 10 end`);
  expect(await newestTx(prisma, Date.now())).toBe('10');
});

describe('a filtered reader', () => {
  test('gets past what it does not want, 20,000 changes a page', async () => {
    await write(ledger, ...life('wanted'));
    await settle(prisma, LONG_AFTER, EPOCH, 10);
    await pool.query(`
      create temp table copies as select call_change.* from call_change, generate_series(1, ${String(LOOKED_AT_MAX)}) where settled;
      update copies set tx = 5, id = gen_random_uuid(), settled = false;
      insert into call_change select * from copies`);
    const first = await page(undefined, 10, true);
    expect([told(first), first.more]).toEqual([[], true]);
    const second = await page(first.nextCursor, 10, true);
    expect([told(second), second.more]).toEqual([['wanted 2'], false]);
  });
});

describe('what is dropped by age', () => {
  const age = async (): Promise<void> => {
    await pool.query(`update call_change set at = at - interval '3 days'`);
  };
  const drop = async (): Promise<void> => {
    await dropPartitions(prisma, 'call_change', Date.now() - DAY_MS);
  };

  test('is told of to a reader who missed it, and not to one who had read it', async () => {
    await ensurePartitions(prisma, 'call_change', Date.now() - 4 * DAY_MS, Date.now());
    for (const id of ['a', 'b']) await write(ledger, ...life(id));
    const middle = await page(undefined, 1);
    const end = await page();
    await age();
    await write(ledger, ...life('later'));
    await drop();
    await expect(page(middle.nextCursor)).rejects.toEqual(new CursorGone('dropped'));
    expect(told(await page(end.nextCursor))).toEqual(['later 1']);
    expect(told(await page())).toEqual(['later 1']);
  });

  test('is told of wherever it stood, in the default partition as well', async () => {
    await write(ledger, ...life('a'));
    const before = await page('now');
    await write(ledger, ...life('b'));
    await age();
    await drop();
    await expect(page(before.nextCursor)).rejects.toEqual(new CursorGone('dropped'));
    expect(told(await page())).toEqual([]);
  });
});

describe('a dump restored into another cluster', () => {
  test('is told whole, in order, and new changes after it; cursors of before are refused', async () => {
    await continueChanges(prisma);
    await write(ledger, stage('a', 0));
    const { nextCursor } = await page();
    // The numbers of a cluster that had counted further, under another name.
    await pool.query(`update change_base set cluster = 'another'`);
    for (const table of ['call_change set tx', 'call set changed_tx']) {
      await pool.query(`update ${table} = 1000000000000`);
    }
    expect(told(await page())).toEqual([]);
    expect(await continueChanges(prisma)).toBe(true);
    expect(await continueChanges(prisma)).toBe(false);
    await write(ledger, stage('b', 0));
    await write(ledger, stage('a', 1));
    expect(told(await page())).toEqual(['a 1', 'b 1', 'a 2']);
    await expect(page(nextCursor)).rejects.toEqual(new CursorGone('restored'));
  });

  test('within the same cluster is recognised by its database, which a ledger of before that was known takes its place in', async () => {
    await continueChanges(prisma);
    await pool.query(`update change_base set cluster = split_part(cluster, '/', 1)`);
    expect(await continueChanges(prisma)).toBe(false);
    await pool.query(`update change_base set cluster = split_part(cluster, '/', 1) || '/1'`);
    expect([await continueChanges(prisma), await continueChanges(prisma)]).toEqual([true, false]);
  });

  test('a start in the same cluster changes no number', async () => {
    expect([await continueChanges(prisma), await continueChanges(prisma)]).toEqual([false, false]);
    const { rows } = await pool.query('select epoch, ahead::integer, cluster <> $1 as known from change_base', ['']);
    expect(rows).toEqual([{ epoch: 1, ahead: 0, known: true }]);
  });
});
