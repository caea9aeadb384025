/**
 * The bytes of a spool segment: a header, then frames, each checked by itself, so that what is torn or corrupt is told
 * from what holds, and everything that holds is read, before it and after it.
 *
 *   header   64 bytes, twice: "RLSPOOL1", version, marker, seed, made at (ms), CRC-32 of these
 *   frame    marker (4), CRC-32 over length and body, started with the seed (4), length (4), body
 *
 * Marker and seed are random for each segment: a body is a stranger's datagram, and one that held a frame of its own making
 * would otherwise be found when the search for the next frame crosses a corrupt one.
 */
import { crc32 } from 'node:zlib';

/** What the frames of one segment are checked with. */
export interface SegmentKey {
  readonly marker: number;
  readonly seed: number;
}

export interface SegmentHeader extends SegmentKey {
  /** ms since the epoch */
  readonly madeAt: number;
}

/** A frame that holds: where it begins and ends in the segment, and what is in it. */
export interface Frame {
  readonly from: number;
  readonly to: number;
  readonly body: Buffer;
}

/** What was read of a segment. */
export interface Frames {
  readonly frames: readonly Frame[];
  /** Stretches between frames that hold: something was lost there. */
  readonly corrupt: number;
  /** Bytes after the last frame that holds: a write that was cut short, which nobody acked. */
  readonly tornBytes: number;
}

const MAGIC = Buffer.from('RLSPOOL1', 'latin1');
/** Raised when a program of today could not read what one of tomorrow writes. */
export const FORMAT_VERSION = 1;
const HEADER_COPY_BYTES = 64;
/** Two copies, so that no single damaged sector makes a whole segment unreadable. */
export const HEADER_BYTES = 2 * HEADER_COPY_BYTES;
/** Bytes of a frame besides its body. */
export const FRAME_OVERHEAD = 12;
/** Longest body: a UDP datagram has 65,507 bytes, its parsed report as much again in the worst case. */
export const BODY_BYTES_MAX = 1_048_576;

/** A segment written by a newer program. */
export class NewerFormat extends Error {
  override readonly name = 'NewerFormat';
}

export function encodeHeader({ marker, seed, madeAt }: SegmentHeader): Buffer {
  const copy = Buffer.alloc(HEADER_COPY_BYTES);
  MAGIC.copy(copy);
  copy.writeUInt32LE(FORMAT_VERSION, 8);
  copy.writeUInt32LE(marker, 12);
  copy.writeUInt32LE(seed, 16);
  copy.writeDoubleLE(madeAt, 20);
  copy.writeUInt32LE(crc32(copy.subarray(0, HEADER_COPY_BYTES - 4)), HEADER_COPY_BYTES - 4);
  return Buffer.concat([copy, copy]);
}

/**
 * The header of a segment; null when neither copy holds.
 * @throws NewerFormat
 */
export function decodeHeader(bytes: Buffer): SegmentHeader | null {
  for (const at of [0, HEADER_COPY_BYTES]) {
    const copy = bytes.subarray(at, at + HEADER_COPY_BYTES);
    if (copy.length < HEADER_COPY_BYTES || !copy.subarray(0, MAGIC.length).equals(MAGIC)) continue;
    if (copy.readUInt32LE(HEADER_COPY_BYTES - 4) !== crc32(copy.subarray(0, HEADER_COPY_BYTES - 4))) continue;
    const version = copy.readUInt32LE(8);
    if (version > FORMAT_VERSION) throw new NewerFormat(`format ${String(version)}`);
    return { marker: copy.readUInt32LE(12), seed: copy.readUInt32LE(16), madeAt: copy.readDoubleLE(20) };
  }
  return null;
}

/** Frames of these bodies, one after another: what one write appends. */
export function encodeFrames(bodies: readonly Uint8Array[], { marker, seed }: SegmentKey): Buffer {
  const bytes = Buffer.allocUnsafe(bodies.reduce((sum, body) => sum + FRAME_OVERHEAD + body.length, 0));
  let at = 0;
  for (const body of bodies) {
    if (body.length > BODY_BYTES_MAX) throw new Error('a spool record is too long');
    bytes.writeUInt32LE(marker, at);
    bytes.writeUInt32LE(body.length, at + 8);
    bytes.set(body, at + FRAME_OVERHEAD);
    const to = at + FRAME_OVERHEAD + body.length;
    bytes.writeUInt32LE(crc32(bytes.subarray(at + 8, to), seed), at + 4);
    at = to;
  }
  return bytes;
}

/** Every frame that holds from `from` on, in order, and what does not. */
export function decodeFrames(bytes: Buffer, from: number, key: SegmentKey): Frames {
  const frames: Frame[] = [];
  const marker = Buffer.alloc(4);
  marker.writeUInt32LE(key.marker);
  let corrupt = 0;
  let at = from;
  while (at < bytes.length) {
    const frame = frameAt(bytes, at, key);
    if (frame !== null) {
      frames.push(frame);
      at = frame.to;
      continue;
    }
    const next = nextFrame(bytes, at + 1, marker, key);
    if (next === null) return { frames, corrupt, tornBytes: bytes.length - at };
    corrupt += 1;
    at = next;
  }
  return { frames, corrupt, tornBytes: 0 };
}

function frameAt(bytes: Buffer, from: number, { marker, seed }: SegmentKey): Frame | null {
  if (from + FRAME_OVERHEAD > bytes.length || bytes.readUInt32LE(from) !== marker) return null;
  const length = bytes.readUInt32LE(from + 8);
  const to = from + FRAME_OVERHEAD + length;
  if (length > BODY_BYTES_MAX || to > bytes.length) return null;
  if (bytes.readUInt32LE(from + 4) !== crc32(bytes.subarray(from + 8, to), seed)) return null;
  return { from, to, body: bytes.subarray(from + FRAME_OVERHEAD, to) };
}

function nextFrame(bytes: Buffer, from: number, marker: Buffer, key: SegmentKey): number | null {
  for (let at = bytes.indexOf(marker, from); at >= 0; at = bytes.indexOf(marker, at + 1)) {
    if (frameAt(bytes, at, key) !== null) return at;
  }
  return null;
}
