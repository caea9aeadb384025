import { existsSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What `postmaster.pid` says of a running server (PostgreSQL's miscadmin.h lists the lines). */
export interface Postmaster {
  readonly pid: number;
  readonly socketDir: string | null;
  /** `ready`, `starting`, `stopping`, or '' while the file is being written. */
  readonly status: string;
  /** `key id` of its System V shared memory; a backend that outlived its postmaster is still attached to it. */
  readonly sharedMemory: string | null;
}

/** Reads `postmaster.pid`; null when there is none, as after a clean stop. */
export function readPostmaster(cluster: string): Postmaster | null {
  let text: string;
  try {
    text = readFileSync(join(cluster, 'postmaster.pid'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const [pid = '', , , , socketDir = '', , memory = '', status = ''] = text.split('\n').map((line) => line.trim());
  return {
    pid: Number(pid),
    socketDir: socketDir === '' ? null : socketDir,
    status,
    sharedMemory: memory === '' ? null : memory,
  };
}

/**
 * What became of a process: `running`, `gone`, or `defunct` (dead, but nobody asked how it ended; its pid still answers
 * signals, which is what PostgreSQL mistakes for a running server).
 */
export function processState(pid: number): 'running' | 'defunct' | 'gone' {
  if (!Number.isSafeInteger(pid) || pid <= 0) return 'gone';
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'gone';
  }
  try {
    // "pid (name) S ...": the name may hold spaces and parentheses, so the state is looked for after the last one.
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return /\) [ZX]/.test(stat.slice(stat.lastIndexOf(')'))) ? 'defunct' : 'running';
  } catch {
    return process.platform === 'linux' ? 'gone' : 'running';
  }
}

/**
 * Whether a running process is the server of this cluster, and not another program that got its pid since; true where
 * the system does not say (no /proc).
 */
export function isPostgres(pid: number, cluster: string): boolean {
  try {
    const [program = '', ...args] = readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').split('\0');
    return basename(program).startsWith('postgres') && args.includes(cluster);
  } catch {
    return process.platform !== 'linux';
  }
}

/**
 * Removes a `postmaster.pid` whose server is dead although its pid still answers: a pid not yet reaped, or one that
 * another program has since. PostgreSQL itself removes the file only when the pid answers nothing. The file is left alone
 * while a backend of that server may still be attached to the shared memory.
 *
 * @returns whether it is removed
 */
export function removeStale(cluster: string, postmaster: Postmaster): boolean {
  if (postmaster.sharedMemory !== null && attached(postmaster.sharedMemory) > 0) return false;
  rmSync(join(cluster, 'postmaster.pid'), { force: true });
  return true;
}

/**
 * Removes the lock file of the cluster's socket when it is not a running server of this cluster that holds it. PostgreSQL
 * trusts it as it does `postmaster.pid`: a pid that answers stops the start, whoever has it now.
 */
export function removeStaleSocketLock(cluster: string, socketDir: string): void {
  const file = join(socketDir, '.s.PGSQL.5432.lock');
  const holder = existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : null;
  if (holder === null || (processState(holder) === 'running' && isPostgres(holder, cluster))) return;
  rmSync(file, { force: true });
}

/**
 * How many processes are attached to a shared memory segment; 0 where the system does not say. The key is compared with
 * the id, because ids start again at every boot and the key stands for the data folder.
 */
function attached(sharedMemory: string): number {
  const [key, id] = sharedMemory.split(/\s+/).map(Number);
  let table: string;
  try {
    table = readFileSync('/proc/sysvipc/shm', 'utf8');
  } catch {
    return 0;
  }
  for (const line of table.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/).map(Number);
    // The kernel prints the key as a signed number, PostgreSQL as an unsigned one.
    if (columns[1] === id && (columns[0] ?? 0) >>> 0 === key) return columns[6] ?? 0;
  }
  return 0;
}
