/**
 * Where a process spools: the first folder `<root>/1`, `<root>/2`, ... that no living process has, so that several
 * receivers of one data folder need no settings. What dead ones left in the others is moved in and drained with our own.
 */
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { dropLock, takeLock } from './lock.js';

/** More receivers than a machine has ports to spare for would be a mistake. */
const FOLDERS_MAX = 64;
const SEGMENT = /^(\d{8})\.seg$/;

/**
 * Takes a folder under `root` for this process.
 * @throws Error with a sentence for the operator when none can be made or all are taken
 */
export async function takeFolder(root: string): Promise<string> {
  const folder = firstFree(root);
  let last = sequencesIn(folder).at(-1) ?? 0;
  for (const name of readdirSync(root)) {
    const other = join(root, name);
    if (other === folder || !/^\d+$/.test(name) || sequencesIn(other).length === 0 || !takeLock(other)) continue;
    for (const sequence of sequencesIn(other)) {
      renameSync(join(other, segmentName(sequence)), join(folder, segmentName(++last)));
    }
    await syncFolder(folder);
    dropLock(other);
    rmSync(other, { recursive: true, force: true });
  }
  return folder;
}

function firstFree(root: string): string {
  for (let number = 1; number <= FOLDERS_MAX; number++) {
    const folder = join(root, String(number));
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      if (takeLock(folder)) return folder;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new Error(`The spool folder (SPOOL_DIR) cannot be written to (${code ?? 'unknown'}).`, { cause: error });
    }
  }
  throw new Error(`All ${String(FOLDERS_MAX)} spool folders of SPOOL_DIR belong to running receivers.`);
}

export function segmentName(sequence: number): string {
  return `${String(sequence).padStart(8, '0')}.seg`;
}

/** The numbers of the segments in a folder, in order. */
export function sequencesIn(folder: string): readonly number[] {
  return readdirSync(folder)
    .flatMap((name) => SEGMENT.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** Makes names that were made or moved in a folder survive a loss of power. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
