/** The ledger store on real PostgreSQL: what a batch leaves in the tables, and what two receivers make of one call. */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { noFacts } from '../../src/delivery/facts.js';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { assemble } from '../../src/ingest/assemble/assemble.js';
import {
  type KeyChange,
  NOTHING_STORED,
  RowRejected,
  type StoredKey,
  StoreUnavailable,
} from '../../src/ingest/ports.js';
import type { Arrival } from '../../src/notification.js';
import { PgLedgerStore } from '../../src/store/ledger/ledger.js';
import { TABLE_COLUMNS } from '../../src/store/ledger/ledger-sql.js';
import { ensurePartitions } from '../../src/store/upkeep/partitions.js';
import { arrival, EPOCH, keyOf, SETTINGS } from '../support/arrivals.js';
import { testDatabase, testPool, testPrisma, type TestDatabase } from '../support/database.js';
import { until } from '../support/receiver.js';

const clock = { now: () => EPOCH + 60_000 };
let database: TestDatabase;
let prisma: PrismaClient;
let pool: pg.Pool;
let store: PgLedgerStore;

beforeAll(async () => {
  database = await testDatabase();
  prisma = testPrisma(database);
  pool = testPool(database);
  store = new PgLedgerStore(prisma, clock);
});

afterAll(async () => {
  await prisma.$disconnect();
  await pool.end();
  await database.close();
});

/** Commits arrivals as one batch; `onDecide` runs before each decision. */
async function commit(
  arrivals: readonly Arrival[],
  onDecide: () => void = () => undefined,
  into = store,
): Promise<void> {
  const keys = new Map(arrivals.map((one) => [keyOf(one).callKey, keyOf(one)]));
  await into.add([...keys.values()], (stored) => {
    onDecide();
    return [...keys.values()].map((key) => {
      const own = arrivals.filter((one) => keyOf(one).callKey === key.callKey);
      return assemble(
        key,
        stored.get(key.callKey) ?? NOTHING_STORED,
        own,
        noFacts(key.sourceKey, SETTINGS),
        clock.now(),
      ).change;
    });
  });
}

async function rows<Row extends object>(sql: string, callId: string): Promise<Row[]> {
  return (await pool.query<Row>(sql, [callId])).rows;
}

async function callsOf(callId: string): Promise<{ state: string; revision: number; notification_count: number }[]> {
  return rows('select state, revision, notification_count from call where call_id = $1', callId);
}

test('the columns the rows are written in are those of the tables, in their order', async () => {
  for (const [table, columns] of Object.entries(TABLE_COLUMNS)) {
    const { rows: found } = await pool.query<{ name: string }>(
      `select attname as name from pg_attribute
       where attrelid = $1::regclass and attnum > 0 and not attisdropped and attname <> 'changed_tx' order by attnum`,
      [table],
    );
    expect({ table, columns: found.map(({ name }) => name) }).toEqual({ table, columns });
  }
});

test('the types rows travel in are their tables, with instants as numbers', async () => {
  const { rows: differing } = await pool.query(
    `select t.attrelid::regclass as "table", t.attname
     from pg_attribute t
     left join pg_attribute s on s.attrelid = to_regclass(t.attrelid::regclass || '_sent') and s.attname = t.attname
     where t.attrelid = any (array['call', 'notification', 'call_evidence']::regclass[])
       and t.attnum > 0 and not t.attisdropped and t.attname not in ('evidence', 'changed_tx')
       and format_type(s.atttypid, null) is distinct from
         case t.atttypid when 'timestamptz'::regtype then 'bigint' else format_type(t.atttypid, null) end`,
  );
  expect(differing).toEqual([]);
});

test('a batch leaves one call row, one evidence row and every raw notification', async () => {
  await commit([arrival('a', '1', 'ringing', 0), arrival('a', '2', 'ok', 5_000), arrival('b', '1', '183', 10)]);
  expect(await callsOf('a')).toEqual([{ state: 'answered', revision: 1, notification_count: 2 }]);
  expect(await callsOf('b')).toEqual([{ state: 'ringing', revision: 1, notification_count: 1 }]);
  const raw = await rows<{ serial: string; payload: Buffer; first_at: Date }>(
    'select serial, payload, first_at from notification where call_id = $1 order by first_at',
    'a',
  );
  expect(raw.map(({ serial, payload, first_at }) => [serial, payload.toString(), first_at.getTime() - EPOCH])).toEqual([
    ['1', 'a,1,ringing,442071234567,442079876543', 0],
    ['2', 'a,2,ok,442071234567,442079876543', 5_000],
  ]);
});

