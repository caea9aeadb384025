/**
 * How many notifications a second are durable and acked: this product, a naive receiver and PostgreSQL alone, in one run
 * on one cluster with fsync and synchronous_commit on. `npm run bench:ingest`; prints the tables of docs/benchmarks.md.
 *
 * `npm run bench:ingest -- --ledger <folder>` compares the product on a large ledger (a folder of `npm run bench:query`, to which it
 * adds calls) with the product on an empty one of the same server, in turn.
 *
 * Compare the ratios: generator, receiver and PostgreSQL share the machine's cores. Nothing else should run on it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { startEmbedded } from '../src/store/embedded/embedded.js';
import type { Offered } from './generator.js';
import { machine, whole } from './machine.js';
import { postgresAlone } from './postgres-alone.js';
import { cpuMsOf, migrate, offer, type Receiver, startNaive, startProduct } from './processes.js';

const WINDOWS = [64, 256, 1_024];
const RATES = [500, 2_000, 5_000, 10_000];
const ALONE_NOTIFICATIONS = 60_000;
const LEDGER_WINDOWS = [64, 256];
const LEDGER_ROUNDS = 2;
/** Idle: less than so much of a core, within so long. */
const IDLE_SHARE = 0.1;
const IDLE_LOOK_MS = 5_000;
const IDLE_WITHIN_MS = 300_000;

interface Options {
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Folder of a large ledger; null: the tables of the documentation. */
  readonly ledger: string | null;
}

/** `--seconds 5` shortens every measurement, for a look; the tables in the documentation use the default. */
function optionsOf(args: readonly string[]): Options {
  const at = args.indexOf('--seconds');
  const seconds = at < 0 ? 10 : Number(args[at + 1]);
  if (!(seconds > 0)) throw new Error('--seconds takes a number of seconds');
  const ledger = args.includes('--ledger') ? (args[args.indexOf('--ledger') + 1] ?? '') : null;
  return { warmUpMs: seconds * 500, measureMs: seconds * 1_000, ledger };
}

