/** What an earlier process left in a spool folder. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { NewSource } from '../../sources/ports.js';
import type { CursorPosition } from './disk/cursor.js';
import { segmentName, sequencesIn } from './disk/folder.js';
import { HEADER_BYTES, NewerFormat } from './disk/frame.js';
import { addTo, type SegmentInfo } from './inventory.js';
import { decodeRecord, peekArrival, peekFact, type SpooledBeat } from './records.js';
import { type ReadSegment, readSegment } from './disk/segment.js';

export interface Left {
  readonly segments: readonly SegmentInfo[];
  /** In the order they were written. */
  readonly beats: readonly SpooledBeat[];
  /** The sources of the arrivals, as they were known then. */
  readonly sources: readonly NewSource[];
  /** The highest number a segment has. */
  readonly last: number;
  /** Stretches that no longer hold what was written, and whole segments without a header. */
  readonly corrupt: number;
}

/**
 * Reads every segment once.
 * @param cursor how far the first of them had drained
 * @throws Error with a sentence for the operator when a newer program wrote one
 */
export async function findLeft(
  folder: string,
  cursor: CursorPosition | null,
  onFault: (text: string) => void,
): Promise<Left> {
  const segments: SegmentInfo[] = [];
  const beats: SpooledBeat[] = [];
  const sources = new Map<string, NewSource>();
  const sequences = sequencesIn(folder);
  let corrupt = 0;
  for (const sequence of sequences) {
    const read = await readLeft(folder, sequence);
    corrupt += tell(sequence, read, onFault);
    const info = infoOf(sequence, read, cursor);
    if (info === null) {
      // Kept for somebody to look at, and out of the way of every later start.
      renameSync(join(folder, segmentName(sequence)), join(folder, `${segmentName(sequence)}.bad`));
      continue;
    }
    segments.push(info);
    for (const { body } of read.frames) {
      if (peekArrival(body) !== null) continue;
      const record = decodeRecord(body);
      if (record.kind === 'beat') beats.push(record.beat);
      else if (record.kind === 'source') sources.set(record.source.key, record.source);
    }
  }
  return { segments, beats, sources: [...sources.values()], last: sequences.at(-1) ?? 0, corrupt };
}

async function readLeft(folder: string, sequence: number): Promise<ReadSegment> {
  try {
    return await readSegment(folder, sequence);
  } catch (error) {
    if (!(error instanceof NewerFormat)) throw error;
    throw new Error('The spool was written by a newer Ringledger: start that one, so that it can be emptied.', {
      cause: error,
    });
  }
}

function tell(sequence: number, { key, corrupt, tornBytes }: ReadSegment, onFault: (text: string) => void): number {
  const name = `Spool segment ${String(sequence)}`;
  if (key === null) {
    // A process killed before its first sync leaves a file shorter than a header; nothing in it was acked.
    if (tornBytes < HEADER_BYTES) return 0;
    onFault(`${name} has no header that holds and cannot be read; it is kept as ${segmentName(sequence)}.bad.`);
    return 1;
  }
  if (tornBytes > 0) onFault(`${name} ends in ${String(tornBytes)} bytes of a write that was cut short.`);
  if (corrupt > 0) onFault(`${name} is corrupt in ${String(corrupt)} place(s): what stood there is lost.`);
  return corrupt;
}

function infoOf(sequence: number, { key, frames }: ReadSegment, cursor: CursorPosition | null): SegmentInfo | null {
  if (key === null) return null;
  const known = cursor !== null && cursor.key.marker === key.marker && cursor.key.seed === key.seed;
  const drainedTo = known ? cursor.offset : HEADER_BYTES;
  const waiting = new Map<string, number>();
  let oldestAt = Number.POSITIVE_INFINITY;
  for (const { from, body } of frames) {
    if (from < drainedTo) continue;
    const arrival = peekArrival(body);
    if (arrival === null) {
      oldestAt = Math.min(oldestAt, peekFact(body) ?? Number.POSITIVE_INFINITY);
      continue;
    }
    addTo(waiting, arrival.sourceKey, 1);
    oldestAt = Math.min(oldestAt, arrival.at);
  }
  const bytes = frames.at(-1)?.to ?? HEADER_BYTES;
  return { sequence, key, bytes, oldestAt, waiting, settled: new Set(), found: true, drainedTo };
}
