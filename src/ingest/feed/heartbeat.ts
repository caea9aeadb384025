/**
 * The sign of life of a receiver, and what it means for the feed (docs/truth.md 17):
 *
 *   first beat      from the last sign of life of anybody until now nobody served: an outage, however short. But not yet where
 *                   another may serve: it has not stopped, and is not gone. It may also just have been killed, so this is in doubt
 *   when it listens nobody served until now: the outage that the first beat ended goes on until here, unless another serves
 *   in doubt        another beats after this one listens: it served, and there was none. None does until it is gone: an outage, from
 *                   its last sign of life until this one listened. So too when this one stops before either. Three heartbeats
 *                   would not do: beside a database that is slow for as long, the other's beat is late and its receiving is not
 *   later beats     what this receiver's loop stood still for, longer than three heartbeats, and nobody else lived through
 *   any beat        what was dropped since the last one: an overflow, written before W may pass it
 *
 * In doubt a receiver beats with the time of the other's last sign, and W stands there: should it be killed too, whoever comes
 * next counts from that sign on, and no outcome was inferred over an outage nobody had declared.
 *
 * A beat that is late while the loop ran is no outage: what PostgreSQL did not take meanwhile was refused, and counted.
 */
import type { Span } from '../../delivery/facts.js';
import { RECEIVER_GONE_MS, type Settings } from '../../notification.js';
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
  /** The sockets are closed, and no other beat follows. */
  readonly isLast?: boolean;
}

export const NOTHING_NOTICED: Noticed = { stalls: [], overflows: [] };

export interface HeartbeatOptions {
  readonly receiverId: string;
  readonly settings: Settings;
  readonly heartbeatMs: number;
}

/** A stall of so many heartbeats is an outage; a busy machine stops for less. */
const HEARTBEATS_MISSED = 3;

/** Whether another receiver served before this one did is not known yet. */
interface Doubt {
  /** Its last sign of life. */
  readonly from: number;
  /** Since when this receiver listens; until it does, the instant of its first beat. */
  readonly openedAt: number;
  /** When this receiver began to wait for another sign, by its own clock. */
  readonly since: number;
}

export class Heartbeat {
  private first = true;
  /** The outage that ended with the first beat, until the sockets are open. */
  private opening: Span | null = null;
  private doubt: Doubt | null = null;
  /** What could not be written yet. */
  private pending: Noticed = NOTHING_NOTICED;

  constructor(
    private readonly store: Pick<SweepStore, 'lastSigns' | 'beat' | 'declareOutage' | 'declareOverflow'>,
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
      ...this.pending,
      ...noticed,
      stalls: [...this.pending.stalls, ...noticed.stalls],
      overflows: merged([...this.pending.overflows, ...noticed.overflows]),
    };
    if (this.pending.overflows.length > 0) {
      await this.store.declareOverflow(receiverId, this.pending.overflows, (known) => overflowGaps(known, settings));
      this.pending = { ...this.pending, overflows: [] };
    }
    const unserved = this.first ? await this.begins(now) : [];
    const from = this.doubt?.from ?? Number.POSITIVE_INFINITY;
    const sign = Math.min(now, from);
    const { through, othersAliveAt } = await this.store.beat(receiverId, sign, Math.min(durableThrough, from - 1));
    const { openedAt } = this.pending;
    const known = this.first ? { spans: unserved, doubt: this.doubt } : this.listens(now, this.pending, othersAliveAt);
    for (const span of known.spans) await this.declare(span, false);
    const stalls = this.first || openedAt !== undefined ? [] : this.stoodStill(othersAliveAt);
    for (const span of stalls) await this.declare(span, true);
    this.doubt = known.doubt;
    if (this.first) this.opening = unserved[0] ?? null;
    else if (openedAt !== undefined) this.opening = null;
    this.first = false;
    this.pending = NOTHING_NOTICED;
    // Where the loop stood still may be in the spool yet; the next beat knows.
    return Math.min(through, ...stalls.map((span) => span.from));
  }

  private declare(span: Span, stoodStill: boolean): Promise<void> {
    const { receiverId, settings } = this.options;
    const outage = { ...span, stoodStill };
    return this.store.declareOutage(receiverId, outage, (source) => outageGap(source, outage, settings));
  }

  /** What the first beat ends. */
  private async begins(now: number): Promise<readonly Span[]> {
    const { aliveAt, mayServe } = await this.store.lastSigns(this.options.receiverId, now);
    if (aliveAt === null) return [];
    this.doubt = mayServe ? { from: Math.min(aliveAt, now), openedAt: now, since: now } : null;
    return mayServe || now <= aliveAt ? [] : [{ from: aliveAt, to: now }];
  }

  /** What is known by now of the time before the sockets were open. */
  private listens(
    now: number,
    { openedAt, isLast }: Noticed,
    othersAliveAt: number | null,
  ): { readonly spans: readonly Span[]; readonly doubt: Doubt | null } {
    const { doubt } = this;
    if (doubt === null) return { spans: openedAt === undefined ? [] : this.goesOn(openedAt, othersAliveAt), doubt };
    const sign = Math.max(doubt.from, othersAliveAt ?? doubt.from);
    // Whether the sign is older than the sockets, the clocks of two machines do not tell; the next one is younger.
    if (openedAt !== undefined) return { spans: [], doubt: { from: sign, openedAt, since: now } };
    if (sign > doubt.from) return { spans: [], doubt: null };
    const gone = isLast === true || now - doubt.since >= RECEIVER_GONE_MS;
    if (!gone) return { spans: [], doubt };
    return { spans: doubt.from < doubt.openedAt ? [{ from: doubt.from, to: doubt.openedAt }] : [], doubt: null };
  }

  /** Starting takes a fraction of a second, and ten on a machine that is busy; another that served meanwhile ends the outage. */
  private goesOn(openedAt: number, othersAliveAt: number | null): readonly Span[] {
    const { opening } = this;
    return opening === null || (othersAliveAt ?? opening.from) > opening.to
      ? []
      : [{ from: opening.from, to: openedAt }];
  }

  private stoodStill(othersAliveAt: number | null): readonly Span[] {
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
