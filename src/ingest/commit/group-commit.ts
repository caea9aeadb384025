/**
 * Group commit: while one batch commits the next fills, so that a batch is as large as the load makes it and a lone
 * notification waits for nobody.
 *
 * An arrival is *queued*, then *in flight* with its batch, then answered: stored, or refused without an ack, so that the
 * sender tries again. Arrivals of one Call ID never stand in two flights at once: the later wait in the queue, in order.
 *
 *   queued -> in flight -> stored                     the batch committed
 *                       -> spooled                    the database is away, or took longer than `afterMs`: whichever of
 *                                                     commit and spool is done first answers
 *                       -> refused `unavailable`      the database is away, and there is no spool
 *                       -> refused `spool_full` | `spool_failed`
 *                       -> in flight again, by half   some row was rejected: halves find which
 *                       -> refused `rejected`         this row alone was; its mates were committed
 *   queued -> spooled | refused as above              the circuit leads to the spool
 *   (nothing) -> refused `queue_full` | `stopping`    never queued
 */
import type { ArrivalOutcome } from '../../delivery/evidence.js';
import type { Arrival } from '../../notification.js';
import { type BatchOptions, commitBatch } from './batch.js';
import { Flights } from './flights.js';
import { type Flight, oldestStamp, type Pending, pendingOf, settle } from './pending.js';
import { StoreUnavailable } from '../ports.js';
import type { SpoolPlace } from '../spool/inventory.js';
import type { Kept } from '../spool/spool.js';
import type { Submission } from './submission.js';

export type { Submission } from './submission.js';

/** Where arrivals go when the database does not take them (src/ingest/spool). */
export interface Fallback {
  /** Where a batch goes now. */
  route(): 'database' | 'spool';
  /** A commit failed, or took longer than `afterMs`. */
  failed(why: string): void;
  readonly afterMs: number;
  /** The same for a commit that no ack waits for. */
  readonly patienceMs: number;
  /** A commit that no ack waits for takes longer than `afterMs`. */
  readonly slow: () => void;
  /** On the disk when it resolves; never rejects. */
  keep(arrivals: readonly Arrival[]): Promise<Kept>;
  /** What was kept there was stored by its own commit after all: as `outcome`, or as what was answered already (null). */
  settle(place: SpoolPlace, arrival: Arrival, outcome: ArrivalOutcome | null): void;
}

export interface GroupCommitOptions extends BatchOptions {
  /** Arrivals of one batch at most. */
  readonly batchMax: number;
  /** Arrivals that wait for a batch at most; more are refused. */
  readonly queueMax: number;
  /** Batches of live arrivals that commit side by side at most. */
  readonly flightsMax: number;
  /** Told of what should never happen: a row that was rejected, with the reason. */
  readonly onRejected: (arrival: Arrival, reason: unknown) => void;
  /** Without one, what the database does not take is refused. */
  readonly fallback?: Fallback;
}

/** Arrivals that make it worth a further batch while one commits: below, they join the next one 2 ms later. */
const WORTH_A_FLIGHT = 32;

export class GroupCommit {
  private queue: Pending[] = [];
  private readonly flights = new Flights();
  private spooling: readonly Pending[] = [];
  private readonly busy = new Set<string>();
  private readonly idle: (() => void)[] = [];
  private scheduled = false;
  private stopping = false;

  constructor(private readonly options: GroupCommitOptions) {}

  /** Resolves once the arrival is durable, or is known not to be; never rejects. */
  submit(arrival: Arrival): Promise<Submission> {
    if (this.stopping) return Promise.resolve({ stored: false, reason: 'stopping' });
    if (this.queue.length >= this.options.queueMax) return Promise.resolve({ stored: false, reason: 'queue_full' });
    return new Promise((answer) => {
      this.queue.push(pendingOf(arrival, answer));
      this.schedule();
    });
  }

