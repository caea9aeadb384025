import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { migrate } from '../../src/store/migrate.js';
import { startEmbedded } from '../../src/store/embedded/embedded.js';

/** What every worker needs to know of the one cluster of this run. */
export interface TestCluster {
  /** Connection string of the `postgres` database. */
  readonly adminUrl: string;
  readonly template: string;
}

const TEMPLATE = 'ringledger_template';
const WAIT_MS = 60_000;

/**
 * The one PostgreSQL of this Jest run, started by the first test that needs it: runs of pure tests never pay for it. The
 * folder comes from the global set-up, which also stops what runs in it at the end.
 *
 * fsync is off here: no test pulls the plug of the machine, and a killed server loses nothing the kernel was given.
 */
export async function testCluster(): Promise<TestCluster> {
  const folder = process.env.RINGLEDGER_TEST_FOLDER;
  if (folder === undefined)
    throw new Error('Run the tests through jest.config.mjs: its global set-up names the folder.');
  const ready = join(folder, 'cluster.json');
  if (!existsSync(ready)) await once(folder, () => start(folder, ready));
  await until(() => existsSync(ready));
  return JSON.parse(readFileSync(ready, 'utf8')) as TestCluster;
}

/** Runs `work` in the first worker that comes; a directory is the lock, since making one is atomic. */
async function once(folder: string, work: () => Promise<void>): Promise<void> {
  const lock = join(folder, 'starting');
  try {
    mkdirSync(lock);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw error;
  }
  try {
    await work();
  } catch (error) {
    rmSync(lock, { recursive: true });
    throw error;
  }
}

async function start(folder: string, ready: string): Promise<void> {
  const cheap = { wal_level: 'minimal', max_wal_senders: '0', wal_compression: 'off', max_wal_size: '256MB' };
  const settings = { ...cheap, fsync: 'off', full_page_writes: 'off', max_connections: '300', shared_buffers: '64MB' };
  const { url } = await startEmbedded(join(folder, 'data'), { settings });
  const adminUrl = withDatabase(url, 'postgres');
  await adminQuery(adminUrl, `create database ${TEMPLATE}`);
  await migrate(withDatabase(url, TEMPLATE));
  const cluster: TestCluster = { adminUrl, template: TEMPLATE };
  const aside = `${ready}.${randomUUID()}`;
  writeFileSync(aside, JSON.stringify(cluster));
  renameSync(aside, ready);
}

/** The same connection string for another database. */
export function withDatabase(url: string, database: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${database}`;
  return parsed.toString();
}

/** One statement on a connection of its own, as DDL on databases wants it. */
export async function adminQuery(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`The test cluster was not ready after ${String(WAIT_MS / 1000)} s.`);
    await sleep(20);
  }
}
