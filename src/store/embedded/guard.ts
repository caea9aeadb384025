import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { isAway } from '../connect.js';

/** Our own connection to the server: it holds the lock of who answers for it, and its end is how we hear that it is gone. */
export interface Guard {
  /** Whether this process answers for the server. */
  readonly owner: boolean;
  /** Resolves when the connection ends, whoever ended it. */
  readonly ended: Promise<void>;
  end(): Promise<void>;
}

/** Advisory lock, in the `postgres` database, of the process that answers for the server; it ends with its connection. */
const OWNER_LOCK = 80_003_000;
/** A killed owner's connection is noticed by the server at once; this leaves a loaded machine time for it. */
const OWNER_WAIT_MS = 2_000;
/** A server that recovers from a crash refuses connections until it is done; a busy day's log takes this long at most. */
const RECOVERY_MS = 120_000;
const RETRY_MS = 20;
/** A server that is frozen does not say goodbye. */
const GOODBYE_MS = 1_000;

/**
 * Connects, waiting for a server that still recovers, takes the lock if it is free, and makes `database` where there is none.
 * @throws Error of `pg` when the server refuses for another reason, or for longer
 */
export async function openGuard(url: string, database: string): Promise<Guard> {
  const { client, line } = await connect(url);
  const ended = new Promise<void>((resolve) => client.once('end', resolve));
  try {
    const owner = await takeOwnership(client);
    await ensureDatabase(client, database);
    // Holding the lock is no reason to stay alive.
    line.unref();
    return { owner, ended, end: () => end(client, line) };
  } catch (error) {
    line.destroy();
    throw error;
  }
}

async function connect(url: string): Promise<{ client: pg.Client; line: Socket }> {
  const deadline = Date.now() + RECOVERY_MS;
  for (;;) {
    const line = new Socket();
    const client = new pg.Client({ connectionString: url, application_name: 'ringledger guard', stream: () => line });
    // Its end says all; whoever queries meanwhile hears of it by himself.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return { client, line };
    } catch (error) {
      line.destroy();
      if (!isAway(error) || Date.now() > deadline) throw error;
    }
    await sleep(RETRY_MS);
  }
}

async function end(client: pg.Client, line: Socket): Promise<void> {
  line.ref();
  const timer = setTimeout(() => line.destroy(), GOODBYE_MS);
  await client.end().catch(() => undefined);
  clearTimeout(timer);
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

async function ensureDatabase(client: pg.Client, database: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [database]);
  if (rowCount !== 0) return;
  try {
    await client.query(`create database ${database}`);
  } catch (error) {
    // Two starts at once may both find it missing.
    const { code } = error as { code?: string };
    if (code !== '42P04' && code !== '23505') throw error;
  }
}