  /**
   * Commits arrivals that the spool holds, beside live ones; resolves with what became of each, in the order given.
   * Never rejects, and spools nothing again.
   */
  async drain(arrivals: readonly Arrival[]): Promise<readonly Submission[]> {
    const submissions: Submission[] = [];
    let rest = arrivals.map((arrival, index) => pendingOf(arrival, (submission) => (submissions[index] = submission)));
    while (rest.length > 0) {
      const free = rest.filter(({ callKey }) => !this.busy.has(callKey));
      rest = rest.filter(({ callKey }) => this.busy.has(callKey));
      for (const { callKey } of free) this.busy.add(callKey);
      if (free.length > 0) await this.fly({ batch: free, draining: true, overdue: false });
      else await this.flights.nextLanding();
    }
    return submissions;
  }

  /** How many arrivals wait or are in flight; those answered from the spool are counted there. */
  depth(): { readonly queued: number; readonly inFlight: number } {
    let inFlight = this.spooling.filter(({ answered }) => !answered).length;
    for (const { batch, draining } of this.flights.now()) {
      if (!draining) inFlight += batch.filter(({ answered }) => !answered).length;
    }
    return { queued: this.queue.length, inFlight };
  }

  /** Whether a commit is under way that was given up on. */
  hasOverdue(): boolean {
    return this.flights.now().some(({ overdue }) => overdue);
  }

  /** The instant up to which everything that was submitted is committed or refused: the oldest stamp under way, else `now`. */
  durableThrough(now: number): number {
    return oldestStamp(now, [this.queue, this.spooling, ...this.flights.now().map(({ batch }) => batch)]);
  }

  /** Receipt of the oldest arrival that nothing was answered to yet, else `now`; a commit that hangs may have been answered from the spool. */
  unansweredSince(now: number): number {
    const live = this.flights.now().filter(({ draining }) => !draining);
    const batches = [this.queue, this.spooling, ...live.map(({ batch }) => batch)];
    return oldestStamp(
      now,
      batches.map((batch) => batch.filter(({ answered }) => !answered)),
    );
  }

  /** Resolves when every batch that is in flight now has landed: what is folded from then on is folded by facts as they are now. */
  landed(): Promise<void> {
    return this.flights.landed();
  }

  /** Resolves when nothing waits to be answered. */
  flush(): Promise<void> {
    if (this.isIdle()) return Promise.resolve();
    return new Promise((resolve) => {
      this.idle.push(resolve);
    });
  }

  /** Takes nothing more and flushes. */
  close(): Promise<void> {
    this.stopping = true;
    return this.flush();
  }

  private isIdle(): boolean {
    const { queued, inFlight } = this.depth();
    return queued + inFlight === 0;
  }

