/**
 * Group commit: while one batch commits the next fills, so that a batch is as large as the load makes it and a lone
 * notification waits for nobody.
 *
 * An arrival is *queued*, then *in flight* with its batch, then answered: stored, or refused without an ack, so that the
 * sender tries again. Arrivals of one Call ID never stand in two batches at once: the later wait in the queue, in order.
 *
 *   queued -> in flight -> stored                     the batch committed
 *                       -> refused `unavailable`      the database is away
 *                       -> in flight again, by half   some row was rejected: halves find which
 *                       -> refused `rejected`         this row alone was; its mates were committed
 *   (nothing) -> refused `queue_full` | `stopping`    never queued
 */
import type { ArrivalOutcome } from '../delivery/evidence.js';
import type { SourceFacts } from '../delivery/facts.js';
import { callKeyOf } from '../lifecycle/keys.js';
import type { Clock } from '../clock.js';
import type { Arrival } from '../notification.js';
import { assemble } from './assemble.js';
import {
  type KeyChange,
  type KeyRef,
  type LedgerStore,
  NOTHING_STORED,
  type StoredKey,
  StoreUnavailable,
} from './ports.js';

/** Why an arrival was not stored; none of these is acked. */
export const REFUSALS = ['queue_full', 'stopping', 'unavailable', 'rejected'] as const;
export type Refusal = (typeof REFUSALS)[number];

/** What became of an arrival. */
export type Submission =
  { readonly stored: true; readonly outcome: ArrivalOutcome } | { readonly stored: false; readonly reason: Refusal };

/** What group commit asks of the sources. */
export interface IngestSources {
  /** What the ledger knows about a source now. */
  facts(sourceKey: string): SourceFacts;
  /**
   * Makes sure that the rows of these sources are stored; null when they are known to be.
   * @throws StoreUnavailable
   */
  ensureStored(sourceKeys: Iterable<string>): Promise<void> | null;
}

export interface GroupCommitOptions {
  readonly store: LedgerStore;
  readonly sources: IngestSources;
  readonly clock: Clock;
  /** Arrivals of one batch at most. */
  readonly batchMax: number;
  /** Arrivals that wait for a batch at most; more are refused. */
  readonly queueMax: number;
  /** Batches that commit side by side at most. */
  readonly flightsMax: number;
  /** Told of what should never happen: a row that was rejected, with the reason. */
  readonly onRejected: (arrival: Arrival, reason: unknown) => void;
}

/** Arrivals that make it worth a further batch while one commits: below, they join the next one 2 ms later. */
const WORTH_A_FLIGHT = 32;

interface Pending {
  readonly arrival: Arrival;
  readonly callKey: string;
  readonly answer: (submission: Submission) => void;
}

export class GroupCommit {
  private queue: Pending[] = [];
  private readonly flights = new Set<readonly Pending[]>();
  private readonly busy = new Set<string>();
  private idle: (() => void)[] = [];
  private scheduled = false;
  private stopping = false;

  constructor(private readonly options: GroupCommitOptions) {}

  /** Resolves once the arrival is committed, or is known not to be; never rejects. */
  submit(arrival: Arrival): Promise<Submission> {
    if (this.stopping) return Promise.resolve({ stored: false, reason: 'stopping' });
    if (this.queue.length >= this.options.queueMax) return Promise.resolve({ stored: false, reason: 'queue_full' });
    const callKey = callKeyOf(arrival.sourceKey, arrival.report.callId);
    return new Promise((answer) => {
      this.queue.push({ arrival, callKey, answer });
      this.schedule();
    });
  }

  /** How many arrivals wait or are in flight. */
  depth(): { readonly queued: number; readonly inFlight: number } {
    let inFlight = 0;
    for (const flight of this.flights) inFlight += flight.length;
    return { queued: this.queue.length, inFlight };
  }

  /** The instant up to which everything that was submitted is committed or refused: the oldest stamp under way, else `now`. */
  durableThrough(now: number): number {
    let oldest = now;
    for (const { arrival } of this.queue) oldest = Math.min(oldest, arrival.stamp.at);
    for (const flight of this.flights) for (const { arrival } of flight) oldest = Math.min(oldest, arrival.stamp.at);
    return oldest;
  }

