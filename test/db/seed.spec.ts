/** Made-up history is what the product would have written of it: seeds of `ringledger seed` and `npm run bench:query`. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type pg from 'pg';
import { foldBlock } from '../../src/cli/seed/fold-block.js';
import { lastWindow, seedLedger } from '../../src/cli/seed/seed.js';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { rebuildLedger } from '../../src/ingest/rebuild/rebuild.js';
import type { Settings } from '../../src/notification.js';
import { readChanges } from '../../src/query/changes/changes.js';
import { keepOnce } from '../../src/store/bi/keeper.js';
import { PgLedgerStore } from '../../src/store/ledger/ledger.js';
import { PgRebuildStore } from '../../src/store/ledger/rebuild.js';
import type { SeedBlock } from '../../src/store/seed/seed-rows.js';
import { isEmptyLedger, LedgerNotEmpty } from '../../src/store/seed/seed.js';
import { schemaSql } from '../support/contract.js';
import { type TestDatabase, testDatabase, testPool, testPrisma } from '../support/database.js';
import { neighboursDone } from '../support/neighbours.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
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
  await seedLedger(database.url, SEEDING, SETTINGS);
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
  const before = await one(DIGEST);
  expect(await isEmptyLedger(prisma)).toBe(false);
  await expect(seedLedger(database.url, SEEDING, SETTINGS)).rejects.toThrow(LedgerNotEmpty);
  await seedLedger(database.url, SEEDING, SETTINGS, { force: true });
  expect(await one(DIGEST)).toEqual(before);
}, 60_000);

test('a seeded ledger has the tables and indexes of every other', async () => {
  expect(await schemaSql(pool)).toBe(await readFile(`${ROOT}contract/schema.sql`, 'utf8'));
});

test('the hours of a seeded ledger are counted, and its changes are told in the order of their writes', async () => {
  const counted = await one('select sum(calls)::int as calls from call_hour');
  expect(counted).toEqual({ calls: CALLS });
  await neighboursDone(pool);
  const later = await one(
    'select max(tx) < (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint + ahead from change_base) as told from call_change',
  );
  expect(later).toEqual({ told: true });
  await keepOnce(prisma, () => UNTIL);
  expect(await one('select sum(calls)::int as calls from call_hour')).toEqual(counted);
});

test.each([50, 500])('whoever follows its changes by pages of %i is told every settled call once', async (limit) => {
  await neighboursDone(pool);
  const told: string[] = [];
  let after: string | undefined;
  for (let more = true; more;) {
    const page = await readChanges(prisma, { after, limit, settled: true, source: undefined });
    told.push(...page.data.map(({ id, revision }) => `${id} ${String(revision)}`));
    ({ nextCursor: after, more } = page);
  }
  const { rows } = await pool.query<{ told: string }>(
    `select id || ' ' || revision as told from call where settled order by id`,
  );
  expect(told.sort()).toEqual(rows.map((row) => row.told));
});

test('many calls are folded by workers, which make the same of them', async () => {
  const calls = 20_000;
  const many = await testDatabase();
  const manyPool = testPool(many);
  try {
    const asked = ['--calls', String(calls), '--days', '2', '--until', new Date(UNTIL).toISOString(), '--seed', 'b'];
    await promisify(execFile)(process.execPath, ['dist/cli/main.js', 'seed', ...asked], {
      cwd: ROOT,
      env: { ...process.env, DATABASE_URL: many.url },
    });
    const { rows } = await manyPool.query<{ tx: string; ids: readonly string[] }>(
      'select changed_tx as tx, array_agg(id::text order by id) as ids from call group by 1 order by 1',
    );
    const seeding = { calls, seed: 'b', from: UNTIL - 2 * 86_400_000, until: UNTIL };
    const making = { seeding, settings: SETTINGS, window: lastWindow(UNTIL, SETTINGS), firstTx: Number(rows[0]?.tx) };
    const folded = rows.map((_, block) => ({
      tx: String(making.firstTx + block),
      ids: idsOf(foldBlock(making, block)),
    }));
    expect(rows).toEqual(folded);
    expect(rows.flatMap(({ ids }) => ids)).toHaveLength(calls);
  } finally {
    await manyPool.end();
    await many.close();
  }
}, 180_000);

function idsOf({ lines }: SeedBlock): readonly string[] {
  const text = Buffer.from(lines.call).toString();
  return text
    .split('\n')
    .flatMap((line) => line.split(',')[1] ?? [])
    .sort();
}
