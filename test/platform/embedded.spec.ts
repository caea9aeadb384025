/**
 * The embedded PostgreSQL through everything that happens to a process: stopped, killed, started twice, found dead, run
 * as root in both ways. Guards against a start that fails because of what the last run left behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { Account } from '../../src/store/embedded/account.js';
import { type Embedded, type EmbeddedOptions, startEmbedded } from '../../src/store/embedded/embedded.js';
import { processState, readPostmaster } from '../../src/store/embedded/postmaster.js';

const CHILD = fileURLToPath(new URL('../support/embedded-child.mjs', import.meta.url));
const ROOT = process.getuid?.() === 0;
/** Several starts in one test, on a machine that runs other tests beside. */
const SLOW_MS = 60_000;

let folder: string;
let data: string;
let running: Embedded[];
let children: ChildProcess[];

beforeEach(() => {
  // 0700, as mkdtemp makes it and as home folders are.
  folder = mkdtempSync(join(tmpdir(), 'ringledger-embedded-'));
  data = join(folder, 'data');
  running = [];
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const embedded of running) await embedded.stop();
  rmSync(folder, { recursive: true, force: true });
}, SLOW_MS);

async function start(options: EmbeddedOptions = {}): Promise<Embedded> {
  const embedded = await startEmbedded(data, options);
  running.push(embedded);
  return embedded;
}

async function query<T extends pg.QueryResultRow>(url: string, sql: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(sql)).rows;
  } finally {
    await client.end();
  }
}

const marks = async (url: string): Promise<number> => (await query(url, 'select from mark')).length;

function serverPid(): number {
  return readPostmaster(realpathSync(join(data, 'postgres')))?.pid ?? 0;
}

/** Runs the application in a process of its own, until it has committed its row. */
async function startChild(): Promise<{ child: ChildProcess; owner: boolean }> {
  const child = spawn(process.execPath, [CHILD, data], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => {
      resolve(chunk.toString());
    });
    child.once('exit', (code) => {
      reject(new Error(`the child ended with ${String(code)}; is dist built?`));
    });
  });
  return { child, owner: (JSON.parse(line) as { owner: boolean }).owner };
}

async function kill(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  while (processState(pid) === 'running') await sleep(10);
}

test(
  'a stopped server leaves no process, and its data is there at the next start',
  async () => {
    const first = await start();
    await query(first.url, 'create table mark (n integer)');
    const pid = serverPid();
    await first.stop();
    expect(processState(pid)).not.toBe('running');
    const second = await start();
    expect(second.owner).toBe(true);
    expect(await marks(second.url)).toBe(0);
  },
  SLOW_MS,
);

test(
  'nothing listens on the network, no secret is on disk, and commits wait for the disk',
  async () => {
    const { url } = await start();
    const rows = await query<{ name: string; setting: string }>(
      url,
      `select name, setting from pg_settings
       where name in ('listen_addresses', 'fsync', 'synchronous_commit', 'full_page_writes') order by name`,
    );
    expect(rows.map(({ name, setting }) => `${name}=${setting}`)).toEqual([
      'fsync=on',
      'full_page_writes=on',
      'listen_addresses=',
      'synchronous_commit=on',
    ]);
    expect(statSync(data).mode & 0o077).toBe(0);
    expect(statSync(join(data, 'postgres')).mode & 0o077).toBe(0);
  },
  SLOW_MS,
);

test(
  'after kill -9 of the application the next start adopts its server',
  async () => {
    const { child } = await startChild();
    const pid = serverPid();
    await kill(child.pid ?? 0);
    const adopted = await start();
    expect(adopted.owner).toBe(true);
    expect(serverPid()).toBe(pid);
    expect(await marks(adopted.url)).toBe(1);
    await adopted.stop();
    expect(processState(pid)).not.toBe('running');
  },
  SLOW_MS,
);

test(
  'after kill -9 of everything the next start recovers what was committed',
  async () => {
    const { child } = await startChild();
    await Promise.all([kill(serverPid()), kill(child.pid ?? 0)]);
    expect(await marks((await start()).url)).toBe(1);
  },
  SLOW_MS,
);