  /** Resolves when nothing waits and nothing is in flight. */
  flush(): Promise<void> {
    if (this.queue.length === 0 && this.flights.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.idle.push(resolve);
    });
  }

  /** Takes nothing more and flushes. */
  close(): Promise<void> {
    this.stopping = true;
    return this.flush();
  }

  /** Once per turn of the event loop, so that all datagrams read in one turn share a batch. */
  private schedule(): void {
    if (this.scheduled || this.flights.size >= this.options.flightsMax) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.launch();
    });
  }

  /** A batch costs about 1 ms whatever it holds: a further one side by side must be worth it. */
  private launch(): void {
    while (this.flights.size < this.options.flightsMax) {
      if (this.flights.size > 0 && this.queue.length < WORTH_A_FLIGHT) return;
      const batch = this.take();
      if (batch.length === 0) return;
      void this.fly(batch);
    }
  }

  /** The oldest arrivals whose Call ID is in no flight; takes the Call IDs with it. */
  private take(): readonly Pending[] {
    const batch: Pending[] = [];
    const passed: Pending[] = [];
    let next = 0;
    for (; next < this.queue.length && batch.length < this.options.batchMax; next++) {
      const pending = this.queue[next];
      if (pending !== undefined) (this.busy.has(pending.callKey) ? passed : batch).push(pending);
    }
    this.queue = [...passed, ...this.queue.slice(next)];
    for (const { callKey } of batch) this.busy.add(callKey);
    return batch;
  }

  private async fly(batch: readonly Pending[]): Promise<void> {
    this.flights.add(batch);
    await this.commit(batch);
    this.flights.delete(batch);
    for (const { callKey } of batch) this.busy.delete(callKey);
    if (this.queue.length > 0) this.schedule();
    else if (this.flights.size === 0) this.tellIdle();
  }

  private tellIdle(): void {
    const waiting = this.idle;
    this.idle = [];
    for (const resolve of waiting) resolve();
  }

  /** Commits and answers; never rejects. */
  private async commit(batch: readonly Pending[]): Promise<void> {
    try {
      await this.options.sources.ensureStored(new Set(batch.map(({ arrival }) => arrival.sourceKey)));
      const outcomes = await this.store(batch);
      for (const pending of batch) {
        const outcome = outcomes.get(pending);
        if (outcome === undefined) throw new Error('an arrival of the batch was not assembled');
        pending.answer({ stored: true, outcome });
      }
    } catch (error) {
      await this.recover(batch, error);
    }
  }

  /** A database that is away refuses all; anything else is one row's fault, and halving finds the row. */
  private async recover(batch: readonly Pending[], error: unknown): Promise<void> {
    const [first] = batch;
    if (error instanceof StoreUnavailable) {
      for (const { answer } of batch) answer({ stored: false, reason: 'unavailable' });
    } else if (batch.length === 1 && first !== undefined) {
      this.options.onRejected(first.arrival, error);
      first.answer({ stored: false, reason: 'rejected' });
    } else {
      const half = Math.ceil(batch.length / 2);
      await this.commit(batch.slice(0, half));
      await this.commit(batch.slice(half));
    }
  }

  private async store(batch: readonly Pending[]): Promise<ReadonlyMap<Pending, ArrivalOutcome>> {
    const byKey = new Map<string, Pending[]>();
    for (const pending of batch) {
      const mates = byKey.get(pending.callKey);
      if (mates === undefined) byKey.set(pending.callKey, [pending]);
      else mates.push(pending);
    }
    const groups = [...byKey.values()].map((pendings) => ({ key: keyOf(pendings), pendings }));
    const outcomes = new Map<Pending, ArrivalOutcome>();
    const decide = (stored: ReadonlyMap<string, StoredKey>): readonly KeyChange[] => {
      const asOf = this.options.clock.now();
      return groups.map(({ key, pendings }) => this.decideKey(key, pendings, stored.get(key.callKey), asOf, outcomes));
    };
    await this.options.store.add(
      groups.map(({ key }) => key),
      decide,
    );
    return outcomes;
  }

  private decideKey(
    key: KeyRef,
    pendings: readonly Pending[],
    stored: StoredKey | undefined,
    asOf: number,
    outcomes: Map<Pending, ArrivalOutcome>,
  ): KeyChange {
    const arrivals = pendings.map(({ arrival }) => arrival);
    const facts = this.options.sources.facts(key.sourceKey);
    const assembled = assemble(key, stored ?? NOTHING_STORED, arrivals, facts, asOf);
    for (const [index, pending] of pendings.entries()) {
      const outcome = assembled.outcomes[index];
      if (outcome !== undefined) outcomes.set(pending, outcome);
    }
    return assembled.change;
  }
}

function keyOf(pendings: readonly Pending[]): KeyRef {
  const [first] = pendings;
  if (first === undefined) throw new Error('a key without arrivals');
  return { callKey: first.callKey, sourceKey: first.arrival.sourceKey, callId: first.arrival.report.callId };
}
