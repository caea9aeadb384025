/** Beats and facts of the feed before a database that is slow: at the start they wait, later the spool has them and W waits. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type FeedStore, SpooledFeedStore, writeFact } from '../../src/ingest/spool/feed-store.js';
import type { Spool } from '../../src/ingest/spool/spool.js';
import { Standby } from '../../src/ingest/spool/standby.js';
import type { Overflow } from '../../src/ingest/sweep/sweep.ports.js';
import { Tally } from '../../src/metrics.js';
import { RowRejected, StoreUnavailable } from '../../src/ingest/ports.js';
import { EPOCH } from '../support/arrivals.js';
import { Bench } from './kit.js';

const AFTER_MS = 20;
const SLOW_MS = 100;
const FORMER_AT = EPOCH - 60_000;
const OVERFLOW: Overflow = {
  sourceKey: 'ivr',
  reason: 'queue_full',
  from: EPOCH + 500,
  to: EPOCH + 900,
  dropped: 3,
  received: 4,
};

const NO_GAPS = {
  outage: () => {
    throw new Error('no source asked for');
  },
  overflow: () => [],
};

let bench: Bench;
let spool: Spool;
let standby: Standby;
let slow: boolean;
const written: string[] = [];
const moves: string[] = [];

/** Gives W as it was told to. */
const database: FeedStore = {
  lastSigns: async () => {
    if (slow) await sleep(SLOW_MS);
    return { aliveAt: FORMER_AT, mayServe: false };
  },
  beat: async (_id, now, durableThrough) => {
    if (slow) await sleep(SLOW_MS);
    written.push(`beat ${String(now - EPOCH)} through ${String(durableThrough - EPOCH)}`);
    return { through: durableThrough, othersAliveAt: FORMER_AT };
  },
  declareOutage: async () => {
    if (slow) await sleep(SLOW_MS);
    written.push('outage');
  },
  declareOverflow: async () => {
    if (slow) await sleep(SLOW_MS);
    written.push('overflow');
  },
};

beforeEach(async () => {
  bench = new Bench();
  spool = await bench.open();
  moves.length = 0;
  standby = new Standby({
    ...{ spool, clock: { now: () => bench.now }, afterMs: AFTER_MS, tally: new Tally() },
    onMove: (text) => moves.push(text),
    onFault: (text) => bench.faults.push(text),
  });
  written.length = 0;
  slow = false;
});

afterEach(async () => {
  await standby.stop();
  bench.close();
});

/** `onFact`: what the drain does with a fact. */
function start(onFact: () => Promise<void>): void {
  standby.start({
    ...{ commit: () => Promise.resolve([]), quarantine: () => Promise.resolve(true), onFact },
    ...{ probe: () => Promise.resolve(), hasOverdue: () => false },
  });
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

test('the first beat of a start is waited for, so that it tells since when nobody served', async () => {
  slow = true;
  const feed = new SpooledFeedStore(database, standby);
  expect(await feed.lastSigns('r', EPOCH)).toEqual({ aliveAt: FORMER_AT, mayServe: false });
  expect(await feed.beat('r', EPOCH, EPOCH)).toEqual({ through: EPOCH, othersAliveAt: FORMER_AT });
  await feed.declareOutage('r', { from: FORMER_AT, to: EPOCH, stoodStill: false }, () => {
    throw new Error('no source asked for');
  });
  expect(written).toEqual(['beat 0 through 0', 'outage']);
  expect(spool.isEmpty()).toBe(true);
});

test('what a slow database is told late goes to the spool, and W waits for it there', async () => {
  const feed = new SpooledFeedStore(database, standby);
  await feed.beat('r', EPOCH, EPOCH);
  let drain = (): void => undefined;
  const drained = new Promise<void>((resolve) => (drain = resolve));
  start(() => drained);
  slow = true;
  await feed.declareOverflow('r', [OVERFLOW], () => []);
  expect(spool.oldestAt()).toBe(OVERFLOW.from);
  await sleep(SLOW_MS);
  slow = false;
  expect((await feed.beat('r', EPOCH + 1_000, EPOCH + 999)).through).toBe(OVERFLOW.from - 1);
  drain();
  await until(() => spool.isEmpty());
  expect((await feed.beat('r', EPOCH + 2_000, EPOCH + 1_999)).through).toBe(EPOCH + 1_999);
});

test.each([
  ['of an unknown name', (name: string) => writeFact(database, { name, value: {}, from: EPOCH }, NO_GAPS)],
  ['that PostgreSQL refuses', () => Promise.reject(new RowRejected('PostgreSQL refused a row (22008)'))],
])('a fact %s is said, counted and passed over: the circuit stays as it is', async (_what, onFact) => {
  await spool.keepFact({ name: 'weather', value: 'rain', from: EPOCH });
  start(() => onFact('weather'));
  await until(() => spool.isEmpty());
  expect(spool.state().corrupt).toBe(1);
  expect(bench.faults).toEqual([expect.stringMatching(/^A fact in the spool can never be stored/)]);
  expect(moves.filter((text) => text.includes('kept in the spool'))).toEqual([]);
});

test('a fact that finds the database away waits for it', async () => {
  await spool.keepFact({ name: 'outage', value: {}, from: EPOCH });
  start(() => Promise.reject(new StoreUnavailable('the database is not available (57P01)')));
  await until(() => standby.isAway());
  expect(spool.isEmpty()).toBe(false);
  expect([spool.state().corrupt, bench.faults]).toEqual([0, []]);
});
