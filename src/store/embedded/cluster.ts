import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Account, type Launch, launch, own } from './account.js';
import type { Binaries } from './binaries.js';
import { endOrphans } from './orphans.js';
import { isPostgres, processState, readPostmaster, removeStale, removeStaleSocketLock } from './postmaster.js';

/** Superuser and database of an embedded cluster. There is no password: only who can enter the folder can connect. */
export const EMBEDDED_NAME = 'ringledger';

/** A cluster on disk: which binaries run it, as whom, where it is, and where its server writes its log. */
export interface Cluster {
  readonly binaries: Binaries;
  readonly account: Account;
  readonly path: string;
  readonly logFile: string;
}

/** A cluster holds at most this long to its way up (crash recovery of a busy day's WAL included) before we give up. */
const START_TIMEOUT_MS = 120_000;
/** A fast shutdown writes a checkpoint, seconds at most; then the server is stopped hard and recovers at the next start. */
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 10;
/** What a backend is given to end by itself after its postmaster. */
const ORPHAN_MS = 1_000;
/** `sun_path` of a Unix socket address has 108 bytes on Linux and 104 on macOS, the terminating NUL among them. */
const SOCKET_PATH_BYTES_MAX = 103;
const LOG_BYTES_MAX = 10_000_000;

/** Written once into the cluster's postgresql.conf, where an operator may change them. */
const SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: '128MB',
  max_wal_size: '2GB',
  wal_compression: 'on',
  max_connections: '100',
  // A notification is acked when its commit is on disk (law 1); these are PostgreSQL's defaults, named because we rest on them.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  // Planning for a spinning disk prefers scans where the history's indexes are cheaper.
  random_page_cost: '1.1',
  log_checkpoints: 'off',
  // A batch that another writer beat fails on purpose and is tried again: a line says it, without its 40 lines of SQL.
  log_min_error_statement: 'fatal',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** Where the server's socket is: in the cluster's own 0700 folder, or in a short one when that path is too long for a socket. */
export function socketDir(cluster: string): string {
  if (Buffer.byteLength(join(cluster, '.s.PGSQL.5432')) <= SOCKET_PATH_BYTES_MAX) return cluster;
  return join(tmpdir(), `ringledger-${createHash('sha256').update(cluster).digest('hex').slice(0, 12)}`);
}

/** Creates the cluster where there is none. It is made aside and renamed: a start killed half-way leaves no half cluster. */
export async function createCluster(cluster: Cluster): Promise<void> {
  if (existsSync(join(cluster.path, 'PG_VERSION'))) return;
  const folder = dirname(cluster.path);
  removeAbandoned(folder, `${basename(cluster.path)}.new-`);
  const aside = `${cluster.path}.new-${String(process.pid)}`;
  mkdirSync(aside, { mode: 0o700 });
  own(cluster.account, aside);
  const args = ['-D', aside, '-U', EMBEDDED_NAME, '-A', 'trust', '-E', 'UTF8', '--no-instructions'];
  args.push('--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C');
  for (const [name, value] of Object.entries(SETTINGS)) args.push('--set', `${name}=${value}`);
  const failure = await run(launch(cluster.account, join(cluster.binaries.home, 'bin', 'initdb'), args));
  if (failure !== null) {
    rmSync(aside, { recursive: true, force: true });
    throw new Error(`The embedded PostgreSQL could not be created under ${folder}: ${explain(failure)}`);
  }
  try {
    // Takes the place of an empty folder (a mounted volume's, the copy account's), and fails on any other.
    renameSync(aside, cluster.path);
  } catch (error) {
    rmSync(aside, { recursive: true, force: true });
    // Two first starts at once: the other one was faster, and its cluster is as good.
    if (!existsSync(join(cluster.path, 'PG_VERSION'))) throw error;
  }
}

/** Runs a program to its end; null when it succeeded, else what it said. */
function run({ command, args, options }: Launch): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(command, [...args], { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code) => resolve(code === 0 ? null : said));
  });
}

function removeAbandoned(folder: string, prefix: string): void {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(prefix)) continue;
    if (processState(Number(name.slice(prefix.length))) === 'gone')
      rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * Makes the cluster's server run: adopts one that a killed application left behind, waits for one that is starting or
 * stopping, clears a pid file whose server is dead, starts one where there is none.
 *
 * @returns the folder of the socket it listens on.
 * @throws Error with a sentence for the operator when it does not come up.
 */
