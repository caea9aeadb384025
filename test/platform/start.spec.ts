/**
 * `npm start` as an operator lives with it: started through npm, stopped through npm's own pid, killed, started twice.
 * Guards against an orphan that holds the port, a PostgreSQL left behind, and an ack lost in the drain.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { processState, readPostmaster } from '../../src/store/embedded/postmaster.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SLOW_MS = 120_000;

interface Run {
  readonly npm: ChildProcess;
  readonly exit: Promise<number | null>;
  output(): string;
}

let folder: string;
let runs: Run[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringledger-start-'));
  runs = [];
});

afterEach(async () => {
  for (const { npm } of runs) {
    if (npm.pid !== undefined && npm.exitCode === null && npm.signalCode === null) process.kill(-npm.pid, 'SIGKILL');
  }
  const server = serverPid();
  if (server !== null) process.kill(server, 'SIGQUIT');
  while (server !== null && processState(server) === 'running') await sleep(20);
  rmSync(folder, { recursive: true, force: true });
}, SLOW_MS);

/** Through npm, in a process group of its own as a shell would. */
function npmStart(env: Record<string, string> = {}): Run {
  const npm = spawn('npm', ['start'], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', DATA_DIR: folder, HTTP_PORT: '0', IVR_CALL_REPORT_PORT: '0', ...env },
  });
  let output = '';
  npm.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  npm.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => npm.once('close', resolve));
  const run = { npm, exit, output: () => output };
  runs.push(run);
  return run;
}

async function seen(run: Run, pattern: RegExp): Promise<string> {
  for (;;) {
    // Read before the output: what came in between is then still looked at.
    const ended = run.npm.exitCode !== null || run.npm.signalCode !== null;
    const match = pattern.exec(run.output());
    if (match !== null) return match[1] ?? match[0];
    if (ended) throw new Error(`ended without ${String(pattern)}:\n${run.output()}`);
    await sleep(20);
  }
}

const ready = (run: Run): Promise<string> => seen(run, /Ready in/);

function serverPid(): number | null {
  const postmaster = readPostmaster(join(folder, 'postgres'));
  return postmaster === null || processState(postmaster.pid) !== 'running' ? null : postmaster.pid;
}

/** One report, retried as the IVR does, until its ack comes back. */
async function report(run: Run, datagram: string): Promise<string> {
  const port = Number(await seen(run, /UDP \S+:(\d+)/));
  const socket = createSocket('udp4');
  const send = (): void => {
    socket.send(datagram, port, '127.0.0.1');
  };
  const retries = setInterval(send, 1000);
  try {
    const answered = once(socket, 'message');
    send();
    const [ack] = (await answered) as [Buffer];
    return ack.toString();
  } finally {
    clearInterval(retries);
    socket.close();
  }
}

async function callIds(run: Run): Promise<string[]> {
  const url = await seen(run, /(http:\/\/[^/\s]+)\/api\/v1\/calls/);
  const response = await fetch(`${url}/api/v1/calls`);
  const { data } = (await response.json()) as { data: { callId: string }[] };
  return data.map(({ callId }) => callId);
}

test(
  'what was acked is there after SIGTERM to npm, after kill -9, and PostgreSQL stops last',
  async () => {
    const first = npmStart();
    await ready(first);
    expect(await report(first, 'c-1,1,Ringing,100,200,,7,Main')).toBe('c-1,1');
    const server = serverPid();
    first.npm.kill('SIGTERM');
    expect(await first.exit).toBe(0);
    expect(server).not.toBeNull();
    expect(serverPid()).toBeNull();

    const second = npmStart();
    await ready(second);
    expect(await callIds(second)).toEqual(['c-1']);
    await report(second, 'c-2,1,Ringing,100,200,,7,Main');
    process.kill(-(second.npm.pid ?? 0), 'SIGKILL');
    await second.exit;
    const orphan = serverPid();
    expect(orphan).not.toBeNull();

    const third = npmStart();
    await ready(third);
    expect(serverPid()).toBe(orphan);
    expect((await callIds(third)).sort()).toEqual(['c-1', 'c-2']);
    third.npm.kill('SIGTERM');
    expect(await third.exit).toBe(0);
    expect(serverPid()).toBeNull();
  },
  SLOW_MS,
);

test(
  'Ctrl-C reaches every process of the terminal, twice under npm, and still drains',
  async () => {
    const run = npmStart();
    await ready(run);
    process.kill(-(run.npm.pid ?? 0), 'SIGINT');
    await run.exit;
    expect(run.output()).not.toMatch(/Error|fault/);
    expect(serverPid()).toBeNull();
  },
  SLOW_MS,
);

test(
  'a second start on the same data says so and leaves the first alone',
  async () => {
    const first = npmStart();
    await ready(first);
    const second = npmStart();
    expect(await second.exit).toBe(1);
    expect(second.output()).toContain('Ringledger is running on this data folder already.');
    expect(await report(first, 'c-1,1,Ringing,100,200,,7,Main')).toBe('c-1,1');
    first.npm.kill('SIGTERM');
    expect(await first.exit).toBe(0);
  },
  SLOW_MS,
);

test(
  'a wrong configuration starts nothing, lists every fault and shows no value',
  async () => {
    const run = npmStart({ HTTP_PORT: 'hunter2', DATABASE_URL: 'hunter2', UDP_HOST: 'hunter2' });
    expect(await run.exit).toBe(1);
    expect(run.output()).toMatch(/nothing was started\.\n {2}- UDP_HOST .*\n {2}- HTTP_PORT .*\n {2}- DATABASE_URL /);
    expect(run.output()).not.toMatch(/hunter2| at /);
    expect(serverPid()).toBeNull();
  },
  SLOW_MS,
);

test(
  'a port in use is a sentence, and PostgreSQL is stopped again',
  async () => {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    try {
      const run = npmStart({ UDP_HOST: '127.0.0.1', IVR_CALL_REPORT_PORT: String(socket.address().port) });
      expect(await run.exit).toBe(1);
      expect(run.output()).toMatch(/in use/);
      expect(run.output()).not.toMatch(/\n {4}at /);
      expect(serverPid()).toBeNull();
    } finally {
      socket.close();
    }
  },
  SLOW_MS,
);

test('npm start replaces the shell by node, since dash passes no signal on', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } };
  expect(scripts.start).toMatch(/exec node dist\/cli\/main\.js start$/);
});
