/**
 * A rolling restart under load: SIGTERM, and started again within H, twice, while an IVR goes on reporting and trying again.
 * Guards against an ack lost in the drain, and against a gap called lost that only a restart made.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { firstValueFrom } from 'rxjs';
import { UdpClient } from '../../src/transport/udp.client.js';
import { type TestDatabase, testDatabase, testPool } from '../support/database.js';
import { ownFolder, until } from '../support/receiver.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SLOW_MS = 120_000;
const CALLS = 60;

/** The sender tries for 9 s, H is 11 s: a start on a busy machine takes 6 s of it. */
const RETRY = 6;
const INTERVAL_MS = 1_500;
const SETTINGS = {
  ...{ IVR_CALL_REPORT_RETRY: String(RETRY), IVR_CALL_REPORT_RETRY_INTERVAL: '1.5', RETRY_MARGIN_MS: '2000' },
  ...{ LOSS_WINDOW_S: '1', HEARTBEAT_INTERVAL_MS: '250', LOG_FORMAT: 'json', UDP_HOST: '127.0.0.1', HTTP_PORT: '0' },
};

let database: TestDatabase;
let port: number;
let child: ChildProcess;
let folder: string;
let client: UdpClient;

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port: free } = socket.address();
  socket.close();
  return free;
}

async function start(): Promise<void> {
  const env = { ...process.env, ...SETTINGS, NODE_OPTIONS: '', DATABASE_URL: database.url, DATA_DIR: folder };
  child = spawn(process.execPath, ['dist/cli/main.js', 'start'], {
    ...{ cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] as const },
    env: { ...env, IVR_CALL_REPORT_PORT: String(port) },
  });
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until(() => output.includes('Ready in'), 30_000);
}

async function stop(): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  expect((await exited)[0]).toBe(0);
}

const key = (bytes: Uint8Array): string => Buffer.from(bytes).toString().split(',').slice(0, 2).join(',');

beforeEach(async () => {
  database = await testDatabase();
  port = await freePort();
  folder = ownFolder();
  client = new UdpClient({
    ...{ host: '127.0.0.1', port, retry: RETRY, intervalMs: INTERVAL_MS, requestKey: key, responseKey: key },
  });
  await start();
}, SLOW_MS);

afterEach(async () => {
  await client.close();
  if (child.exitCode === null && child.signalCode === null) await stop();
  await database.close();
}, SLOW_MS);

/** One answered call: its states at 0, 0.6 and 1.2 s, each reported whatever became of the one before. */
async function call(index: number): Promise<void> {
  const states = ['Ringing', 'OK', 'Bye'].map(async (state, at) => {
    await sleep(at * 600);
    const text = `r-${String(index)},${String(at + 1)},${state},442071234567,442079876543,,7,Main`;
    await firstValueFrom(client.send<Uint8Array, Uint8Array>('report', Buffer.from(text)));
  });
  await Promise.all(states);
}

async function rows<T extends object>(sql: string): Promise<readonly T[]> {
  const pool = testPool(database, 1);
  try {
    return (await pool.query<T>(sql)).rows;
  } finally {
    await pool.end();
  }
}

test(
  'two restarts under load leave every call whole and no gap lost',
  async () => {
    const calls = Array.from({ length: CALLS }, (_, index) => sleep(index * 100).then(() => call(index)));
    const all = Promise.all(calls);
    for (let restart = 0; restart < 2; restart++) {
      await sleep(1_500);
      await stop();
      await start();
    }
    await all;
    await until(async () => (await rows('select from call where not settled')).length === 0, 40_000);
    await until(async () => (await rows(`select from gap where status = 'open'`)).length === 0, 40_000);
    expect(
      await rows(`select state, disposition, notification_count, count(*)::integer from call group by 1, 2, 3`),
    ).toEqual([{ state: 'ended', disposition: 'answered', notification_count: 3, count: CALLS }]);
    expect(await rows(`select kind, status from gap where status not in ('explained', 'filled')`)).toEqual([]);
    expect(await rows('select call_id, serial from notification group by 1, 2 having count(*) > 1')).toEqual([]);
  },
  SLOW_MS,
);
