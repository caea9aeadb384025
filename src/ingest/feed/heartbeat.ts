/**
 * The sign of life of a receiver, and what it means for the feed (docs/truth.md 17):
 *
 *   first beat      from the last sign of life of anybody until now nobody served: an outage, however short
 *   when it listens nobody served until now: the outage that the first beat ended goes on until here, unless another serves
 *   later beats     what this receiver's loop stood still for, longer than three heartbeats, and nobody else lived through
 *   any beat        what was dropped since the last one: an overflow, written before W may pass it
 *
 * A beat that is late while the loop ran is no outage: what PostgreSQL did not take meanwhile was refused, and counted.
 */
import type { Span } from '../../delivery/facts.js';
import type { Settings } from '../../notification.js';
import type { Overflow, SweepStore } from '../sweep/sweep.ports.js';
import { outageGap } from '../sweep/sweep.gaps.js';
import { overflowGaps } from './span-gaps.js';

/** What the receiver noticed of itself since the last beat. */
export interface Noticed {
  /** Spans in which the receive loop stood still. */
  readonly stalls: readonly Span[];
  readonly overflows: readonly Overflow[];
  /** The sockets have just been opened, since this instant: whatever stood still before was no listening. */
  readonly openedAt?: number;
}

export const NOTHING_NOTICED: Noticed = { stalls: [], overflows: [] };

export interface HeartbeatOptions {
  readonly receiverId: string;
  readonly settings: Settings;
  readonly heartbeatMs: number;
}

/** A stall of so many heartbeats is an outage; a busy machine stops for less. */
const HEARTBEATS_MISSED = 3;

export class Heartbeat {
  private first = true;
  /** The outage that ended with the first beat, until the sockets are open. */
  private opening: Span | null = null;
  /** What could not be written yet. */
  private pending: Noticed = NOTHING_NOTICED;

  constructor(
    private readonly store: Pick<SweepStore, 'beat' | 'declareOutage' | 'declareOverflow'>,
    private readonly options: HeartbeatOptions,
  ) {}

  /**
   * @param durableThrough up to when everything this receiver received is in PostgreSQL and in `noticed`
   * @returns W
   * @throws whatever the store throws; the next beat says what this one did not
   */
  async beat(now: number, durableThrough: number, noticed: Noticed): Promise<number> {
    const { receiverId, settings } = this.options;
    this.pending = {
      stalls: [...this.pending.stalls, ...noticed.stalls],
      overflows: merged([...this.pending.overflows, ...noticed.overflows]),
    };
    if (this.pending.overflows.length > 0) {
      await this.store.declareOverflow(receiverId, this.pending.overflows, (known) => overflowGaps(known, settings));
      this.pending = { ...this.pending, overflows: [] };
    }
    const { through, aliveAt, othersAliveAt } = await this.store.beat(receiverId, now, durableThrough);
    const stoodStill = !this.first && noticed.openedAt === undefined;
    const outages =
      noticed.openedAt === undefined
        ? this.outages(now, aliveAt, othersAliveAt)
        : this.goesOn(noticed.openedAt, othersAliveAt);
    for (const span of outages) {
      await this.store.declareOutage(receiverId, span, (source) => outageGap(source, span, settings, stoodStill));
    }
    if (this.first) this.opening = outages[0] ?? null;
    this.first = false;
    this.pending = NOTHING_NOTICED;
    // Where the loop stood still may be in the spool yet; the next beat knows.
    return stoodStill ? Math.min(through, ...outages.map(({ from }) => from)) : through;
  }

  /** Starting takes a fraction of a second, and ten on a machine that is busy; another that served meanwhile ends the outage. */
  private goesOn(openedAt: number, othersAliveAt: number | null): readonly Span[] {
    const { opening } = this;
    this.opening = null;
    return opening === null || (othersAliveAt ?? opening.from) > opening.to
      ? []
      : [{ from: opening.from, to: openedAt }];
  }

  private outages(now: number, aliveAt: number | null, othersAliveAt: number | null): readonly Span[] {
    if (this.first) return aliveAt !== null && now > aliveAt ? [{ from: aliveAt, to: now }] : [];
    const allowedMs = HEARTBEATS_MISSED * this.options.heartbeatMs;
    return this.pending.stalls
      .map(({ from, to }) => ({ from: Math.max(from, othersAliveAt ?? from), to }))
      .filter(({ from, to }) => to - from > allowedMs);
  }
}

/** One span per source and reason, so that a database that is away for hours leaves one to write. */
function merged(overflows: readonly Overflow[]): readonly Overflow[] {
  const spans = new Map<string, Overflow>();
  for (const one of overflows) {
    const name = `${one.sourceKey ?? ''}\u0000${one.reason}`;
    const known = spans.get(name);
    spans.set(
      name,
      known === undefined
        ? one
        : {
            ...one,
            ...{ from: Math.min(known.from, one.from), to: Math.max(known.to, one.to) },
            ...{ dropped: known.dropped + one.dropped, received: known.received + one.received },
          },
    );
  }
  return [...spans.values()];
}
