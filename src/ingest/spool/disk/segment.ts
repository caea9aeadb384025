/** One segment of the spool: made, appended to with a sync each time, read, and given up after the first failure. */
import { randomInt } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { segmentName, syncFolder } from './folder.js';
import {
  decodeFrames,
  decodeHeader,
  encodeFrames,
  encodeHeader,
  type Frames,
  HEADER_BYTES,
  type SegmentKey,
} from './frame.js';

/** As much of a file as a segment needs: tests put one that fails in its place. */
export interface SpoolFile {
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesWritten: number }>;
  /** Returns once everything written is on the disk. */
  datasync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  close(): Promise<void>;
}

/** Opens a new file for writing; fails when there is one. */
export type OpenFile = (path: string) => Promise<SpoolFile>;

export const openFile: OpenFile = (path) => open(path, 'wx', 0o600);

const U32 = 0x1_0000_0000;

/** A segment that is being appended to. */
export class SegmentWriter {
  private constructor(
    private readonly file: SpoolFile,
    readonly key: SegmentKey,
    /** Up to here everything is on the disk. */
    public bytes: number,
  ) {}

  /**
   * Makes a segment: its header and its name are on the disk when this returns.
   * @throws whatever the file system throws; no file is left then
   */
  static async make(folder: string, sequence: number, madeAt: number, openWith: OpenFile): Promise<SegmentWriter> {
    const path = join(folder, segmentName(sequence));
    const file = await openWith(path);
    try {
      const key = { marker: randomInt(U32), seed: randomInt(U32) };
      const header = encodeHeader({ ...key, madeAt });
      await writeAll(file, header, 0);
      await file.datasync();
      await syncFolder(folder);
      return new SegmentWriter(file, key, header.length);
    } catch (error) {
      await file.close().catch(() => undefined);
      await rm(path, { force: true });
      throw error;
    }
  }

  /**
   * Appends records; they are on the disk when this returns.
   * @returns where the bytes of these records end
   * @throws whatever the file system throws. Then nothing more may be appended: after a failed sync the kernel forgets what
   *   it could not write, so that a second one would succeed without having written it.
   */
  async append(bodies: readonly Uint8Array[]): Promise<number> {
    const frames = encodeFrames(bodies, this.key);
    await writeAll(this.file, frames, this.bytes);
    await this.file.datasync();
    this.bytes += frames.length;
    return this.bytes;
  }

  /** Ends it as it is. */
  async close(): Promise<void> {
    await this.file.close();
  }

  /** Ends it after a failure, cut to what was synced where that is still possible. */
  async abandon(): Promise<void> {
    await this.file.truncate(this.bytes).catch(() => undefined);
    await this.file.close().catch(() => undefined);
  }
}

async function writeAll(file: SpoolFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    if (bytesWritten === 0) throw Object.assign(new Error('nothing could be written'), { code: 'ENOSPC' });
    done += bytesWritten;
  }
}

/** What a segment holds; no key when its header does not hold and nothing of it can be read. */
export interface ReadSegment extends Frames {
  readonly key: SegmentKey | null;
}

/**
 * Reads a segment up to so many bytes.
 * @throws NewerFormat, or whatever the file system throws
 */
export async function readSegment(
  folder: string,
  sequence: number,
  to = Number.POSITIVE_INFINITY,
): Promise<ReadSegment> {
  const whole = await readFile(join(folder, segmentName(sequence)));
  const bytes = whole.subarray(0, Math.min(to, whole.length));
  const header = decodeHeader(bytes);
  if (header === null) return { key: null, frames: [], corrupt: 0, tornBytes: bytes.length };
  const { marker, seed } = header;
  return { key: { marker, seed }, ...decodeFrames(bytes, HEADER_BYTES, header) };
}

/** Removes a segment whose records are all in the database. */
export async function removeSegment(folder: string, sequence: number): Promise<void> {
  await rm(join(folder, segmentName(sequence)), { force: true });
}
