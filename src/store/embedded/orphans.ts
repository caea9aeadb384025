import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { isPostgres } from './postmaster.js';

/**
 * Backends that outlived their postmaster: a frozen or very busy one does not notice that it died, and PostgreSQL refuses to
 * start while one is still attached to the shared memory. They are told by their working directory, which is the
 * cluster, and by a parent that is no server of it. Nothing where the system does not say (no /proc).
 */
export function orphansOf(cluster: string): readonly number[] {
  const home = realpathSync(cluster);
  return processes().filter((pid) => {
    if (isPostgres(pid, cluster) || workingDirectory(pid) !== home) return false;
    const { name, parent } = statusOf(pid);
    return name.startsWith('postgres') && !isPostgres(parent, cluster);
  });
}

/**
 * Ends them. A commit of theirs that was answered is on disk, and one that was not is rolled back by recovery, as after any
 * crash: there is no postmaster left to ask them politely, and a frozen one hears nothing else.
 */
export function endOrphans(cluster: string): void {
  for (const pid of orphansOf(cluster)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      // It ended by itself in between.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

function processes(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isSafeInteger);
  } catch {
    return [];
  }
}

function workingDirectory(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${String(pid)}/cwd`);
  } catch {
    return null;
  }
}

function statusOf(pid: number): { readonly name: string; readonly parent: number } {
  try {
    const text = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
    return { name: /^Name:\t(.*)$/m.exec(text)?.[1] ?? '', parent: Number(/^PPid:\t(\d+)$/m.exec(text)?.[1] ?? 0) };
  } catch {
    return { name: '', parent: 0 };
  }
}