test('a second batch continues the same call and raises its revision', async () => {
  await commit([arrival('c', '1', 'ringing', 0)]);
  await commit([arrival('c', '2', 'ok', 4_000)]);
  await commit([arrival('c', '3', 'bye', 9_000)]);
  expect(await callsOf('c')).toEqual([{ state: 'ended', revision: 3, notification_count: 3 }]);
});

test('copies, in one batch or several, are one raw row with its copies counted, and no revision', async () => {
  await commit([arrival('d', '1', 'ringing', 3_000), arrival('d', '1', 'ringing', 6_000)]);
  await commit([arrival('d', '1', 'ringing', 9_000)]);
  const raw = 'select copies, first_at, last_at from notification where call_id = $1';
  expect(await rows(raw, 'd')).toEqual([
    { copies: 3, first_at: new Date(EPOCH + 3_000), last_at: new Date(EPOCH + 9_000) },
  ]);
  expect((await callsOf('d')).map(({ revision }) => revision)).toEqual([1]);
});

test('a copy received earlier but processed later takes the place of the first', async () => {
  await commit([arrival('e', '1', 'ringing', 6_000)]);
  await commit([arrival('e', '1', 'ringing', 3_000)]);
  const raw = 'select copies, first_at from notification where call_id = $1';
  expect(await rows(raw, 'e')).toEqual([{ copies: 2, first_at: new Date(EPOCH + 3_000) }]);
});

test('a copy that follows the end finds the call in the settled partition', async () => {
  await commit([arrival('f', '1', 'ringing', 0), arrival('f', '2', 'bye', 8_000)]);
  await pool.query(`update call set settled = true where call_id = 'f'`);
  await commit([arrival('f', '2', 'bye', 11_000)]);
  const found = await rows<{ settled: boolean; duplicate_count: number; revision: number }>(
    'select settled, duplicate_count, revision from call where call_id = $1',
    'f',
  );
  expect(found).toEqual([{ settled: false, duplicate_count: 1, revision: 2 }]);
});

test('text of every kind comes back as it went in', async () => {
  const odd = [
    'a"b',
    'back\\slash',
    '(x,y)',
    '{z}',
    ' lead',
    'null',
    '',
    'tab\there',
    '"',
    '\\x41',
    '中文|菜单',
    '\u001f',
  ];
  const arrivals = odd.map((menuName, index) =>
    arrival(`odd ${menuName}`, String(index), 'ringing', index, { menuName }),
  );
  await commit(arrivals);
  for (const { report, payload } of arrivals) {
    const call = await rows<{ menu_name: string }>('select menu_name from call where call_id = $1', report.callId);
    expect(call).toEqual([{ menu_name: report.menuName }]);
    const raw = await rows<{ payload: Buffer }>('select payload from notification where call_id = $1', report.callId);
    expect(raw.map((row) => row.payload.toString())).toEqual([Buffer.from(payload).toString()]);
  }
});

test('two receivers that write one call at the same time keep both notifications', async () => {
  const otherPrisma = testPrisma(database);
  const other = new PgLedgerStore(otherPrisma, clock);
  const pairs = Array.from({ length: 40 }, (_, index) => `race ${String(index)}`);
  await Promise.all([
    commit(pairs.map((id) => arrival(id, '1', 'ringing', 0))),
    commit(
      [...pairs].reverse().map((id) => arrival(id, '2', 'ok', 1_000)),
      undefined,
      other,
    ),
    commit(
      pairs.map((id) => arrival(id, '3', 'bye', 2_000)),
      undefined,
      other,
    ),
  ]);
  for (const id of pairs) {
    const [call, ...more] = await callsOf(id);
    expect({ call, more }).toEqual({
      call: { state: 'ended', revision: call?.revision, notification_count: 3 },
      more: [],
    });
    expect(await rows('select 1 from notification where call_id = $1', id)).toHaveLength(3);
  }
  await otherPrisma.$disconnect();
});

