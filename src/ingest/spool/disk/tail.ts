/** The segment being written: made when there is something to write, ended when it is long enough. */
import type { Clock } from '../../../clock.js';
import type { Arrival } from '../../../notification.js';
import type { NewSource } from '../../../sources/ports.js';
import { FRAME_OVERHEAD, HEADER_BYTES } from './frame.js';
import { addTo, type Inventory, type SegmentInfo, type SpoolPlace } from '../inventory.js';
import { encodeSource } from '../records.js';
import { type OpenFile, SegmentWriter } from './segment.js';

export interface TailOptions {
  readonly folder: string;
  readonly inventory: Inventory;
  readonly clock: Clock;
  readonly sourceOf: (key: string) => NewSource;
  readonly segmentBytes: number;
  readonly openWith: OpenFile;
  /** The highest number a segment has. */
  readonly last: number;
}

interface Current {
  readonly writer: SegmentWriter;
  readonly info: SegmentInfo;
  /** Sources whose row it holds. */
  readonly sources: Set<string>;
}

export class Tail {
  private current: Current | null = null;
  private last: number;

  constructor(private readonly options: TailOptions) {
    this.last = options.last;
  }

  /** The segment being written; null when none is. */
  segment(): SegmentInfo | null {
    return this.current?.info ?? null;
  }

  /**
   * Appends records with one sync, the rows of their sources before them.
   * @param arrivals the arrivals among the records
   * @param since where W must wait for the others
   * @returns where the first record is
   * @throws whatever the file system throws; {@link abandon} must follow
   */
  async append(arrivals: readonly Arrival[], bodies: readonly Buffer[], since: number): Promise<SpoolPlace> {
    this.current ??= await this.make();
    const { writer, info, sources } = this.current;
    const fresh = [...new Set(arrivals.map(({ sourceKey }) => sourceKey))].filter((key) => !sources.has(key));
    const rows = fresh.map((key) => encodeSource(this.options.sourceOf(key)));
    const from = rows.reduce((at, row) => at + FRAME_OVERHEAD + row.length, writer.bytes);
    info.bytes = await writer.append([...rows, ...bodies]);
    for (const key of fresh) sources.add(key);
    info.oldestAt = Math.min(info.oldestAt, since);
    for (const { sourceKey, stamp } of arrivals) {
      addTo(info.waiting, sourceKey, 1);
      info.oldestAt = Math.min(info.oldestAt, stamp.at);
    }
    if (info.bytes >= this.options.segmentBytes) await this.seal();
    return { segment: info, from };
  }

  /** Ends the segment as it is. */
  async seal(): Promise<void> {
    const { current } = this;
    this.current = null;
    // Everything in it is synced: an error here takes nothing back.
    await current?.writer.close().catch(() => undefined);
  }

  /** Gives the segment up after a failure: what was synced before stays readable. */
  async abandon(): Promise<void> {
    const { current } = this;
    this.current = null;
    await current?.writer.abandon();
  }

  private async make(): Promise<Current> {
    const { folder, clock, openWith, inventory } = this.options;
    const sequence = ++this.last;
    const writer = await SegmentWriter.make(folder, sequence, clock.now(), openWith);
    const info: SegmentInfo = {
      ...{ sequence, key: writer.key, bytes: writer.bytes, oldestAt: Number.POSITIVE_INFINITY, waiting: new Map() },
      ...{ settled: new Set(), found: false, drainedTo: HEADER_BYTES },
    };
    inventory.add(info);
    return { writer, info, sources: new Set() };
  }
}
