/** Made-up history is what the product would have written of it: seeds of `ringledger seed` and `npm run bench:query`. */
import type pg from 'pg';
import { seedLedger } from '../../src/cli/seed/seed.js';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { rebuildLedger } from '../../src/ingest/rebuild.js';
import type { Settings } from '../../src/notification.js';
import { PgLedgerStore } from '../../src/store/ledger.js';
import { PgRebuildStore } from '../../src/store/rebuild.js';
import { PgSeedStore } from '../../src/store/seed.js';
import { type TestDatabase, testDatabase, testPool, testPrisma } from '../support/database.js';

const SETTINGS: Settings = {
  ...{ retry: 6, intervalMs: 3_000, marginMs: 1_000 },
  ...{ staleRingingMs: 300_000, staleAnsweredMs: 14_400_000, lossWindowMs: 300_000 },
};
const CALLS = 2_000;
const UNTIL = Date.UTC(2026, 2, 8);
const SEEDING = { calls: CALLS, seed: 'a', from: UNTIL - 7 * 86_400_000, until: UNTIL };

let database: TestDatabase;
let pool: pg.Pool;
let prisma: PrismaClient;

beforeAll(async () => {
  database = await testDatabase();
  pool = testPool(database);
  prisma = testPrisma(database);
  await seedLedger(new PgSeedStore(prisma), SEEDING, SETTINGS);
}, 60_000);
afterAll(async () => {
  await prisma.$disconnect();
  await pool.end();
  await database.close();
});

async function one(sql: string): Promise<unknown> {
  const { rows } = await pool.query<Record<string, unknown>>(sql);
  return rows[0];
}

/** All that the calls say, as one text. */
const DIGEST = `select md5(string_agg((to_jsonb(call) - 'changed_tx')::text, ',' order by id)) as digest from call`;

test('a rebuild of a seeded ledger corrects nothing', async () => {
  const clock = { now: (): number => UNTIL };
  const ledger = new PgLedgerStore(prisma, clock);
  const done = await rebuildLedger(new PgRebuildStore(prisma), ledger, SETTINGS, UNTIL);
  expect(done).toEqual({ keys: CALLS, changed: 0, skipped: 0 });
}, 60_000);

test('the calls are of every kind, most of them settled', async () => {
  const kinds = await one(`select count(*)::int as calls,
    count(*) filter (where settled) > ${String(CALLS * 0.95)} as settled,
    count(*) filter (where state <> 'ended') between 5 and 50 as active,
    bool_or(disposition = 'unknown') as unknown, bool_or(disposition_basis = 'proven') as proven,
    bool_or(disposition_basis = 'inferred') as inferred, bool_or(end_provenance = 'presumed') as presumed,
    bool_or(duplicate_count > 0) as copied, count(distinct menu_id)::int as menus, count(distinct source_key)::int as sources
    from call`);
  const all = {
    settled: true,
    active: true,
    unknown: true,
    proven: true,
    inferred: true,
    presumed: true,
    copied: true,
  };
  expect(kinds).toEqual({ ...all, calls: CALLS, menus: 10, sources: 4 });
  expect(await one(`select count(*) > 10 as gaps from gap where status in ('open', 'lost')`)).toEqual({ gaps: true });
  expect(await one('select count(*)::int as told from call_change')).toEqual({ told: CALLS });
});

test('the same seed gives the same history, and --force begins anew', async () => {
  const store = new PgSeedStore(prisma);
  const before = await one(DIGEST);
  expect(await store.isEmpty()).toBe(false);
  await store.empty();
  expect(await store.isEmpty()).toBe(true);
  await seedLedger(store, SEEDING, SETTINGS);
  expect(await one(DIGEST)).toEqual(before);
}, 60_000);
