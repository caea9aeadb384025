/** What the spool holds, in numbers: its segments in the order they drain. */
import type { SegmentKey } from './disk/frame.js';

/** One segment: what is in it, and how much of that is in the database by now. */
export interface SegmentInfo {
  readonly sequence: number;
  readonly key: SegmentKey;
  /** Up to here it was synced, or found whole. */
  bytes: number;
  /** Where W must wait: the oldest receipt among its arrivals, or where a fact begins; Infinity when it holds none. */
  oldestAt: number;
  /** Arrivals of each source that have not drained. */
  readonly waiting: Map<string, number>;
  /** Where frames begin whose arrivals are known to be stored although they have not drained. */
  readonly settled: Set<number>;
  /** An earlier process left it. */
  readonly found: boolean;
  /** Everything before this byte is in the database. */
  drainedTo: number;
}

/** Where an arrival is kept. */
export interface SpoolPlace {
  readonly segment: SegmentInfo;
  /** Where its frame begins. */
  readonly from: number;
}

export class Inventory {
  private readonly segments: SegmentInfo[] = [];

  add(segment: SegmentInfo): void {
    this.segments.push(segment);
  }

  remove(segment: SegmentInfo): void {
    this.segments.splice(this.segments.indexOf(segment), 1);
  }

  /** The segment to drain first; null when there is none. */
  first(): SegmentInfo | null {
    return this.segments[0] ?? null;
  }

  bytes(): number {
    return this.segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Where W must wait for a segment that has not drained whole; null when there is no arrival and no fact. */
  oldestAt(): number | null {
    const oldest = this.segments.reduce((least, { oldestAt }) => Math.min(least, oldestAt), Number.POSITIVE_INFINITY);
    return Number.isFinite(oldest) ? oldest : null;
  }

  /** Arrivals that wait. */
  depth(): number {
    let depth = 0;
    for (const { waiting, settled } of this.segments) {
      for (const count of waiting.values()) depth += count;
      depth -= settled.size;
    }
    return depth;
  }

  /** Arrivals of each source that wait. */
  waiting(): ReadonlyMap<string, number> {
    const total = new Map<string, number>();
    for (const { waiting } of this.segments) for (const [source, count] of waiting) addTo(total, source, count);
    return total;
  }
}

export function addTo(counts: Map<string, number>, source: string, count: number): void {
  counts.set(source, (counts.get(source) ?? 0) + count);
}
