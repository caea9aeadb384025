import { mkdirSync } from 'node:fs';
import { Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Account, chooseAccount, OUTSIDE_HOME, placeBinaries, placeCluster } from './account.js';
import { findBinaries } from './binaries.js';
import { createCluster, EMBEDDED_NAME, ensureRunning, stopServer } from './cluster.js';

/** A running embedded PostgreSQL. */
export interface Embedded {
  /** Connection string of the ledger's database, over a Unix socket only the owner of the data folder can reach. */
  readonly url: string;
  /**
   * Whether this process answers for the server. False when another application does already: then `stop` leaves the
   * server alone, and an application that serves should refuse to start.
   */
  readonly owner: boolean;
  /** Stops the server, if owned; call it last, when everything that writes has drained. */
  stop(): Promise<void>;
}

/** What tests vary; the defaults are the product's. */
export interface EmbeddedOptions {
  readonly account?: Account;
  /** Where the `copy` account puts what it cannot reach. */
  readonly outsideHome?: string;
  /** Server settings that override those in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Advisory lock, in the `postgres` database, of the process that answers for the server; it ends with its connection. */
const OWNER_LOCK = 80_003_000;
/** A killed owner's connection is noticed by the server at once; this leaves a loaded machine time for it. */
const OWNER_WAIT_MS = 2_000;

/**
 * Runs PostgreSQL from the installed packages on `<dataDir>/postgres`, creating it at the first start.
 *
 * The server outlives a `kill -9` of this process; the next start on the same folder adopts it. It listens on a Unix
 * socket in a 0700 folder and nowhere else, so it needs no password and none is stored.
 *
 * @throws Error with a sentence for the operator: no package for this platform, a full disk, data that cannot be entered.
 */
export async function startEmbedded(dataDir: string, options: EmbeddedOptions = {}): Promise<Embedded> {
  const folder = resolve(dataDir);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const outsideHome = options.outsideHome ?? OUTSIDE_HOME;
  const account = options.account ?? chooseAccount();
  const binaries = placeBinaries(account, findBinaries(), outsideHome);
  const path = placeCluster(account, folder, outsideHome);
  const cluster = { binaries, account, path, logFile: join(folder, 'postgres.log') };
  await createCluster(cluster);
  const socket = await ensureRunning(cluster, options.settings ?? {});
  const line = new Socket();
  const guard = new pg.Client({ connectionString: urlOf(socket, 'postgres'), stream: () => line });
  // When the server goes first (it is stopped from outside), whoever queries it hears of it; the guard has nothing to add.
  guard.on('error', () => undefined);
  await guard.connect();
  const owner = await takeOwnership(guard);
  await ensureDatabase(guard);
  if (!owner) await guard.end();
  // Holding the lock is no reason to stay alive.
  line.unref();
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    if (!owner) return;
    line.ref();
    await guard.end().catch(() => undefined);
    await stopServer(path);
  };
  return { url: urlOf(socket, EMBEDDED_NAME), owner, stop: () => (stopped ??= stop()) };
}

/** libpq and node-postgres both read `host` as the socket's folder. */
function urlOf(socket: string, database: string): string {
  return `postgresql://${EMBEDDED_NAME}@localhost/${database}?host=${encodeURIComponent(socket)}`;
}

async function takeOwnership(client: pg.Client): Promise<boolean> {
  const deadline = Date.now() + OWNER_WAIT_MS;
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [OWNER_LOCK]);
    if (rows[0]?.taken === true) return true;
    if (Date.now() > deadline) return false;
    await sleep(50);
  }
}

async function ensureDatabase(client: pg.Client): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [EMBEDDED_NAME]);
  if (rowCount !== 0) return;
  try {
    await client.query(`create database ${EMBEDDED_NAME}`);
  } catch (error) {
    // Two starts at once may both find it missing.
    const { code } = error as { code?: string };
    if (code !== '42P04' && code !== '23505') throw error;
  }
}
