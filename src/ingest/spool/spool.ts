/**
 * The spool: synced files that take arrivals, beats and facts while the database does not.
 *
 * A record is *handed in*, *written* with everything else handed in meanwhile, and *kept* once one sync has put the lot on
 * the disk; only then may it be acked. A write or sync that fails is never asked again: its segment is cut to the last
 * good sync and given up, the lot is written to a new one, and when that fails too it is refused, for a second without
 * another try. Refused as `spool_full` is what goes beyond SPOOL_MAX_BYTES or leaves less than SPOOL_MIN_FREE_BYTES of the disk.
 */
import type { Clock } from '../../clock.js';
import type { Arrival } from '../../notification.js';
import type { NewSource } from '../../sources/ports.js';
import { Cursor } from './disk/cursor.js';
import { takeFolder } from './disk/folder.js';
import { type Frame, FRAME_OVERHEAD } from './disk/frame.js';
import { addTo, Inventory, type SegmentInfo, type SpoolPlace } from './inventory.js';
import { findLeft, type Left } from './left.js';
import { dropLock } from './disk/lock.js';
import { encodeArrival, encodeBeat, encodeFact, type SpooledBeat, type SpooledFact } from './records.js';
import { Room } from './disk/room.js';
import { type OpenFile, openFile, readSegment, removeSegment } from './disk/segment.js';
import { Tail } from './disk/tail.js';

/** Why the spool took nothing. */
export type SpoolRefusal = 'spool_full' | 'spool_failed';
/** Arrivals kept on the disk, each at its place; or nothing was kept. */
export type Kept =
  | { readonly kept: true; readonly places: readonly SpoolPlace[] }
  | { readonly kept: false; readonly reason: SpoolRefusal };

export interface SpoolOptions {
  /** SPOOL_DIR: each process takes a folder of its own in it. */
  readonly root: string;
  readonly bytesMax: number;
  readonly freeBytesMin: number;
  readonly clock: Clock;
  /** The row of a source, to be stored before its arrivals. */
  readonly sourceOf: (key: string) => NewSource;
  /** Told, in a sentence, of everything that should not happen. */
  readonly onFault: (text: string) => void;
  /** 8 MB by default: about 16,000 arrivals. W waits for a whole segment, and it drains within seconds. */
  readonly segmentBytes?: number;
  readonly openWith?: OpenFile;
}

/** What the spool holds and has seen. Counts are since the process started. */
export interface SpoolDepth {
  /** Arrivals that wait for the database. */
  readonly depth: number;
  readonly bytes: number;
  readonly bytesMax: number;
  /** Age of the oldest arrival of a segment that has not drained whole; null when there is none. */
  readonly oldestAgeMs: number | null;
  /** Arrivals that an earlier process left behind. */
  readonly recovered: number;
  /** Arrivals kept; arrivals that have drained. */
  readonly kept: number;
  readonly drained: number;
  /** Stretches of segments that no longer held what was written, and records that could never be stored. */
  readonly corrupt: number;
  /** Segments given up after a failed write or sync. */
  readonly abandoned: number;
}

interface Handed {
  readonly bodies: readonly Buffer[];
  readonly arrivals: readonly Arrival[];
  readonly bytes: number;
  /** Beats and facts are few and small: they may go beyond the limit, or a full spool would look like an outage. */
  readonly reserved: boolean;
  /** Where W must wait for a fact; Infinity for anything else. */
  readonly since: number;
  readonly answer: (kept: Kept) => void;
}

const SEGMENT_BYTES = 8 * 1024 * 1024;
const REFUSE_MS = 1_000;
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT']);

export class Spool {
  private readonly inventory = new Inventory();
  private readonly cursor: Cursor;
  private readonly room: Room;
  private readonly tail: Tail;
  private handed: Handed[] = [];
  private turn: Promise<void> = Promise.resolve();
  private writing = false;
  private refused: { readonly until: number; readonly reason: SpoolRefusal } = { until: 0, reason: 'spool_failed' };
  private readonly counts = { recovered: 0, kept: 0, drained: 0, corrupt: 0, abandoned: 0 };

