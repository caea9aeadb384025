/** The contract of the ledger (ledger-contract.ts), held by PostgreSQL and by memory alike. */
import type pg from 'pg';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { PgLedgerStore } from '../../src/store/ledger/ledger.js';
import { PgQuarantineStore } from '../../src/store/ledger/quarantine.js';
import { PgSweepStore } from '../../src/store/sweep/sweep.js';
import { EPOCH } from '../support/arrivals.js';
import { testDatabase, testPool, testPrisma, type TestDatabase } from '../support/database.js';
import { MemoryStore } from '../support/memory-store.js';
import type { Stores } from './ledger-contract.kit.js';
import { ledgerContract } from './ledger-contract.js';

let database: TestDatabase;
let prisma: PrismaClient;
let pool: pg.Pool;

beforeAll(async () => {
  database = await testDatabase();
  prisma = testPrisma(database);
  pool = testPool(database);
});

afterAll(async () => {
  await prisma.$disconnect();
  await pool.end();
  await database.close();
});

/** The three stores as one, as memory is. */
function postgres(): Stores['store'] {
  const ledger = new PgLedgerStore(prisma, { now: () => EPOCH });
  const quarantine = new PgQuarantineStore(prisma);
  return Object.assign(new PgSweepStore(prisma), {
    commit: ledger.commit.bind(ledger),
    add: ledger.add.bind(ledger),
    keep: quarantine.keep.bind(quarantine),
  });
}

/** Rows of a table as arrays. */
async function rows<Row extends readonly unknown[]>(columns: string, from: string): Promise<Row[]> {
  const { rows: found } = await pool.query<{ row: Row }>(`select json_build_array(${columns}) as row from ${from}`);
  return found.map(({ row }) => row);
}

ledgerContract('PostgreSQL', async () => {
  await pool.query(
    'truncate call, call_change, call_superseded, call_evidence, notification, gap, quarantine, outage, overflow, loss_window, receiver, source, settings',
  );
  return {
    store: postgres(),
    addSource: async (key) => {
      await pool.query('insert into source (key, name, addresses, created_at) values ($1, $1, array[$1], now())', [
        key,
      ]);
    },
    pin: async (key) => {
      await pool.query('update source set meaning_pinned = true where key = $1', [key]);
    },
    calls: () => rows('call_id, state, settled, revision', 'call order by call_id, id'),
    changes: () =>
      rows(
        "call_id, revision, state, case when superseded then 'superseded' when settled then 'settled' else '' end",
        'call_change order by tx, call_id, superseded, id, revision',
      ),
    gaps: () =>
      rows(`detail, status, (extract(epoch from closed_at) * 1000)::bigint - ${String(EPOCH)}`, 'gap order by detail'),
    estimates: () => rows('detail, status, estimated_lost', 'gap order by detail'),
    quarantined: () => rows('detail, copies', 'quarantine order by received_at, id'),
  };
});

ledgerContract('memory', () => {
  const store = new MemoryStore();
  const byFirst = (a: readonly [string, ...unknown[]], b: readonly [string, ...unknown[]]): number =>
    a[0] < b[0] ? -1 : Number(a[0] > b[0]);
  return Promise.resolve({
    store,
    addSource: (key) => {
      store.addSource(key);
      return Promise.resolve();
    },
    pin: (key) => {
      store.pin(key, 'per_call');
      return Promise.resolve();
    },
    calls: () =>
      Promise.resolve(
        [...store.calls.values()]
          .map(({ record, revision }) => [record.callId, record.state, record.settled, revision] as const)
          .sort(byFirst),
      ),
    changes: () =>
      Promise.resolve(
        store.changes.map(({ record, revision, superseded }) => {
          const last = superseded ? 'superseded' : record.settled ? 'settled' : '';
          return [record.callId, revision, record.state, last] as const;
        }),
      ),
    gaps: () =>
      Promise.resolve(
        [...store.gaps.values()]
          .map(({ detail, status, closedAt }) => {
            return [detail, status, closedAt === null ? null : closedAt - EPOCH] as const;
          })
          .sort(byFirst),
      ),
    estimates: () =>
      Promise.resolve(
        [...store.gaps.values()]
          .map(({ detail, status, estimatedLost }) => [detail, status, estimatedLost] as const)
          .sort(byFirst),
      ),
    quarantined: () =>
      Promise.resolve(
        [...store.quarantined.values()]
          .sort((a, b) => a.receivedAt - b.receivedAt)
          .map(({ detail, copies }) => [detail, copies] as const),
      ),
  });
});
