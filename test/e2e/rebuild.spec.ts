/**
 * Law 2 on the whole product: the records are a function of what was received. A rebuild of a ledger that is right changes
 * nothing; of one that was tampered with, it restores every record.
 */
import type pg from 'pg';
import { systemClock } from '../../src/clock.js';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { type Rebuild, rebuildLedger } from '../../src/ingest/rebuild/rebuild.js';
import type { Running } from '../../src/main.js';
import { readSettings } from '../../src/query/settings.js';
import { simulate } from '../../src/simulator/simulate.js';
import { SENT_SERIAL_MEANINGS } from '../../src/simulator/sender/serials.js';
import { PgLedgerStore } from '../../src/store/ledger/ledger.js';
import { PgRebuildStore } from '../../src/store/ledger/rebuild.js';
import { type TestDatabase, testDatabase, testPool, testPrisma } from '../support/database.js';
import { startReceiver } from '../support/receiver.js';
import { QUICK, simulation } from '../support/simulation.js';

const SLOW_MS = 180_000;
const NETWORK = { lossIn: 0.3, lossBack: 0.3, duplicate: 0.1, reorder: 0.1, failedWithBye: 0.05 };
const CALLS = 80;

let database: TestDatabase;
let receiver: Running | null = null;
let pool: pg.Pool;
let prisma: PrismaClient;

/** One lossy history, of every meaning of Serial Numbers, with Call IDs that come back. */
beforeAll(async () => {
  database = await testDatabase();
  pool = testPool(database);
  prisma = testPrisma(database);
  const running = await startReceiver(database, QUICK);
  receiver = running;
  const runs = SENT_SERIAL_MEANINGS.map((serial) => ({ ...NETWORK, serial, seed: `rebuild-${serial}`, calls: CALLS }));
  await Promise.all(runs.map((options) => simulate(simulation(running, options), () => undefined)));
  await running.stop();
  receiver = null;
}, SLOW_MS);

afterAll(async () => {
  await receiver?.stop();
  await prisma.$disconnect();
  await pool.end();
  await database.close();
}, SLOW_MS);

async function rebuild(): Promise<Rebuild> {
  const clock = systemClock();
  const settings = await readSettings(prisma, clock.now());
  if (settings === null) throw new Error('the receiver left no settings');
  return rebuildLedger(new PgRebuildStore(prisma), new PgLedgerStore(prisma, clock), settings, clock.now());
}

/** Every column of every record but those that say when and how often it was written. */
async function records(): Promise<ReadonlyMap<string, unknown>> {
  const { rows } = await pool.query<{ id: string; record: unknown }>(
    `select id, to_jsonb(call) - array['revision', 'updated_at', 'changed_tx'] as record from call order by id`,
  );
  return new Map(rows.map(({ id, record }) => [id, record]));
}

async function revisions(): Promise<unknown> {
  return (await pool.query('select id, revision, updated_at from call order by id')).rows;
}

async function gaps(): Promise<unknown> {
  return (await pool.query('select * from gap order by id')).rows;
}

test('a rebuild of a ledger that is right writes nothing', async () => {
  const [before, found, declared] = [await revisions(), await records(), await gaps()];
  expect(found.size).toBeGreaterThan((CALLS * SENT_SERIAL_MEANINGS.length) / 2);
  const { keys, changed, skipped } = await rebuild();
  expect({ changed, skipped }).toEqual({ changed: 0, skipped: 0 });
  expect(keys).toBeGreaterThan((CALLS * SENT_SERIAL_MEANINGS.length) / 2);
  expect(await records()).toEqual(found);
  expect(await revisions()).toEqual(before);
  expect(await gaps()).toEqual(declared);
});

test('a rebuild restores records that are wrong, gone or of nothing, and leaves the others', async () => {
  const found = await records();
  const ids = [...found.keys()];
  const { rowCount: wrong } = await pool.query(
    `update call set talk_ms = coalesce(talk_ms, 0) + 1000, disposition = 'answered' where id = any($1::uuid[])`,
    [ids.slice(0, 5)],
  );
  await pool.query('delete from call where id = any($1::uuid[])', [ids.slice(5, 10)]);
  await pool.query(
    `insert into call select (jsonb_populate_record(call, '{"id": "00000000-0000-5000-8000-000000000001"}')).*
     from call where id = $1`,
    [ids[10]],
  );
  expect(wrong).toBe(5);
  const { changed } = await rebuild();
  expect(changed).toBe(11);
  expect(await records()).toEqual(found);
  expect((await rebuild()).changed).toBe(0);
});

test('a rebuild needs nothing but the raw notifications and the facts', async () => {
  const found = await records();
  await pool.query('delete from call_evidence');
  await pool.query(`delete from call where id <= (select id from call order by id offset 20 limit 1)`);
  await rebuild();
  expect(await records()).toEqual(found);
  expect((await rebuild()).changed).toBe(0);
});
