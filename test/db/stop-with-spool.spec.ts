/** Guards against: a receiver that stops with acked arrivals in its spool and says that all is durable. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Spool } from '../../src/ingest/spool/spool.js';
import { Standby } from '../../src/ingest/spool/standby.js';
import { buryFormer, lastWord } from '../../src/main.spool.js';
import { Tally } from '../../src/metrics.js';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { PgSweepStore } from '../../src/store/sweep/sweep.js';
import { Bench } from '../spool/kit.js';
import { arrival, EPOCH } from '../support/arrivals.js';
import { type TestDatabase, testDatabase, testPrisma } from '../support/database.js';

const ONE = '00000000-0000-4000-8000-000000000001';
const TWO = '00000000-0000-4000-8000-000000000002';
/** More than the drain has under way at once. */
const ARRIVALS = 400;

let database: TestDatabase;
let prisma: PrismaClient;
let store: PgSweepStore;
let bench: Bench;

beforeAll(async () => {
  database = await testDatabase();
  prisma = testPrisma(database);
  store = new PgSweepStore(prisma);
}, 60_000);
afterAll(async () => {
  await prisma.$disconnect();
  await database.close();
}, 20_000);
beforeEach(async () => {
  bench = new Bench();
  await prisma.$executeRaw`truncate receiver`;
});
afterEach(() => {
  bench.close();
});

function standbyOver(spool: Spool): Standby {
  const quiet = { tally: new Tally(), onMove: () => undefined, onFault: () => undefined };
  return new Standby({ spool, clock: { now: () => bench.now }, afterMs: 1_000, ...quiet });
}

/** A receiver that beat when it had spooled what came in since, and drains while it stops. */
async function stopped(spooled: number, servedUntil: number | null): Promise<void> {
  const spool = await bench.open();
  if (spooled > 0) {
    await spool.keep(Array.from({ length: spooled }, (_, index) => arrival(String(index), '1', 'ok', 500)));
  }
  const standby = standbyOver(spool);
  standby.start({
    commit: async (arrivals) => {
      await sleep(100);
      return arrivals.map(() => ({ stored: true, outcome: 'first' as const }));
    },
    ...{ quarantine: () => Promise.resolve(true), onFact: () => Promise.resolve() },
    ...{ probe: () => Promise.resolve(), hasOverdue: () => false },
  });
  expect(standby.isAway()).toBe(false);
  await store.beat(ONE, EPOCH + 1_000, standby.durableThrough(EPOCH + 1_000) - 1);
  bench.now = EPOCH + 1_200;
  const own = { id: ONE, database: { client: prisma }, sweepStore: store, clock: { now: () => bench.now } };
  await lastWord(standby, own, servedUntil);
  expect(standby.state().depth > 0).toBe(spooled > 0);
  await standby.stop();
}

test('W waits for what is in the spool, for as long as it does for a receiver that was killed', async () => {
  await stopped(ARRIVALS, EPOCH + 900);
  expect((await store.beat(TWO, EPOCH + 1_300, EPOCH + 1_299)).through).toBe(EPOCH + 499);
  expect((await store.beat(TWO, EPOCH + 10_900, EPOCH + 10_899)).through).toBe(EPOCH + 10_899);
});

test('the next start buries it where it stopped reading, and has no doubt that nobody serves', async () => {
  await stopped(ARRIVALS, EPOCH + 900);
  expect(await store.lastSigns(TWO, EPOCH + 1_300)).toEqual({ aliveAt: EPOCH + 900, mayServe: true });
  const standby = standbyOver(await bench.open());
  await buryFormer(standby, { client: prisma });
  expect(await store.lastSigns(TWO, EPOCH + 1_300)).toEqual({ aliveAt: EPOCH + 900, mayServe: false });
  expect(standby.state().recovered).toBeGreaterThan(0);
  await standby.stop();
});

test('with an empty spool it has stopped: W passes at once', async () => {
  await stopped(0, EPOCH + 900);
  expect(await store.lastSigns(TWO, EPOCH + 1_300)).toEqual({ aliveAt: EPOCH + 900, mayServe: false });
  expect((await store.beat(TWO, EPOCH + 1_300, EPOCH + 1_299)).through).toBe(EPOCH + 1_299);
});

test('one that never listened has stopped, whatever an earlier process left', async () => {
  await stopped(ARRIVALS, null);
  expect(await store.lastSigns(TWO, EPOCH + 1_300)).toEqual({ aliveAt: EPOCH + 1_000, mayServe: false });
});
