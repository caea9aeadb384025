/**
 * How far the oldest segment has drained, so that a process killed in the middle drains little of it twice. It is written
 * without a sync: what a loss of power forgets is drained again, and only raises counts of copies.
 */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { SegmentKey } from './frame.js';

export interface CursorPosition {
  /** Random for each segment: a position never holds for another one, whatever their files are called. */
  readonly key: SegmentKey;
  /** Everything of the segment before this byte is in the database. */
  readonly offset: number;
}

const NAME = 'cursor';
const BYTES = 20;
const CHECKED_BYTES = 16;

export class Cursor {
  private handle: number | null = null;

  constructor(private readonly folder: string) {}

  /** Where the last process stopped; null when it does not say. */
  read(): CursorPosition | null {
    try {
      const bytes = readFileSync(join(this.folder, NAME));
      if (bytes.length !== BYTES || bytes.readUInt32LE(CHECKED_BYTES) !== crc32(bytes.subarray(0, CHECKED_BYTES)))
        return null;
      const key = { marker: bytes.readUInt32LE(0), seed: bytes.readUInt32LE(4) };
      return { key, offset: bytes.readDoubleLE(8) };
    } catch {
      return null;
    }
  }

  /** Remembers a position; a disk that takes nothing is no reason to stop draining. */
  write({ key, offset }: CursorPosition): void {
    const bytes = Buffer.alloc(BYTES);
    bytes.writeUInt32LE(key.marker, 0);
    bytes.writeUInt32LE(key.seed, 4);
    bytes.writeDoubleLE(offset, 8);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, CHECKED_BYTES)), CHECKED_BYTES);
    try {
      this.handle ??= openSync(join(this.folder, NAME), 'w', 0o600);
      writeSync(this.handle, bytes, 0, BYTES, 0);
    } catch {
      return;
    }
  }

  /** Lets go of the file, and of its content when nothing is left to drain. */
  close(forget: boolean): void {
    if (this.handle !== null) closeSync(this.handle);
    this.handle = null;
    if (forget) rmSync(join(this.folder, NAME), { force: true });
  }
}
