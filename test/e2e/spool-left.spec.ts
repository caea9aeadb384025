/** A receiver killed with a spool left behind: the next start stores it, and only the time nobody served is an outage. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { OwnCluster } from '../support/own-cluster.js';
import { until } from '../support/receiver.js';
import { Load, QUICK, Scene } from '../support/scene.js';

const SLOW_MS = 90_000;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let cluster: OwnCluster;
let scene: Scene;
let folder: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  cluster = await OwnCluster.start();
  scene = await Scene.open(cluster);
  folder = mkdtempSync(join(tmpdir(), 'ringledger-left-'));
}, SLOW_MS);

afterAll(async () => {
  for (const child of children) await killed(child);
  await scene.close();
  await cluster.close();
  rmSync(folder, { recursive: true, force: true });
}, SLOW_MS);

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** A receiver in a process of its own; `more` are environment variables. */
async function startProcess(more: Readonly<Record<string, string>>): Promise<{ port: number; child: ChildProcess }> {
  const env = { ...process.env, ...QUICK, NODE_OPTIONS: '', DATABASE_URL: cluster.url, HTTP_PORT: '0' };
  const child = spawn(process.execPath, ['dist/cli/main.js', 'start'], {
    ...{ cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] as const },
    env: { ...env, IVR_CALL_REPORT_PORT: '0', UDP_HOST: '127.0.0.1', LOG_FORMAT: 'json', ...more },
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until(() => /UDP 127\.0\.0\.1:(\d+)[\s\S]*Ready in/.test(output), 30_000);
  return { port: Number(/UDP 127\.0\.0\.1:(\d+)/.exec(output)?.[1]), child };
}

test(
  'what a killed receiver had spooled is stored by the next, and the outage begins where its spooled beats end',
  async () => {
    const own = { SPOOL_DIR: join(folder, 'spool') };
    const first = await startProcess({ ...own, HEARTBEAT_INTERVAL_MS: '500' });
    const load = new Load(scene.sender, first.port, 200);
    await scene.sender.acked(50);
    await cluster.kill();
    const lostAt = Date.now();
    await scene.sender.acked(scene.sender.acks.length + 600, 20_000);
    load.stop();
    await killed(first.child);
    const killedAt = Date.now();
    await sleep(200);
    const acked = new Set(scene.sender.acks);
    await cluster.restart();
    await sleep(1_000);

    const second = await scene.start(own);
    expect(second.spool().recovered).toBeGreaterThan(500);
    await until(() => second.counts().inFlight === 0 && second.spool().circuit === 'closed', 20_000);
    const { recovered, datagrams } = second.counts();
    const counted = datagrams.reduce((sum, { count }) => sum + count, 0);
    expect(counted).toBe(recovered);
    const rows = await scene.query<{ ack: string; copies: number }>(
      `select call_id || ',' || serial as ack, copies from notification`,
    );
    const stored = new Map(rows.map(({ ack, copies }) => [ack, copies]));
    expect([...acked].filter((ack) => !stored.has(ack))).toEqual([]);
    // A busy machine may have stopped either receiver's loop as well: this is the outage that the kill lies in.
    const outages = await scene.query<{ from: number }>(
      `select (extract(epoch from start_at) * 1000)::float8 as "from" from outage
       where start_at < to_timestamp(${String(killedAt / 1000 + 0.1)}) and end_at > to_timestamp(${String(killedAt / 1000)})`,
    );
    expect(outages).toHaveLength(1);
    expect(outages[0]?.from).toBeGreaterThan(Math.max(lostAt, killedAt - 2_500));
  },
  SLOW_MS,
);