test('what another receiver stored since is read when the write finds it', async () => {
  const otherPrisma = testPrisma(database);
  const other = new PgLedgerStore(otherPrisma, clock);
  await commit([arrival('overtaken', '1', 'ringing', 0)]);
  await commit([arrival('overtaken', '2', 'ok', 1_000)], undefined, other);
  await commit([arrival('overtaken', '3', 'bye', 2_000)]);
  const [call] = await callsOf('overtaken');
  expect(call).toEqual({ state: 'ended', revision: 3, notification_count: 3 });
  await otherPrisma.$disconnect();
});

test('a write that lost against another receiver is decided again on what the other wrote', async () => {
  const one = arrival('lost', '2', 'ok', 4_000);
  await commit([arrival('lost', '1', 'ringing', 0)]);
  const other = await pool.connect();
  await other.query('begin');
  await other.query('update call_evidence set version = version + 1 where call_key = $1', [keyOf(one).callKey]);
  const versions: (number | undefined)[] = [];
  const key = keyOf(one);
  const late = store.commit([key], (stored: ReadonlyMap<string, StoredKey>): readonly KeyChange[] => {
    const found = stored.get(key.callKey);
    versions.push(found?.version);
    return [assemble(key, found ?? NOTHING_STORED, [one], noFacts(key.sourceKey, SETTINGS), clock.now()).change];
  });
  await untilSomebodyWaits();
  await other.query('commit');
  other.release();
  await late;
  expect(versions).toEqual([1, 2]);
  expect(await callsOf('lost')).toEqual([{ state: 'answered', revision: 2, notification_count: 2 }]);
});

/** Until a statement of this database waits for a row lock. */
async function untilSomebodyWaits(): Promise<void> {
  const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  while ((await pool.query(waiting)).rows.length === 0) await sleep(5);
}

test('a row PostgreSQL refuses rejects the batch and leaves nothing of it', async () => {
  const bad = arrival('bad', '1', 'ringing', 0, { menuName: 'nul\u0000' });
  await expect(commit([arrival('mate', '1', 'ringing', 0), bad])).rejects.toThrow(RowRejected);
  expect(await callsOf('mate')).toEqual([]);
});

test('a database that is away is told apart from a refused row', async () => {
  const away = testPrisma({ ...database, url: 'postgresql://nobody@127.0.0.1:1/none' });
  await expect(commit([arrival('away', '1', 'ringing', 0)], undefined, new PgLedgerStore(away, clock))).rejects.toThrow(
    StoreUnavailable,
  );
  await away.$disconnect();
});

test('what a decision throws is not taken for a fault of the database', async () => {
  const bug = new Error('a bug');
  await expect(
    commit([arrival('bug', '1', 'ringing', 0)], () => {
      throw bug;
    }),
  ).rejects.toBe(bug);
});

test('a notification that waits for the default partition while its day is attached is stored in that day', async () => {
  const day = EPOCH + 40 * 86_400_000;
  const keeper = await pool.connect();
  const one = arrival('attached', '1', 'bye', day - EPOCH);
  try {
    await keeper.query('begin');
    await ensurePartitions(
      {
        $executeRawUnsafe: async (sql) => (await keeper.query(sql)).rowCount ?? 0,
        $queryRawUnsafe: async <T>(sql: string) => (await keeper.query(sql)).rows as T,
      },
      'notification',
      day,
      day,
    );
    const stored = commit([one]);
    await until(async () => {
      const waiting = await pool.query(
        `select from pg_locks where not granted and relation = 'notification_default'::regclass`,
      );
      return waiting.rowCount === 1;
    });
    await keeper.query('commit');
    await stored;
  } finally {
    keeper.release();
  }
  const found = await rows<{ at: string }>(
    'select tableoid::regclass::text as at from notification where call_id = $1',
    'attached',
  );
  expect(found).toEqual([{ at: `notification_${new Date(day).toISOString().slice(0, 10).replaceAll('-', '')}` }]);
});
