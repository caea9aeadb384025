/**
 * The embedded PostgreSQL under an application that goes on: killed, one backend of it killed, frozen, killed while a
 * backend is frozen, killed again and again. Guards against an application that answers 503 until somebody restarts it.
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { type Embedded, startEmbedded } from '../../src/store/embedded/embedded.js';
import { orphansOf } from '../../src/store/embedded/orphans.js';
import { processState, readPostmaster } from '../../src/store/embedded/postmaster.js';
import { until } from '../support/receiver.js';

const SLOW_MS = 60_000;

let folder: string;
let embedded: Embedded;
let told: string[];
let pool: pg.Pool;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringledger-supervisor-'));
  told = [];
  embedded = await startEmbedded(join(folder, 'data'), { tell: (sentence) => told.push(sentence) });
  pool = new pg.Pool({ connectionString: embedded.url });
  pool.on('error', () => undefined);
  await pool.query('create table mark (n integer)');
  await mark();
}, SLOW_MS);

afterEach(async () => {
  await pool.end();
  await embedded.stop();
  rmSync(folder, { recursive: true, force: true });
}, SLOW_MS);

async function mark(): Promise<void> {
  await pool.query('insert into mark values (1)');
}

async function marks(): Promise<number> {
  return (await pool.query('select from mark')).rowCount ?? 0;
}

function cluster(): string {
  return realpathSync(join(folder, 'data', 'postgres'));
}

function serverPid(): number {
  return readPostmaster(cluster())?.pid ?? 0;
}

async function backendPid(client: pg.PoolClient): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid ?? 0;
}

async function answers(): Promise<boolean> {
  return pool.query('select 1').then(
    () => true,
    () => false,
  );
}

/** Until it is lost and back once more. */
async function back(times: number): Promise<void> {
  await until(() => told.filter((sentence) => sentence.includes('is back after')).length >= times, 20_000);
}

test(
  'a killed server is started again, with what was committed, and stops with the application',
  async () => {
    const killed = serverPid();
    process.kill(killed, 'SIGKILL');
    await back(1);
    expect(serverPid()).not.toBe(killed);
    expect(await marks()).toBe(1);
    const pid = serverPid();
    await embedded.stop();
    expect(processState(pid)).not.toBe('running');
    expect(told).toHaveLength(2);
  },
  SLOW_MS,
);

test(
  'a killed backend makes PostgreSQL restart itself; it is the same server afterwards',
  async () => {
    const pid = serverPid();
    const client = await pool.connect();
    client.on('error', () => undefined);
    process.kill(await backendPid(client), 'SIGKILL');
    await back(1);
    client.release(true);
    expect(serverPid()).toBe(pid);
    await until(answers);
    expect(await marks()).toBe(1);
  },
  SLOW_MS,
);

test(
  'a frozen server goes on when it is let go, and is not taken for a dead one',
  async () => {
    const pid = serverPid();
    process.kill(pid, 'SIGSTOP');
    await sleep(1_500);
    process.kill(pid, 'SIGCONT');
    await mark();
    expect(await marks()).toBe(2);
    expect(serverPid()).toBe(pid);
    expect(told).toEqual([]);
  },
  SLOW_MS,
);

test(
  'a frozen server is stopped with the application',
  async () => {
    const pid = serverPid();
    process.kill(pid, 'SIGSTOP');
    await embedded.stop();
    expect(processState(pid)).not.toBe('running');
  },
  SLOW_MS,
);

test(
  'a backend that is frozen when its server is killed is ended, since it holds the shared memory',
  async () => {
    const client = await pool.connect();
    client.on('error', () => undefined);
    const frozen = await backendPid(client);
    process.kill(frozen, 'SIGSTOP');
    process.kill(serverPid(), 'SIGKILL');
    await until(() => orphansOf(cluster()).includes(frozen) || processState(frozen) !== 'running', 10_000);
    await back(1);
    client.release(true);
    expect(processState(frozen)).not.toBe('running');
    await until(answers);
    expect(await marks()).toBe(1);
  },
  SLOW_MS,
);

test(
  'one that is killed again and again is said so once, and tried slowly from then on',
  async () => {
    for (let times = 1; times <= 6; times++) {
      await until(() => processState(serverPid()) === 'running' && told.length === 2 * (times - 1), 20_000);
      process.kill(serverPid(), 'SIGKILL');
      if (times < 6) await back(times);
    }
    await until(() => told.some((sentence) => sentence.includes('tried again every 15 s')));
    const lost = serverPid();
    await sleep(3_000);
    expect(serverPid() === lost ? processState(lost) : 'gone').not.toBe('running');
    // What waits for the next try does not hold up a stop.
    const began = performance.now();
    await embedded.stop();
    expect(performance.now() - began).toBeLessThan(2_000);
  },
  SLOW_MS,
);
