/** What is recorded when a source is changed, by an operator or by learning, on real PostgreSQL. */
import type pg from 'pg';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import type { SweptSource } from '../../src/ingest/sweep/sweep.ports.js';
import { setLearnedMeaning } from '../../src/store/sweep/learned-meaning.js';
import { PgSourceSettingsStore } from '../../src/store/sources/source-settings.js';
import { PgSourceStore } from '../../src/store/sources/sources.js';
import { PgSweepStore } from '../../src/store/sweep/sweep.js';
import { operatorLock } from '../../src/wire/detect/lock.js';
import { EPOCH } from '../support/arrivals.js';
import { testDatabase, testPool, testPrisma, type TestDatabase } from '../support/database.js';

const KEY = '192.0.2.1';
const BY = { at: EPOCH + 5, by: 'somebody' };

let database: TestDatabase;
let prisma: PrismaClient;
let pool: pg.Pool;
let settings: PgSourceSettingsStore;
let sources: PgSourceStore;

beforeAll(async () => {
  database = await testDatabase();
  prisma = testPrisma(database);
  pool = testPool(database);
  settings = new PgSourceSettingsStore(prisma);
  sources = new PgSourceStore(prisma);
});

afterAll(async () => {
  await prisma.$disconnect();
  await pool.end();
  await database.close();
});

beforeEach(async () => {
  await pool.query('truncate source, source_change');
  await sources.save([{ key: KEY, name: KEY, addresses: [KEY] }], EPOCH);
});

/** `by field: before > after`, in the order of fields. */
async function changes(): Promise<readonly string[]> {
  const { rows } = await pool.query<{ line: string }>(
    `select by || ' ' || field || ': ' || coalesce(before, 'none') || ' > ' || coalesce(after, 'none') as line
     from source_change order by field collate "C"`,
  );
  return rows.map(({ line }) => line);
}

async function swept(): Promise<SweptSource> {
  const [source] = await new PgSweepStore(prisma).sources();
  if (source === undefined) throw new Error('no source');
  return source;
}

test('a decision is recorded by the fields it changed, with its time, and one that changes nothing not at all', async () => {
  const lock = operatorLock({ codec: 'length_prefixed', lengthBytes: 2, byteOrder: 'little', charset: 'gb18030' });
  await settings.setLock(KEY, lock, BY);
  await settings.setLock(KEY, lock, BY);
  expect(await changes()).toEqual([
    'somebody charset: utf-8 > gb18030',
    'somebody codec: none > length_prefixed:2le',
    'somebody locked: false > true',
  ]);
  const { rows } = await pool.query<{ at: Date }>('select distinct at from source_change');
  expect(rows.map(({ at }) => at.getTime())).toEqual([BY.at]);
  const [row] = await sources.load();
  expect(row?.lock).toEqual(lock);
});

test('an ack form and a meaning are recorded as they are shown', async () => {
  await settings.setAckForm(KEY, { content: 'serial' }, BY);
  await settings.pinMeaning(KEY, 'per_call', 0, BY);
  expect(await changes()).toEqual([
    'somebody ackForm: none > {"content":"serial"}',
    'somebody serialBase: 1 > 0',
    'somebody serialMeaning: unknown > per_call',
    'somebody serialMeaningPinned: false > true',
  ]);
});

test('what is learned is recorded as learned, by the one receiver that was first', async () => {
  const lock = operatorLock({ codec: 'xml', charset: 'utf-8' });
  expect(await sources.saveLock(KEY, lock, 0, EPOCH)).toBe(lock);
  const other = operatorLock({ codec: 'json', charset: 'utf-8' });
  expect((await sources.saveLock(KEY, other, 0, EPOCH))?.settings?.codec).toBe('xml');
  const source = await swept();
  const change = { since: EPOCH + 7, meaning: 'constant', serialBase: 1 } as const;
  expect(await setLearnedMeaning(prisma, source, change)).toBe(true);
  expect(await setLearnedMeaning(prisma, source, { ...change, meaning: 'opaque' })).toBe(false);
  expect(await changes()).toEqual([
    'learned codec: none > xml',
    'learned locked: false > true',
    'learned serialMeaning: unknown > constant',
  ]);
});

test('two decisions at once are recorded one after the other, each with what it found', async () => {
  await Promise.all(['A', 'B', 'C'].map((name) => settings.rename(KEY, name, BY)));
  const { rows } = await pool.query<{ before: string; after: string }>('select before, after from source_change');
  const next = new Map(rows.map(({ before, after }) => [before, after]));
  const order = [KEY];
  for (let name = next.get(KEY); name !== undefined; name = next.get(name)) order.push(name);
  expect(order).toHaveLength(4);
});

test('a decision about a source that is not there records nothing', async () => {
  expect(await settings.rename('nobody', 'x', BY)).toBe(false);
  expect(await changes()).toEqual([]);
});
