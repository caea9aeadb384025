/** A disk of a few megabytes that a test can fill: a tmpfs, so only root has one. */
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const BLOCK_BYTES = 65_536;

export class SmallDisk {
  private constructor(private readonly folder: string) {}

  /** Puts it over an empty folder; null where that is not allowed. */
  static mount(folder: string, bytes: number): SmallDisk | null {
    const options = `size=${String(bytes)},mode=0700`;
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
    return status === 0 ? new SmallDisk(folder) : null;
  }

  /** Takes all that is left, to the last byte. */
  fill(): void {
    const descriptor = openSync(this.filler(), 'w');
    for (let size = BLOCK_BYTES; size >= 1; size = Math.floor(size / 2)) while (hasTaken(descriptor, size));
    closeSync(descriptor);
  }

  free(): void {
    rmSync(this.filler(), { force: true });
  }

  unmount(): void {
    spawnSync('umount', ['--lazy', this.folder]);
  }

  private filler(): string {
    return join(this.folder, 'filler');
  }
}

function hasTaken(descriptor: number, bytes: number): boolean {
  try {
    return writeSync(descriptor, Buffer.alloc(bytes)) === bytes;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    return false;
  }
}