export async function ensureRunning(cluster: Cluster, settings: Readonly<Record<string, string>>): Promise<string> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  let started: Started | null = null;
  let heldSince: number | null = null;
  const heldUp = (): void => {
    heldSince ??= Date.now();
    if (Date.now() - heldSince > ORPHAN_MS) endOrphans(cluster.path);
  };
  while (Date.now() < deadline) {
    const postmaster = readPostmaster(cluster.path);
    const state = postmaster === null ? 'gone' : processState(postmaster.pid);
    if (postmaster !== null && state === 'running' && isPostgres(postmaster.pid, cluster.path)) {
      if (postmaster.status === 'ready' && postmaster.socketDir !== null) return postmaster.socketDir;
    } else if (postmaster === null || state === 'gone') {
      if (started?.heldUp() === true) heldUp();
      started = restart(started, () => start(cluster, settings));
    } else if (!removeStale(cluster.path, postmaster)) {
      heldUp();
    }
    await sleep(POLL_MS);
  }
  throw new Error(
    `The embedded PostgreSQL was not ready after ${String(START_TIMEOUT_MS / 1000)} s; its own words are in ${cluster.logFile}.`,
  );
}

/** The attempt under way, or another one when it lost a race; throws when it failed for a reason of its own. */
function restart(last: Started | null, again: () => Started): Started {
  if (last === null) return again();
  if (!last.exited()) return last;
  if (!last.lostRace() && !last.heldUp()) throw new Error(last.explain());
  return again();
}

interface Started {
  exited(): boolean;
  /** It ended because another start was first; that one's server is as good. */
  lostRace(): boolean;
  /** It ended because a backend of a dead server is still attached to the shared memory. */
  heldUp(): boolean;
  explain(): string;
}

/**
 * Starts the server in a session of its own, so that Ctrl-C in the terminal reaches the application alone and the server
 * lives until the application has drained. Nothing listens on the network.
 */
function start(cluster: Cluster, settings: Readonly<Record<string, string>>): Started {
  const socket = socketDir(cluster.path);
  own(cluster.account, cluster.path);
  if (socket !== cluster.path) {
    mkdirSync(socket, { recursive: true, mode: 0o700 });
    own(cluster.account, socket);
  }
  removeStaleSocketLock(cluster.path, socket);
  const fixed = { ...settings, listen_addresses: '', unix_socket_directories: socket, unix_socket_permissions: '0700' };
  const args = ['-D', cluster.path];
  for (const [name, value] of Object.entries(fixed)) args.push('-c', `${name}=${value}`);
  const { command, args: all, options } = launch(cluster.account, join(cluster.binaries.home, 'bin', 'postgres'), args);
  rotateLog(cluster.logFile);
  const log = openSync(cluster.logFile, 'a', 0o600);
  const logFrom = statSync(cluster.logFile).size;
  const child = spawn(command, [...all], { ...options, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  let failure: string | null = null;
  child.on('error', (error) => (failure = error.message));
  child.on('exit', () => (failure ??= readFrom(cluster.logFile, logFrom)));
  child.unref();
  return {
    exited: () => failure !== null,
    lostRace: () => failure?.includes('lock file "postmaster.pid" already exists') ?? false,
    heldUp: () => failure?.includes('pre-existing shared memory block') ?? false,
    explain: () =>
      `The embedded PostgreSQL did not start: ${explain(failure ?? '')} Its own words are in ${cluster.logFile}.`,
  };
}

function readFrom(file: string, offset: number): string {
  try {
    return readFileSync(file).subarray(offset).toString('utf8');
  } catch {
    // After a stop the whole folder may be gone before we hear of the exit; then nobody asks for the words either.
    return '';
  }
}

function rotateLog(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_BYTES_MAX) renameSync(file, `${file}.1`);
}

/**
 * Stops the server: no new connections, open transactions rolled back, a checkpoint written. One that is frozen goes on
 * first, or it would not hear. Returns when its process is gone.
 */
export async function stopServer(cluster: string): Promise<void> {
  const postmaster = readPostmaster(cluster);
  if (postmaster === null || !isPostgres(postmaster.pid, cluster)) return;
  const gone = (): boolean => processState(postmaster.pid) !== 'running';
  for (const signal of ['SIGINT', 'SIGQUIT'] as const) {
    try {
      process.kill(postmaster.pid, signal);
      process.kill(postmaster.pid, 'SIGCONT');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
      throw error;
    }
    const deadline = Date.now() + STOP_TIMEOUT_MS;
    while (!gone() && Date.now() < deadline) await sleep(POLL_MS);
    if (gone()) return;
  }
}

/** What an operator can do about the messages of initdb and postgres we know; else the last of them. */
export function explain(output: string): string {
  if (/No space left on device|ENOSPC/.test(output))
    return 'the disk is full. Make room and start again; nothing acked is lost.';
  if (/Permission denied|EACCES/.test(output))
    return 'it may not enter its data folder. Check who owns the folder and those above it.';
  if (output.includes('incompatible with server')) {
    return 'its data was written by another major version of PostgreSQL. Install the version of Ringledger that wrote it, or move the data with pg_upgrade.';
  }
  const lines = output.split('\n').filter((line) => /FATAL|ERROR|PANIC|error:|ENOENT/.test(line));
  return `${(lines.at(-1) ?? output.trim().split('\n').at(-1) ?? '').trim()}.`;
}