  /** Once per turn of the event loop, so that all datagrams read in one turn share a batch. */
  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      this.mindTheQueue();
      if (this.options.fallback?.route() === 'spool') this.launchToSpool();
      else this.launch();
    });
  }

  /** A database that takes every batch in time and still falls behind is too slow for its acks. */
  private mindTheQueue(): void {
    const { fallback } = this.options;
    const [oldest] = this.queue;
    if (fallback === undefined || oldest === undefined || fallback.route() === 'spool') return;
    if (performance.now() - oldest.since > fallback.afterMs) fallback.failed('it takes less than comes in');
  }

  /** A batch costs about 1 ms whatever it holds: a further one side by side must be worth it. */
  private launch(): void {
    for (;;) {
      const live = this.flights.now().filter(({ draining }) => !draining).length;
      if (live >= this.options.flightsMax || (live > 0 && this.queue.length < WORTH_A_FLIGHT)) return;
      const batch = this.take();
      if (batch.length === 0) return;
      void this.fly({ batch, draining: false, overdue: false });
    }
  }

  /** One sync at a time: what comes meanwhile shares the next. */
  private launchToSpool(): void {
    if (this.spooling.length > 0) return;
    this.spooling = this.queue.splice(0, this.options.batchMax);
    if (this.spooling.length === 0) return;
    void this.spool(this.spooling, true).then(() => {
      this.spooling = [];
      this.goOn();
    });
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

  private async fly(flight: Flight): Promise<void> {
    this.flights.begin(flight);
    const { fallback } = this.options;
    const timers = fallback === undefined ? [] : this.limits(flight, fallback);
    await this.commit(flight.batch, flight.draining);
    timers.forEach(clearTimeout);
    for (const { callKey } of flight.batch) this.busy.delete(callKey);
    this.flights.land(flight);
    this.goOn();
  }

  private limits(flight: Flight, { afterMs, patienceMs, slow }: Fallback): readonly NodeJS.Timeout[] {
    if (!flight.draining) return [setTimeout(() => this.giveUp(flight), afterMs)];
    return [setTimeout(slow, afterMs), setTimeout(() => this.giveUp(flight), patienceMs)];
  }

  /** Something is over: whoever waited for that goes on. */
  private goOn(): void {
    if (this.queue.length > 0) this.schedule();
    else if (this.isIdle()) for (const resolve of this.idle.splice(0)) resolve();
  }

  /** The database takes too long: its arrivals are kept and acked meanwhile, and what its commit says later still counts. */
  private giveUp(flight: Flight): void {
    flight.overdue = true;
    this.options.fallback?.failed('a commit takes too long');
    if (!flight.draining) void this.spool(flight.batch, false).then(() => this.goOn());
  }

  /**
   * Keeps what is not answered yet in the spool.
   * @param orRefuse nothing else can answer: refuse what the spool does not take
   */
  private async spool(batch: readonly Pending[], orRefuse: boolean): Promise<void> {
    const { fallback } = this.options;
    // A commit that fails while its arrivals are being kept, being late, waits for what becomes of that.
    await Promise.all(batch.map(({ keeping }) => keeping));
    const open = batch.filter(({ answered }) => !answered);
    if (fallback === undefined || open.length === 0) return;
    const keeping = this.keep(open, fallback, orRefuse);
    for (const pending of open) pending.keeping = keeping;
    await keeping;
  }

  private async keep(open: readonly Pending[], fallback: Fallback, orRefuse: boolean): Promise<void> {
    const kept = await fallback.keep(open.map(({ arrival }) => arrival));
    for (const [index, pending] of open.entries()) {
      if (!kept.kept) {
        if (orRefuse) settle(pending, { stored: false, reason: kept.reason });
        continue;
      }
      pending.place = kept.places[index] ?? null;
      // The commit was faster after all, and told what the arrival is.
      if (pending.answered && pending.place !== null) fallback.settle(pending.place, pending.arrival, null);
      settle(pending, { stored: true, outcome: 'spooled' });
    }
  }

  /** Commits and answers; never rejects. */
  private async commit(batch: readonly Pending[], draining: boolean): Promise<void> {
    try {
      const outcomes = await commitBatch(batch, this.options);
      for (const pending of batch) {
        const outcome = outcomes.get(pending);
        if (outcome === undefined) throw new Error('an arrival of the batch was not assembled');
        if (pending.place !== null) this.options.fallback?.settle(pending.place, pending.arrival, outcome);
        settle(pending, { stored: true, outcome });
      }
    } catch (error) {
      await this.recover(batch, error, draining);
    }
  }

  /** A database that is away leaves the spool; anything else is one row's fault, and halving finds the row. */
  private async recover(batch: readonly Pending[], error: unknown, draining: boolean): Promise<void> {
    const [first] = batch;
    const { fallback, onRejected } = this.options;
    if (error instanceof StoreUnavailable) {
      fallback?.failed(error.message);
      if (fallback !== undefined && !draining) await this.spool(batch, true);
      for (const pending of batch) settle(pending, { stored: false, reason: 'unavailable' });
    } else if (batch.length === 1 && first !== undefined) {
      onRejected(first.arrival, error);
      settle(first, { stored: false, reason: 'rejected' });
    } else {
      const half = Math.ceil(batch.length / 2);
      await this.commit(batch.slice(0, half), draining);
      await this.commit(batch.slice(half), draining);
    }
  }
}
