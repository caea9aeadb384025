/**
 * Signs of life and feed facts on their way into the database. While it is away they are kept in the spool, where acks are
 * durable too (docs/truth.md 17): a receiver that served through a database outage was no outage of ours, and after a crash the next
 * start knows until when it served. W waits for a fact in the spool as it does for an arrival.
 *
 * A start waits for the database however slow it is: the first beat tells since when nobody served, and from the spool it could not.
 */
import { within } from '../../clock.js';
import type { Outage } from '../../delivery/facts.js';
import type { Gap } from '../../notification.js';
import type { Beat, LastSigns, Overflow, OverflowKnown, SweepStore } from '../sweep/sweep.ports.js';
import type { SpooledBeat, SpooledFact } from './records.js';
import type { Standby } from './standby.js';

/** What the feed asks of storage. */
export type FeedStore = Pick<SweepStore, 'lastSigns' | 'beat' | 'declareOutage' | 'declareOverflow'>;

/** How facts from the spool become gaps: the same as if they had been declared at once. */
export interface FactGaps {
  readonly outage: (sourceKey: string, outage: Outage) => Gap;
  readonly overflow: (known: OverflowKnown) => readonly Gap[];
}

interface SpooledOutage {
  readonly receiverId: string;
  readonly span: Outage;
}

interface SpooledOverflow {
  readonly receiverId: string;
  readonly overflows: readonly Overflow[];
}

export class SpooledFeedStore implements FeedStore {
  /** As the last beat that reached the database gave it: W stands still while it is away. */
  private last: Beat = { through: Number.NEGATIVE_INFINITY, othersAliveAt: null };

  /** Something was asked and is not answered yet. */
  private waiting = false;

  constructor(
    private readonly store: FeedStore,
    private readonly standby: Standby,
  ) {}

  lastSigns(receiverId: string, now: number): Promise<LastSigns> {
    return this.store.lastSigns(receiverId, now);
  }

  async beat(receiverId: string, now: number, durableThrough: number): Promise<Beat> {
    const through = Math.min(durableThrough, this.standby.durableThrough(durableThrough + 1) - 1);
    const beat = await this.try(() => this.store.beat(receiverId, now, through));
    if (beat !== null) {
      this.last = beat;
      return beat;
    }
    await this.standby.keepBeat({ receiverId, at: now });
    return this.last;
  }

  async declareOutage(receiverId: string, span: Outage, gaps: (sourceKey: string) => Gap): Promise<void> {
    const value: SpooledOutage = { receiverId, span };
    const done = await this.try(() => this.store.declareOutage(receiverId, span, gaps).then(() => true));
    if (done === null) await this.keep({ name: 'outage', value, from: span.from });
  }

  async declareOverflow(
    receiverId: string,
    overflows: readonly Overflow[],
    gaps: (known: OverflowKnown) => readonly Gap[],
  ): Promise<void> {
    const value: SpooledOverflow = { receiverId, overflows };
    const done = await this.try(() => this.store.declareOverflow(receiverId, overflows, gaps).then(() => true));
    if (done === null)
      await this.keep({ name: 'overflow', value, from: Math.min(...overflows.map(({ from }) => from)) });
  }

  /**
   * Null when the database is away or takes too long: the spool has it then. No ack waits for a beat, so the circuit is told
   * of one that is slow only when it must be taken for lost; until then no other is sent after it.
   */
  private async try<T>(ask: () => Promise<T>): Promise<T | null> {
    const { standby } = this;
    if (!standby.hasStarted()) return ask();
    if (standby.isAway() || this.waiting) return null;
    const asked = ask();
    this.waiting = true;
    const lost = setTimeout(() => standby.failed('a beat takes too long'), standby.patienceMs);
    const ended = asked
      .catch(() => standby.failed('a beat was not written'))
      .finally(() => {
        clearTimeout(lost);
        this.waiting = false;
      });
    try {
      const answer = await within(asked, standby.afterMs);
      await ended;
      return answer;
    } catch {
      return null;
    }
  }

  /** W never goes back: of what lies before it only the rest is waited for. */
  private async keep(fact: SpooledFact & { readonly from: number }): Promise<void> {
    const from = Math.max(fact.from, this.last.through);
    if (!(await this.standby.keepFact({ ...fact, from })))
      throw new Error('neither database nor spool took a fact of the feed');
  }
}

/** The last sign of life of each receiver whose spool was found: until then it served. */
export function lastBeats(beats: readonly SpooledBeat[]): readonly SpooledBeat[] {
  const last = new Map<string, SpooledBeat>();
  for (const beat of beats) if (beat.at > (last.get(beat.receiverId)?.at ?? 0)) last.set(beat.receiverId, beat);
  return [...last.values()];
}

/** Writes a fact from the spool. */
export async function writeFact(store: FeedStore, { name, value }: SpooledFact, gaps: FactGaps): Promise<void> {
  if (name === 'outage') {
    const { receiverId, span } = value as SpooledOutage;
    await store.declareOutage(receiverId, span, (sourceKey) => gaps.outage(sourceKey, span));
  } else if (name === 'overflow') {
    const { receiverId, overflows } = value as SpooledOverflow;
    await store.declareOverflow(receiverId, overflows, gaps.overflow);
  } else {
    throw new Error(`a fact of the unknown name ${name} in the spool`);
  }
}
