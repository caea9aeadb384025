/** The processes of a run: each part of the benchmark has one of its own, as it would in earnest. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Load, Offered } from './generator.js';

/** On a ledger of millions of calls that nobody served for hours, on a busy machine. */
const READY_WITHIN_MS = 180_000;

/** A receiver under test. */
export interface Receiver {
  readonly port: number;
  readonly pid: number;
  /** Largest resident memory so far, in MB; null where the system does not tell. */
  peakMb(): number | null;
  stop(): Promise<void>;
}

/** A product that answers too. */
export interface Product extends Receiver {
  /** Where it answers, without a path. */
  readonly http: string;
}

/** Starts the built product on a database. */
export async function startProduct(root: string, url: string): Promise<Product> {
  const [port, httpPort] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, ['dist/cli/main.js', 'start'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      ...{ DATABASE_URL: url, IVR_CALL_REPORT_PORT: String(port), HTTP_PORT: String(httpPort) },
      ...{ UDP_HOST: '127.0.0.1', LOG_LEVEL: 'error', LOG_FORMAT: 'json' },
    },
  });
  const http = `http://127.0.0.1:${String(httpPort)}`;
  try {
    await untilReady(child, `${http}/health/ready`);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return { ...receiverOf(child, port), http };
}

/** Brings a database to the product's schema. */
export async function migrate(root: string, url: string): Promise<void> {
  const child = spawn(process.execPath, ['dist/cli/main.js', 'migrate'], {
    ...{ cwd: root, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DATABASE_URL: url } },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error('the product could not migrate its database');
}

/** Starts the naive receiver on a database. */
export async function startNaive(url: string): Promise<Receiver> {
  const child = spawn(process.execPath, [sibling('naive.js'), url], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(createInterface(child.stdout), 'line')) as [string];
  return receiverOf(child, Number(port));
}

/** Offers a load from a process of its own. */
export async function offer(load: Load): Promise<Offered> {
  const child = spawn(process.execPath, [sibling('generator.js'), JSON.stringify(load)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return JSON.parse(line) as Offered;
}

/** Largest resident memory of a process so far, in MB; null where the system does not tell, or it is gone. */
export function peakMbOf(pid: number | undefined): number | null {
  const status = `/proc/${String(pid)}/status`;
  const peak = existsSync(status) ? /VmHWM:\s+(\d+)/.exec(readFileSync(status, 'utf8'))?.[1] : undefined;
  return peak === undefined ? null : Math.round(Number(peak) / 1024);
}

/** CPU a process has used so far, in ms; null where the system does not tell. */
export function cpuMsOf(pid: number): number | null {
  const stat = `/proc/${String(pid)}/stat`;
  if (!existsSync(stat)) return null;
  // utime and stime, the 14th and 15th field, in hundredths of a second; the second field may hold spaces.
  const fields = readFileSync(stat, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function receiverOf(child: ChildProcess, port: number): Receiver {
  return {
    port,
    pid: child.pid ?? 0,
    peakMb: () => peakMbOf(child.pid),
    stop: async () => {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function untilReady(child: ChildProcess, url: string): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error('the product stopped while it started');
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok === true) return;
    await sleep(50);
  }
  throw new Error(`the product was not ready within ${String(READY_WITHIN_MS / 1_000)} s`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function sibling(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
