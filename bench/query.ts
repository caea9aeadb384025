/**
 * How long reads take on a large ledger: `npm run bench:query -- --calls 1000000 [--data <folder>] [--only <text>] [--exports]`; prints the
 * tables of docs/benchmarks.md. A folder given is kept, and used again as it is. `--exports` measures exports and nothing else.
 *
 * Reads are called as the API calls them, with Prisma and PostgreSQL and without HTTP, which adds 1 to 3 ms.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seedLedger } from '../src/cli/seed/seed.js';
import type { PrismaClient } from '../src/generated/prisma/client.js';
import { readActive } from '../src/query/active.js';
import { gapsOf, notificationsOf, readCall } from '../src/query/call.js';
import { readCalls } from '../src/query/calls.js';
import type { CallRow } from '../src/query/contract.js';
import { readFeed } from '../src/query/feed.js';
import { ACTIVE_QUERY, CALLS_QUERY } from '../src/query/filters.js';
import { readParameters } from '../src/query/parameters.js';
import type { Reads } from '../src/query/sql.js';
import { STATISTICS_QUERY } from '../src/query/statistics/contract.js';
import { periodOf, readStatistics } from '../src/query/statistics/read.js';
import { Database } from '../src/store/database.js';
import { startEmbedded } from '../src/store/embedded/embedded.js';

import { FILLING_SETTINGS, LedgerNotEmpty } from '../src/store/seed/seed.js';
import { tellExports } from './exports.js';
import { machine } from './machine.js';
import { Watched } from './plans.js';
import { migrate } from './processes.js';
import { pairs, type Question, type Samples, singles } from './questions.js';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const WARM_UP = 3;
const RUNS = 20;
const LIMIT = 100;
const DEEP_PAGE = 10_000;
const SETTINGS = {
  ...{ retry: 6, intervalMs: 3_000, marginMs: 1_000 },
  ...{ staleRingingMs: 300_000, staleAnsweredMs: 14_400_000, lossWindowMs: 300_000 },
};

interface Options {
  readonly calls: number;
  readonly data: string | null;
  /** Only the pages whose question holds this text. */
  readonly only: string;
  readonly exports: boolean;
}

function optionsOf(args: readonly string[]): Options {
  const valueOf = (name: string): string | null => (args.includes(name) ? (args[args.indexOf(name) + 1] ?? '') : null);
  const calls = Number(valueOf('--calls') ?? '1000000');
  if (!Number.isSafeInteger(calls) || calls < 2_000) throw new Error('--calls takes a number from 2000 on');
  return { calls, data: valueOf('--data'), only: valueOf('--only') ?? '', exports: args.includes('--exports') };
}

async function main({ calls, data, only, exports }: Options): Promise<void> {
  const folder = data ?? mkdtempSync(join(tmpdir(), 'ringledger-bench-'));
  try {
    await fill(folder, calls);
    const cluster = await startEmbedded(folder);
    const database = new Database({ url: cluster.url, connectionsMax: 4, bulk: true });
    try {
      await tellGround(database.client);
      if (exports) await tellExports(database.client, process.cwd(), cluster.url);
      else await measure(database.client, only);
    } finally {
      await database.disconnect();
      await cluster.stop();
    }
  } finally {
    if (data === null) rmSync(folder, { recursive: true, force: true });
  }
}

/** Seeds the ledger in a folder, unless it holds one. */
async function fill(folder: string, calls: number): Promise<void> {
  const cluster = await startEmbedded(folder, { settings: FILLING_SETTINGS });
  try {
    await migrate(process.cwd(), cluster.url);
    const until = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
    const startedAt = performance.now();
    await seedLedger(cluster.url, { calls, seed: '1', from: until - 30 * DAY_MS, until }, SETTINGS);
    console.log(`Seeded ${String(calls)} calls in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s.`);
  } catch (error) {
    if (!(error instanceof LedgerNotEmpty)) throw error;
  } finally {
    await cluster.stop();
  }
}

/** The instant the seeded receiver stopped at: now, as far as the ledger knows. */
async function nowOf(prisma: PrismaClient): Promise<number> {
  const [row] = await prisma.$queryRaw<{ now: number }[]>`
    select extract(epoch from max(durable_through))::float8 * 1000 as now from receiver`;
  return row?.now ?? Date.now();
}

/** A call in the middle of the history, in time, and the day before it. */
async function samplesOf(prisma: PrismaClient): Promise<Samples> {
  const [row] = await prisma.$queryRaw<(Omit<Samples, 'day'> & { readonly at: Date })[]>`
    select id, call_id as "callId", caller_number as caller, callee_number as callee, forward_number as forward, first_seen_at as at from call
    where settled and forward_number is not null and caller_number is not null and first_seen_at < (
      select min(first_seen_at) + (max(first_seen_at) - min(first_seen_at)) / 2 from call_settled)
    order by first_seen_at desc limit 1`;
  if (row === undefined) throw new Error('there is no settled call to take samples from');
  const { at, ...sample } = row;
  const from = Math.floor(at.getTime() / DAY_MS) * DAY_MS - DAY_MS;
  return { ...sample, day: { from: new Date(from).toISOString(), to: new Date(from + DAY_MS).toISOString() } };
}

