/**
 * Quarantined datagrams read again, once an operator has said how their source writes.
 *
 * They keep the receipts they were stamped with and go through the ordinary group commit; what is stored leaves quarantine
 * afterwards. A stop between the two leaves them in both, and the next replay finds duplicates: nothing is lost or doubled
 * but counts of copies. Nothing is acknowledged, because the sender has given up long ago. They were received once and are
 * counted as quarantined (law 3); a replay is counted apart, in what it answers.
 */
import type { Clock } from '../../clock.js';
import type { Arrival } from '../../notification.js';
import { isTwinKey, type SourceRegistry } from '../../sources/registry.js';
import { parseTwin } from '../../wire/twin.js';
import type { GroupCommit } from '../commit/group-commit.js';
import { type QuarantinedDatagram, StoreUnavailable } from '../ports.js';
import type { ReplayStore } from './replay.ports.js';

export interface ReplayOptions {
  readonly store: ReplayStore;
  readonly sources: Pick<SourceRegistry, 'read' | 'keys'>;
  readonly groupCommit: Pick<GroupCommit, 'submit'>;
  readonly clock: Clock;
  readonly horizonMs: number;
}

/** What one replay did. */
export interface Replayed {
  /** Datagrams looked at; copies of one count once. */
  readonly looked: number;
  /** Stored now, and gone from quarantine. */
  readonly stored: number;
  /** Of those stored, the ones that were stored before already. */
  readonly duplicate: number;
  /** Still unreadable, by reason; they stay. */
  readonly unreadable: Readonly<Record<string, number>>;
  /** Readable but without room or database just now; they stay, to be replayed again. */
  readonly refused: number;
  /** The first receipt of the oldest one stored, ms since the epoch; null when none was. */
  readonly oldestAt: number | null;
  /** What to go on after; null when there are no more. */
  readonly next: string | null;
}

/** Rows of one replay at most: a second of work, so that a request is answered and the caller asks again. */
export const REPLAY_MAX = 500;
/** Arrivals handed to group commit at once: a hundredth of its queue, so that live traffic finds room. */
const AT_ONCE = 200;
/** Copies of one datagram replayed at most; more than 1 + RETRY is no IVR's doing. */
const COPIES_MAX = 100;

type Submission = Awaited<ReturnType<GroupCommit['submit']>>;
/** Outcomes that are in PostgreSQL; what a spool took is there later, and may leave quarantine only then. */
const IN_LEDGER: ReadonlySet<string> = new Set(['first', 'duplicate', 'conflict']);

interface Readable {
  readonly row: QuarantinedDatagram;
  readonly arrivals: readonly Arrival[];
}

export class Replay {
  constructor(private readonly options: ReplayOptions) {}

  /**
   * Reads up to `limit` quarantined datagrams of a source again; null when there is no such source.
   * @param after what `next` said the last time; null: from the oldest
   * @throws StoreUnavailable
   */
  async run(sourceKey: string, after: string | null, limit: number): Promise<Replayed | null> {
    const { store, sources, clock } = this.options;
    if (!sources.keys().includes(sourceKey)) return null;
    const rows = await store.page(sourceKey, after, Math.min(limit, REPLAY_MAX));
    const readable: Readable[] = [];
    const unreadable: Record<string, number> = {};
    for (const row of rows) {
      const read = this.read(row);
      if (typeof read === 'string') unreadable[read] = (unreadable[read] ?? 0) + 1;
      else readable.push({ row, arrivals: read });
    }
    const outcomes = await this.submit(readable);
    const stored = outcomes.filter(({ outcome }) => outcome !== null);
    const ids = stored.map(({ row }) => row.id);
    if (ids.length > 0) await store.leave(sourceKey, ids, clock.now());
    const last = rows.at(-1);
    return {
      looked: rows.length,
      stored: stored.length,
      duplicate: stored.filter(({ outcome }) => outcome === 'duplicate').length,
      unreadable,
      refused: readable.length - stored.length,
      oldestAt: stored.length === 0 ? null : Math.min(...stored.map(({ row }) => row.receivedAt)),
      next: last === undefined || rows.length < Math.min(limit, REPLAY_MAX) ? null : last.id,
    };
  }

  /** The arrivals of a row, or the reason why there are none. */
  private read(row: QuarantinedDatagram): readonly Arrival[] | string {
    const { sourceKey, bytes, length, receivedAt } = row;
    if (bytes.length < length) return 'oversized';
    const parsed = isTwinKey(sourceKey) ? parseTwin(bytes) : this.options.sources.read(sourceKey, bytes, receivedAt);
    if (!parsed.ok) return parsed.reason;
    const receipts = receiptsOf(row, this.options.horizonMs);
    return receipts.map((at) => ({ sourceKey, report: parsed.report, stamp: { at, idleMs: 0 }, payload: bytes }));
  }

  /** What became of the first arrival of each row; null where not all of them were stored. */
  private async submit(
    rows: readonly Readable[],
  ): Promise<readonly { readonly row: QuarantinedDatagram; readonly outcome: string | null }[]> {
    const submissions = new Map<Arrival, Submission>();
    const arrivals = rows.flatMap((one) => one.arrivals);
    for (let at = 0; at < arrivals.length; at += AT_ONCE) {
      const some = arrivals.slice(at, at + AT_ONCE);
      const answers = await Promise.all(some.map((arrival) => this.options.groupCommit.submit(arrival)));
      for (const [index, answer] of answers.entries()) {
        const arrival = some[index];
        if (arrival !== undefined) submissions.set(arrival, answer);
      }
    }
    if ([...submissions.values()].some((one) => !one.stored && one.reason === 'unavailable')) {
      throw new StoreUnavailable('The database did not take what was replayed.');
    }
    return rows.map(({ row, arrivals: own }) => {
      const answers = own.map((arrival) => submissions.get(arrival));
      const [first] = answers;
      const whole = answers.every((answer) => answer?.stored === true && IN_LEDGER.has(answer.outcome));
      return { row, outcome: whole && first?.stored === true ? first.outcome : null };
    });
  }
}

/**
 * The receipts of a row: first and last are known, those between are spread evenly, which keeps their number true (loss is
 * estimated from it, docs/truth.md 12) and the chain of copies whole.
 */
export function receiptsOf(
  { receivedAt, lastReceivedAt, copies }: Pick<QuarantinedDatagram, 'receivedAt' | 'lastReceivedAt' | 'copies'>,
  horizonMs: number,
): readonly number[] {
  const spanMs = lastReceivedAt - receivedAt;
  // A chain breaks at H, so a row that lasted for hours takes as many receipts as hold it together.
  const count = Math.max(Math.min(copies, COPIES_MAX), Math.min(copies, Math.ceil(spanMs / horizonMs) + 1));
  if (count < 2) return [receivedAt];
  return Array.from({ length: count }, (_, index) => receivedAt + Math.round((spanMs * index) / (count - 1)));
}
