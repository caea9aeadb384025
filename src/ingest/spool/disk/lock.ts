/** One process per spool folder: a file that names its process, and is worth nothing once that process is gone. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NAME = 'lock';

/**
 * Takes the folder for this process; false when a living process has it. The lock of a dead one is cleared away.
 * A process is told from a later one with the same id (in a container every first one is 1) by when it started.
 */
export function takeLock(folder: string): boolean {
  const path = join(folder, NAME);
  if (written(path)) return true;
  const holder = holderOf(path);
  if (holder === null) return written(path);
  if (isAlive(holder)) return false;
  // Renamed, not deleted: of two that find the same dead lock one alone gets it out of the way.
  const aside = `${path}.${String(process.pid)}`;
  try {
    renameSync(path, aside);
  } catch {
    return false;
  }
  rmSync(aside, { force: true });
  return written(path);
}

/** Gives the folder back. */
export function dropLock(folder: string): void {
  rmSync(join(folder, NAME), { force: true });
}

function written(path: string): boolean {
  try {
    writeFileSync(path, identityOf(process.pid) ?? String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function holderOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function isAlive(holder: string): boolean {
  const pid = Number(holder.split(' ')[0]);
  // A lock cut short by a full disk names nobody.
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  const now = identityOf(pid);
  if (now !== null) return now === holder;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Process id, boot and start of a process, where the system tells (Linux); null for none, or no such file system. */
function identityOf(pid: number): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    // The name in parentheses may hold spaces; the start is the 20th field after it.
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${String(pid)} ${boot} ${fields[19] ?? ''}`;
  } catch {
    return null;
  }
}