  private constructor(
    private readonly options: SpoolOptions,
    private readonly folder: string,
    /** What an earlier process left. */
    readonly left: Left,
  ) {
    const { clock, sourceOf, segmentBytes = SEGMENT_BYTES, openWith = openFile } = options;
    this.cursor = new Cursor(folder);
    this.room = new Room(folder, options);
    const { inventory } = this;
    this.tail = new Tail({ folder, inventory, clock, sourceOf, segmentBytes, openWith, last: left.last });
    for (const segment of left.segments) inventory.add(segment);
    this.counts.corrupt = left.corrupt;
    this.counts.recovered = inventory.depth();
  }

  /**
   * Takes a folder and counts what is left in it; 1 GB takes about a second.
   * @throws Error with a sentence for the operator
   */
  static async open(options: SpoolOptions): Promise<Spool> {
    const folder = await takeFolder(options.root);
    try {
      const left = await findLeft(folder, new Cursor(folder).read(), options.onFault);
      return new Spool(options, folder, left);
    } catch (error) {
      dropLock(folder);
      throw error;
    }
  }

  /** Keeps arrivals: on the disk when this resolves, together or not at all. Never rejects. */
  keep(arrivals: readonly Arrival[]): Promise<Kept> {
    return this.hand(arrivals.map(encodeArrival), arrivals, false);
  }

  /** Keeps a sign of life; false when the disk takes nothing. */
  async keepBeat(beat: SpooledBeat): Promise<boolean> {
    return (await this.hand([encodeBeat(beat)], [], true)).kept;
  }

  /** Keeps a fact for the database; false when the disk takes nothing. Writing a fact twice must do no harm. */
  async keepFact(fact: SpooledFact): Promise<boolean> {
    return (await this.hand([encodeFact(fact)], [], true, fact.from ?? undefined)).kept;
  }

  /** What is kept there is stored after all, and need not drain. */
  settle({ segment, from }: SpoolPlace): void {
    segment.settled.add(from);
  }

  /** The segment to drain first, ended if it was still being written; null when the spool is empty. */
  async oldest(): Promise<SegmentInfo | null> {
    const first = this.inventory.first();
    if (first !== null && first === this.tail.segment()) await this.inTurn(() => this.tail.seal());
    return first;
  }

  /**
   * Reads a segment; complains when it no longer holds what was written.
   * @throws whatever the file system throws
   */
  async read(segment: SegmentInfo): Promise<readonly Frame[]> {
    const { frames, corrupt, tornBytes } = await readSegment(this.folder, segment.sequence, segment.bytes);
    const damaged = corrupt + (tornBytes > 0 ? 1 : 0);
    if (damaged > 0 && !segment.found) {
      this.counts.corrupt += damaged;
      this.options.onFault(`Spool segment ${String(segment.sequence)} is corrupt in ${String(damaged)} place(s).`);
    }
    return frames;
  }

  /** Everything of a segment before `to` is in the database: these frames, of these sources, have drained. */
  advance(
    segment: SegmentInfo,
    to: number,
    drained: readonly { readonly from: number; readonly source: string }[],
  ): void {
    for (const { from, source } of drained) {
      addTo(segment.waiting, source, -1);
      segment.settled.delete(from);
    }
    this.counts.drained += drained.length;
    segment.drainedTo = to;
    this.cursor.write({ key: segment.key, offset: to });
  }

  /** Removes a segment of which everything is in the database. */
  async remove(segment: SegmentInfo): Promise<void> {
    await removeSegment(this.folder, segment.sequence);
    this.inventory.remove(segment);
  }

  /** Counts a record that can never be stored and is passed over, as what is corrupt is. */
  passOver(): void {
    this.counts.corrupt += 1;
  }