test(
  'a second application on the same data is told so, and its stop leaves the server to the first',
  async () => {
    await startChild();
    const pid = serverPid();
    const second = await start();
    expect(second.owner).toBe(false);
    await second.stop();
    expect(processState(pid)).toBe('running');
    expect(await marks(second.url)).toBe(1);
    // The afterEach kills the first; adopt its server once more so that it is stopped.
    await kill(children[0]?.pid ?? 0);
    await start();
  },
  SLOW_MS,
);

test(
  'two applications that start at once on an empty folder share one server, and one answers for it',
  async () => {
    const owners = await Promise.all([startChild(), startChild()]);
    expect(owners.map(({ owner }) => owner).sort()).toEqual([false, true]);
    for (const { child } of owners) await kill(child.pid ?? 0);
    expect(await marks((await start()).url)).toBe(2);
  },
  SLOW_MS,
);

test(
  'a pid file whose pid another program has, or whose process is dead and not reaped, does not stop the start',
  async () => {
    const first = await start();
    const file = join(data, 'postgres', 'postmaster.pid');
    const lock = join(data, 'postgres', '.s.PGSQL.5432.lock');
    const [text, lockText] = [readFileSync(file, 'utf8'), readFileSync(lock, 'utf8')];
    await first.stop();
    // The background `true` ends at once, and the `sleep` its parent became never asks how.
    const parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(parent);
    const defunct = await new Promise<string>((resolve) => {
      parent.stdout.once('data', (chunk: Buffer) => {
        resolve(chunk.toString().trim());
      });
    });
    for (const pid of [String(process.pid), defunct]) {
      writeFileSync(file, text.replace(/^\d+/, pid));
      writeFileSync(lock, lockText.replace(/^\d+/, pid));
      const next = await start();
      expect(serverPid()).not.toBe(Number(pid));
      await next.stop();
    }
  },
  SLOW_MS,
);

test(
  'a first start that was killed half-way is begun again',
  async () => {
    const dead = spawn('true');
    await new Promise((resolve) => dead.once('exit', resolve));
    const half = join(data, `postgres.new-${String(dead.pid)}`);
    mkdirSync(half, { recursive: true });
    writeFileSync(join(half, 'PG_VERSION'), '18\n');
    await start();
    expect(existsSync(half)).toBe(false);
  },
  SLOW_MS,
);

test(
  'a data folder whose path is too long for a socket works',
  async () => {
    data = join(folder, 'a'.repeat(60), 'b'.repeat(60));
    const { url } = await start();
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
  },
  SLOW_MS,
);

const asRoot = ROOT ? test : test.skip;

asRoot.each(['namespace', 'copy'] satisfies Account[])(
  'root runs it under another identity in a folder only root may enter (%s)',
  async (account) => {
    const outsideHome = mkdtempSync(join(tmpdir(), 'ringledger-outside-'));
    try {
      const first = await start({ account, outsideHome });
      await query(first.url, 'create table mark (n integer)');
      await first.stop();
      const second = await start({ account, outsideHome });
      expect(await marks(second.url)).toBe(0);
      await second.stop();
    } finally {
      rmSync(outsideHome, { recursive: true, force: true });
    }
  },
  SLOW_MS,
);

asRoot(
  'data written in a user namespace is handed over when only the other way is left, and back',
  async () => {
    const open = mkdtempSync('/var/tmp/ringledger-open-');
    try {
      chmodSync(open, 0o711);
      data = join(open, 'data');
      mkdirSync(data, { mode: 0o711 });
      for (const account of ['namespace', 'copy', 'namespace'] satisfies Account[]) {
        const embedded = await start({ account, outsideHome: join(open, 'outside') });
        await query(embedded.url, 'create table if not exists mark (n integer)');
        await query(embedded.url, 'insert into mark values (1)');
        await embedded.stop();
      }
      expect(await marks((await start()).url)).toBe(3);
    } finally {
      for (const embedded of running) await embedded.stop();
      rmSync(open, { recursive: true, force: true });
    }
  },
  SLOW_MS,
);
