/**
 * The drain: takes the spool into the database, oldest first, beside live traffic, and removes a segment when all of it is
 * there. What it commits twice after a kill is a copy like any other: identity deduplicates.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Arrival } from '../../notification.js';
import type { Fate } from '../../metrics.js';
import type { Submission } from '../commit/submission.js';
import { StoreUnavailable } from '../ports.js';
import type { Breaker } from './circuit/breaker.js';
import type { SegmentInfo } from './inventory.js';
import { decodeRecord, type SpooledFact } from './records.js';
import type { Spool } from './spool.js';

export interface DrainOptions {
  readonly spool: Spool;
  readonly breaker: Breaker;
  /** Commits arrivals beside live ones; none of them goes to the spool again. */
  readonly commit: (arrivals: readonly Arrival[]) => Promise<readonly Submission[]>;
  /** Keeps an acked arrival whose row PostgreSQL refused; false when that did not work. */
  readonly quarantine: (arrival: Arrival) => Promise<boolean>;
  /** Writes a fact; throws StoreUnavailable when the database is away, anything else when it can never be written. */
  readonly onFact: (fact: SpooledFact) => Promise<void>;
  /** What an arrival turned out to be, once it is no longer in flight. */
  readonly count: (sourceKey: string, fate: Fate, reason: string) => void;
  readonly onFault: (text: string) => void;
}

/**
 * Arrivals of one commit, and turns of the event loop that are left to live datagrams before it. A turn reads 32 datagrams at most,
 * whatever else it does: with 250 arrivals folded in every turn, 200 live ones a second were read on a loaded machine and acks
 * took 17 s, while the kernel's buffer filled. Eight turns let 256 in for every 100 that drain, and cost nothing when none waits.
 */
const CHUNK = 100;
const TURNS = 8;
/** How long an empty spool is left before it is looked at again: during a trial arrivals still come in. */
const LOOK_MS = 20;
const AGAIN_MS = 1_000;

interface Spooled {
  readonly arrival: Arrival;
  /** Where its frame begins. */
  readonly from: number;
}

interface Taken {
  readonly chunk: readonly Spooled[];
  readonly whole: boolean;
}

export class Drain {
  private running: Promise<void> | null = null;
  private stopping = false;

  constructor(private readonly options: DrainOptions) {}

  /** Drains as long as the circuit lets it; does nothing when it is at it already. */
  start(): void {
    this.running ??= this.run().finally(() => (this.running = null));
  }

  /** Stops after the commit under way. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  private async run(): Promise<void> {
    const { breaker, spool, onFault } = this.options;
    while (breaker.mayDrain() && !this.stopping) {
      try {
        const segment = await spool.oldest();
        if (segment !== null) await this.empty(segment);
        else if (breaker.state() === 'draining') breaker.drained();
        else await sleep(LOOK_MS);
      } catch (error) {
        // The disk's fault, not the database's: W stays, the depth shows it, and live batches go on.
        const { code = error instanceof Error ? error.message : 'unknown' } = error as NodeJS.ErrnoException;
        onFault(`The spool could not be read (${code}); it is tried again.`);
        await sleep(AGAIN_MS);
      }
    }
  }

  /** Two chunks at a time: one is folded here while PostgreSQL writes the other. */
  private async empty(segment: SegmentInfo): Promise<void> {
    const { spool, breaker } = this.options;
    const frames = (await spool.read(segment)).filter(({ from }) => from >= segment.drainedTo);
    let chunk: Spooled[] = [];
    let before: Promise<boolean> = Promise.resolve(true);
    for (const [index, frame] of frames.entries()) {
      const record = decodeRecord(frame.body);
      if (record.kind === 'fact' && !(await this.tell(record.fact))) break;
      if (record.kind === 'arrival') chunk.push({ arrival: record.arrival, from: frame.from });
      if (chunk.length < CHUNK && index < frames.length - 1) continue;
      if (this.stopping || !breaker.mayDrain()) break;
      for (let turn = 0; turn < TURNS; turn++) await nextTurn();
      const next = this.commit(segment, chunk);
      chunk = [];
      const went = await before;
      before = next.then((taken) => went && this.conclude(segment, taken, frame.to));
      if (!went) break;
    }
    if ((await before) && (frames.at(-1)?.to ?? segment.drainedTo) <= segment.drainedTo) await spool.remove(segment);
  }

  /** Commits a chunk; what of it is in the database is settled, so that it is not committed again with the rest. */
  private async commit(segment: SegmentInfo, chunk: readonly Spooled[]): Promise<Taken> {
    const unsettled = chunk.filter(({ from }) => !segment.settled.has(from));
    const arrivals = unsettled.map(({ arrival }) => arrival);
    const submissions = arrivals.length === 0 ? [] : await this.options.commit(arrivals);
    let whole = true;
    for (const [index, { arrival, from }] of unsettled.entries()) {
      const submission = submissions[index];
      if (submission === undefined) throw new Error('an arrival of the spool was not answered for');
      if (await this.account(arrival, submission)) this.options.spool.settle({ segment, from });
      else whole = false;
    }
    return { chunk, whole };
  }

  /** Moves the position behind a chunk; false when the database did not take all of it. */
  private conclude(segment: SegmentInfo, { chunk, whole }: Taken, to: number): boolean {
    const { spool, breaker } = this.options;
    if (whole) {
      const drained = chunk.map(({ arrival, from }) => ({ from, source: arrival.sourceKey }));
      spool.advance(segment, to, drained);
    } else breaker.failed('the drain was not stored');
    return whole;
  }

  /** False when it is to be tried again: one that is refused each time would keep all that stands behind it from the database. */
  private async tell(fact: SpooledFact): Promise<boolean> {
    const { onFact, breaker, spool, onFault } = this.options;
    try {
      await onFact(fact);
      return true;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) {
        spool.passOver();
        onFault(`A fact in the spool can never be stored and is passed over: ${String(error)}.`);
        return true;
      }
      breaker.failed('a fact was not stored');
      return false;
    }
  }

  private async account(arrival: Arrival, submission: Submission): Promise<boolean> {
    const { count, quarantine } = this.options;
    if (submission.stored) {
      if (submission.outcome !== 'spooled') count(arrival.sourceKey, submission.outcome, '');
      return true;
    }
    if (submission.reason !== 'rejected') return false;
    const kept = await quarantine(arrival);
    if (kept) count(arrival.sourceKey, 'quarantined', 'rejected');
    return kept;
  }
}