  isEmpty(): boolean {
    return this.inventory.first() === null;
  }

  /** W must not pass it: up to when nothing waits. Null when no arrival and no fact waits. */
  oldestAt(): number | null {
    return this.inventory.oldestAt();
  }

  /** Acked arrivals of each source that wait for the database. */
  waiting(): ReadonlyMap<string, number> {
    return this.inventory.waiting();
  }

  state(): SpoolDepth {
    const { inventory, counts, options } = this;
    const oldestAt = inventory.oldestAt();
    return {
      ...{ depth: inventory.depth(), bytes: inventory.bytes(), bytesMax: options.bytesMax },
      oldestAgeMs: oldestAt === null ? null : Math.max(0, options.clock.now() - oldestAt),
      ...counts,
    };
  }

  /** Ends what is being written and gives the folder back; what is in it waits for the next start. */
  async close(): Promise<void> {
    await this.inTurn(() => this.tail.seal());
    this.cursor.close(this.isEmpty());
    dropLock(this.folder);
  }

  private hand(
    bodies: readonly Buffer[],
    arrivals: readonly Arrival[],
    reserved: boolean,
    since = Number.POSITIVE_INFINITY,
  ): Promise<Kept> {
    const bytes = bodies.reduce((sum, body) => sum + FRAME_OVERHEAD + body.length, 0);
    return new Promise((answer) => {
      this.handed.push({ bodies, arrivals, bytes, reserved, since, answer });
      if (this.writing) return;
      this.writing = true;
      void this.inTurn(() => this.pump());
    });
  }

  /** One thing at a time touches the segment being written. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(work);
    return this.turn;
  }

  private async pump(): Promise<void> {
    while (this.handed.length > 0) {
      const all = this.handed;
      this.handed = [];
      const fitting = await this.fitting(all);
      if (fitting.length > 0) await this.write(fitting);
    }
    this.writing = false;
  }

  /** Refuses what there is no room for. */
  private async fitting(all: readonly Handed[]): Promise<readonly Handed[]> {
    const now = this.options.clock.now();
    const fits = now < this.refused.until ? null : await this.room.measure(this.inventory.bytes(), now);
    return all.filter((one) => {
      if (fits?.(one.bytes, one.reserved) === true) return true;
      one.answer({ kept: false, reason: fits === null ? this.refused.reason : 'spool_full' });
      return false;
    });
  }

  private async write(all: readonly Handed[]): Promise<void> {
    for (const triesLeft of [1, 0]) {
      try {
        const arrivals = all.flatMap((one) => one.arrivals);
        const place = await this.tail.append(
          arrivals,
          all.flatMap(({ bodies }) => bodies),
          Math.min(...all.map(({ since }) => since)),
        );
        this.counts.kept += arrivals.length;
        this.answer(all, place);
        return;
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
        this.counts.abandoned += 1;
        this.options.onFault(`The spool could not be written (${code}): the segment is given up.`);
        await this.tail.abandon();
        if (triesLeft === 0) this.refuse(all, NO_ROOM.has(code) ? 'spool_full' : 'spool_failed');
      }
    }
  }

  private answer(all: readonly Handed[], { segment, from }: SpoolPlace): void {
    let at = from;
    for (const { bodies, arrivals, answer } of all) {
      const places = bodies.map((body) => {
        const place = { segment, from: at };
        at += FRAME_OVERHEAD + body.length;
        return place;
      });
      answer({ kept: true, places: arrivals.length === 0 ? [] : places });
    }
  }

  private refuse(all: readonly Handed[], reason: SpoolRefusal): void {
    this.refused = { until: this.options.clock.now() + REFUSE_MS, reason };
    this.options.onFault('The spool takes nothing: what is received now is not acknowledged.');
    for (const { answer } of all) answer({ kept: false, reason });
  }
}