async function measure(prisma: PrismaClient, only: string): Promise<void> {
  const watched = new Watched(prisma);
  const now = await nowOf(prisma);
  const samples = await samplesOf(prisma);
  console.log(
    '\n| asked | rows | first page p50 / p95 ms | deep page p50 / p95 ms | limit ms | |\n|---|---|---|---|---|---|',
  );
  const asked = [...singles(samples), ...pairs(samples)].filter((one) => JSON.stringify(one.asked).includes(only));
  for (const question of asked) await askPage(watched, prisma, question);
  console.log('\n| asked | p50 / p95 ms | limit ms | |\n|---|---|---|---|');
  const single = (name: string, limitMs: number, ask: (db: Reads) => Promise<unknown>): Promise<void> =>
    askOne(watched, name, limitMs, ask);
  await single('calls/{id}', 10, async (db) => {
    await readCall(db, samples.id);
    await Promise.all([notificationsOf(db, [samples.id], 19_000), gapsOf(db, [samples.id])]);
  });
  const active = readParameters(ACTIVE_QUERY, {});
  await single('active calls (first 100) and their count', 10, (db) => readActive(db, active, now));
  const ever = { from: null, to: null, sources: null };
  await single('the feed of each source, told with a list of any time', 10, (db) => readFeed(db, ever, now));
  const ofDay = { from: Date.parse(samples.day.from), to: Date.parse(samples.day.to), sources: null };
  await single('the same, of a day', 10, (db) => readFeed(db, ofDay, now));
  const day = { ...readParameters(STATISTICS_QUERY, { ...samples.day, groupBy: 'menu', bucket: 'hour' }) };
  const counted = { ...day, ...periodOf(day, now) };
  await single('statistics of a day by hour and menu', 200, (db) => readStatistics(db, counted, SETTINGS, now));
  for (const count of ['estimate', 'exact']) {
    const query = readParameters(CALLS_QUERY, { ...samples.day, count });
    await single(`calls of a day with count=${count}`, count === 'exact' ? 300 : 20, (db) => readCalls(db, query));
  }
  await watched.tellSequential(samples.day);
  await watched.tellSlowest(3);
}

async function askPage(watched: Watched, prisma: PrismaClient, { asked, limitMs }: Question): Promise<void> {
  const query = readParameters(CALLS_QUERY, { ...asked, limit: String(LIMIT) });
  const name = JSON.stringify(asked);
  const page = await readCalls(prisma, query);
  const first = await timed(watched, `${name}, first page`, (db) => readCalls(db, query));
  const row = await deepRow(prisma, query.sort);
  const deepQuery = { ...query, cursor: page.cursorOf(row) };
  const deep = await timed(watched, `${name}, deep page`, (db) => readCalls(db, deepQuery));
  const verdict = Math.max(first.p95, deep.p95) <= limitMs ? '' : 'over';
  console.log(
    `| ${name} | ${String(page.data.length)} | ${first.told} | ${deep.told} | ${String(limitMs)} | ${verdict} |`,
  );
}

async function askOne(
  watched: Watched,
  name: string,
  limitMs: number,
  ask: (db: Reads) => Promise<unknown>,
): Promise<void> {
  const { p95, told } = await timed(watched, name, ask);
  console.log(`| ${name} | ${told} | ${String(limitMs)} | ${p95 <= limitMs ? '' : 'over'} |`);
}

/** The row that the 10,000th page of a sort begins after, or the one in the middle where there are fewer pages. */
async function deepRow(prisma: PrismaClient, sort: string): Promise<CallRow> {
  const column = { firstSeenAt: 'first_seen_at', endedAt: 'coalesce(ended_at, presumed_ended_at)', talkMs: 'talk_ms' };
  const key = column[sort.replace('-', '') as keyof typeof column];
  const way = sort.startsWith('-') ? 'desc' : 'asc';
  const [row] = await prisma.$queryRawUnsafe<CallRow[]>(
    `select id, first_seen_at as "firstSeenAt", ended_at as "endedAt", presumed_ended_at as "presumedEndedAt",
       talk_ms::float8 as "talkMs"
     from call where ${key} is not null order by ${key} ${way}, id ${way}
     offset (select least(${String(DEEP_PAGE * LIMIT)}, count(*) / 2) from call where ${key} is not null) limit 1`,
  );
  if (row === undefined) throw new Error(`there is no page to go to by ${sort}`);
  return row;
}

interface Times {
  readonly p95: number;
  readonly told: string;
}

async function timed(watched: Watched, name: string, ask: (db: Reads) => Promise<unknown>): Promise<Times> {
  const { reads, done } = watched.begin(name);
  const times: number[] = [];
  for (let run = 0; run < WARM_UP + RUNS; run += 1) {
    const startedAt = performance.now();
    await ask(reads);
    if (run >= WARM_UP) times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  const quantile = (share: number): number => times[Math.ceil(times.length * share) - 1] ?? Number.NaN;
  done(quantile(0.5));
  return { p95: quantile(0.95), told: `${quantile(0.5).toFixed(1)} / ${quantile(0.95).toFixed(1)}` };
}

async function tellGround(prisma: PrismaClient): Promise<void> {
  const [row] = await prisma.$queryRaw<Record<string, string>[]>`
    select count(*)::text as calls, (count(*) filter (where not settled))::text as unsettled,
      (count(*) filter (where state <> 'ended'))::text as active, (select count(*)::text from notification) as notifications,
      (select count(*)::text from gap) as gaps, pg_size_pretty(pg_database_size(current_database())) as size,
      pg_size_pretty(pg_indexes_size('call_settled')) as "indexes of history" from call`;
  const facts = Object.entries(row ?? {}).map(([name, value]) => `${value} ${name}`);
  console.log(`${machine()}: ${facts.join(', ')}; ${String(RUNS)} runs each.`);
}

await main(optionsOf(process.argv.slice(2)));
