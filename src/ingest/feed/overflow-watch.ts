/**
 * What this receiver dropped since it last looked: datagrams the kernel had no room for, and those we refused for want of
 * room or of a database (docs/truth.md 17). Counters are compared with what they were, so counting costs ingest nothing.
 */
import type { Clock } from '../../clock.js';
import type { Counted } from '../../metrics.js';
import type { Overflow } from '../sweep/sweep.ports.js';

export interface OverflowWatchOptions {
  readonly clock: Clock;
  /** Datagrams the kernel dropped so far; null where it does not tell. */
  readonly kernelDrops: () => Promise<number | null>;
  /** Datagrams read so far. */
  readonly received: () => number;
  /** What became of them so far, by source. */
  readonly counts: () => readonly Counted[];
  /** Up to when everything that arrived is stored or refused; what waits in the kernel is not yet. */
  readonly durableThrough: (now: number) => number;
}

/** What a look found, and up to when it tells all. */
export interface Look {
  readonly through: number;
  readonly overflows: readonly Overflow[];
}

interface Sums {
  readonly taken: ReadonlyMap<string, number>;
  /** By source and reason. */
  readonly refused: ReadonlyMap<
    string,
    { readonly sourceKey: string; readonly reason: string; readonly count: number }
  >;
}

export class OverflowWatch {
  private drops = 0;
  private received = 0;
  private sums: Sums = { taken: new Map(), refused: new Map() };
  private droppedThrough: number;
  private refusedThrough: number;

  constructor(private readonly options: OverflowWatchOptions) {
    this.droppedThrough = options.clock.now();
    this.refusedThrough = this.droppedThrough;
  }

  /**
   * Looks once. What is refused now may have been received when the last look found it still waiting, so its span begins
   * where everything was stored or refused then.
   */
  async look(): Promise<Look> {
    const readAt = this.options.clock.now();
    const drops = await this.options.kernelDrops();
    const now = this.options.clock.now();
    const through = Math.min(readAt, this.options.durableThrough(now));
    const overflows = [...this.dropped(drops, readAt), ...this.refused(now)];
    this.droppedThrough = readAt;
    this.refusedThrough = through;
    return { through, overflows };
  }

  private dropped(drops: number | null, readAt: number): readonly Overflow[] {
    const read = this.options.received();
    const received = read - this.received;
    this.received = read;
    // Fewer than before: the sockets were opened anew.
    const dropped = drops === null ? 0 : drops < this.drops ? drops : drops - this.drops;
    this.drops = drops ?? this.drops;
    if (dropped === 0) return [];
    return [{ sourceKey: null, reason: 'kernel', from: this.droppedThrough, to: readAt, dropped, received }];
  }

  private refused(now: number): readonly Overflow[] {
    const before = this.sums;
    this.sums = sumsOf(this.options.counts());
    return [...this.sums.refused].flatMap(([name, { sourceKey, reason, count }]) => {
      const dropped = count - (before.refused.get(name)?.count ?? 0);
      const received = (this.sums.taken.get(sourceKey) ?? 0) - (before.taken.get(sourceKey) ?? 0);
      return dropped > 0 ? [{ sourceKey, reason, from: this.refusedThrough, to: now, dropped, received }] : [];
    });
  }
}

/** Refusals without a source are of addresses that are none of ours, or one too many. */
function sumsOf(lines: readonly Counted[]): Sums {
  const taken = new Map<string, number>();
  const refused = new Map<string, { sourceKey: string; reason: string; count: number }>();
  for (const { source, fate, reason, count } of lines) {
    if (fate !== 'refused') taken.set(source, (taken.get(source) ?? 0) + count);
    else if (source !== '') refused.set(`${source}\u0000${reason}`, { sourceKey: source, reason, count });
  }
  return { taken, refused };
}