async function main(root: string, options: Options): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ringledger-bench-'));
  const cluster = await startEmbedded(folder);
  try {
    const [product, naive, alone] = await Promise.all(
      ['bench_product', 'bench_naive', 'bench_alone'].map((name) => createDatabase(cluster.url, name)),
    );
    if (product === undefined || naive === undefined || alone === undefined) throw new Error('no databases');
    for (const url of [product, alone]) await migrate(root, url);
    await preparePartition(alone);
    tellMachine(options);
    await compareWindows(root, { product, naive, alone }, options);
    await offerRates(root, product, options);
    await tellStored(product);
  } finally {
    await cluster.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The product on an empty ledger and on a large one, in turn, so that what else the machine does disturbs both alike. */
async function compareLedgers(root: string, folder: string, options: Options): Promise<void> {
  const cluster = await startEmbedded(folder);
  try {
    const empty = await createDatabase(cluster.url, `bench_${Date.now().toString(36)}`);
    await migrate(root, empty);
    tellMachine(options);
    await untilIdle(root, cluster.url);
    console.log(
      '\n| outstanding | empty /s | p50 / p99 ms | large /s | p50 / p99 ms | large of empty |\n|---|---|---|---|---|---|',
    );
    for (const window of LEDGER_WINDOWS) {
      for (let round = 0; round < LEDGER_ROUNDS; round++) {
        const on = async (url: string): Promise<Offered> =>
          (await measured(await startProduct(root, url), { window, rate: null }, options)).offered;
        const [small, large] = [await on(empty), await on(cluster.url)];
        const told = [small, large].map(
          ({ perSecond, p50Ms, p99Ms }) => `${whole(perSecond)} | ${ms(p50Ms)} / ${ms(p99Ms)}`,
        );
        console.log(`| ${String(window)} | ${told.join(' | ')} | ${(large.perSecond / small.perSecond).toFixed(2)} |`);
      }
    }
    await dropDatabase(cluster.url, empty);
  } finally {
    await cluster.stop();
  }
}

/** A ledger that nobody served for long has much to sweep, which is done before anything is measured. */
async function untilIdle(root: string, url: string): Promise<void> {
  const product = await startProduct(root, url);
  const deadline = performance.now() + IDLE_WITHIN_MS;
  for (let before = cpuMsOf(product.pid); performance.now() < deadline;) {
    await sleep(IDLE_LOOK_MS);
    const now = cpuMsOf(product.pid);
    if (now === null || before === null || now - before < IDLE_LOOK_MS * IDLE_SHARE) break;
    before = now;
  }
  await product.stop();
}

async function compareWindows(
  root: string,
  urls: { readonly product: string; readonly naive: string; readonly alone: string },
  options: Options,
): Promise<void> {
  console.log(
    '\n| outstanding | product /s | p50 / p99 ms | naive /s | ratio | PostgreSQL alone /s | of the limit | MB |',
  );
  console.log('|---|---|---|---|---|---|---|---|');
  for (const window of WINDOWS) {
    const ours = await measured(await startProduct(root, urls.product), { window, rate: null }, options);
    const theirs = await measured(await startNaive(urls.naive), { window, rate: null }, options);
    // Two batches are under way at a time, and together they hold what is outstanding.
    const limit = await postgresAlone(urls.alone, Math.min(512, window / 2), 2, ALONE_NOTIFICATIONS);
    const { perSecond, p50Ms, p99Ms } = ours.offered;
    console.log(
      `| ${String(window)} | ${whole(perSecond)} | ${ms(p50Ms)} / ${ms(p99Ms)} | ${whole(theirs.offered.perSecond)} ` +
        `| ${(perSecond / theirs.offered.perSecond).toFixed(1)} | ${whole(limit)} ` +
        `| ${(perSecond / limit).toFixed(2)} | ${String(ours.peakMb ?? '?')} |`,
    );
  }
}

async function offerRates(root: string, url: string, options: Options): Promise<void> {
  console.log(
    '\n| offered /s | acked /s | p50 ms | p95 ms | p99 ms | sent again | MB |\n|---|---|---|---|---|---|---|',
  );
  for (const rate of RATES) {
    const { offered, peakMb } = await measured(await startProduct(root, url), { window: null, rate }, options);
    const { perSecond, p50Ms, p95Ms, p99Ms, resent } = offered;
    console.log(
      `| ${String(rate)} | ${whole(perSecond)} | ${ms(p50Ms)} | ${ms(p95Ms)} | ${ms(p99Ms)} ` +
        `| ${String(resent)} | ${String(peakMb ?? '?')} |`,
    );
  }
}

async function measured(
  receiver: Receiver,
  kind: { readonly window: number | null; readonly rate: number | null },
  options: Options,
): Promise<{ readonly offered: Offered; readonly peakMb: number | null }> {
  const run = Date.now().toString(36);
  const offered = await offer({ port: receiver.port, ...kind, ...options, run });
  if (offered.unacked > 0) console.log(`(${String(offered.unacked)} notifications were never acked)`);
  const peakMb = receiver.peakMb();
  await receiver.stop();
  return { offered, peakMb };
}

/** Every stored notification is in its call's record: nothing lags behind the ack. */
async function tellStored(url: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  const { rows } = await pool.query<{ raw: string; recorded: string }>(
    `select (select count(*) from notification) as raw, (select sum(notification_count) from call) as recorded`,
  );
  await pool.end();
  console.log(`\nNotifications stored: ${String(rows[0]?.raw)}; in call records: ${String(rows[0]?.recorded)}.`);
}

async function dropDatabase(url: string, database: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`drop database ${new URL(database).pathname.slice(1)}`);
  await client.end();
}

async function createDatabase(url: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  const made = new URL(url);
  made.pathname = `/${name}`;
  return made.href;
}

/** The product makes its partitions when it starts; PostgreSQL alone needs one as well. */
async function preparePartition(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    `create table bench_days partition of notification for values from ('2000-01-01') to ('2100-01-01')`,
  );
  await client.end();
}

function tellMachine({ measureMs }: Options): void {
  console.log(`${machine()}, ${String(measureMs / 1_000)} s per figure after half as long a warm-up.`);
}

function ms(value: number): string {
  return value.toFixed(1);
}

const args = process.argv.slice(2);
const options = optionsOf(args);
await (options.ledger === null ? main(process.cwd(), options) : compareLedgers(process.cwd(), options.ledger, options));
