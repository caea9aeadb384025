/**
 * What stands by for the database: spool, circuit and drain, put together. Group commit asks where a batch goes and hands in
 * what the database did not take; the feed's signs of life take the same way (feed-store.ts).
 */
import type { ArrivalOutcome } from '../../delivery/evidence.js';
import { type Clock, within } from '../../clock.js';
import type { Tally } from '../../metrics.js';
import type { Arrival } from '../../notification.js';
import type { Fallback } from '../commit/group-commit.js';
import { Breaker } from './circuit/breaker.js';
import type { CircuitState } from './circuit/circuit.js';
import { Drain, type DrainOptions } from './drain.js';
import type { SpoolPlace } from './inventory.js';
import type { SpooledBeat, SpooledFact } from './records.js';
import type { Kept, Spool, SpoolDepth } from './spool.js';

/** The state of the spool as health, metrics and lists tell it. */
export interface SpoolState extends SpoolDepth {
  /** closed: batches go to the database. open, trial: to the spool. draining: to the database, and the spool drains beside. */
  readonly circuit: CircuitState;
  /** For how long it has been in this state. */
  readonly circuitAgeMs: number;
}

export interface StandbyOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  /** SPOOL_AFTER_MS: what the database may take for a commit or a beat. */
  readonly afterMs: number;
  readonly tally: Tally;
  /** Told of every move of the circuit in a sentence; `isAway`: PostgreSQL takes nothing. */
  readonly onMove: (text: string, isAway: boolean) => void;
  readonly onFault: (text: string) => void;
}

/** What draining takes, and what asks the database whether it is there. */
export interface StandbyWork extends Pick<DrainOptions, 'commit' | 'quarantine' | 'onFact'> {
  /** Writes something small to the database. */
  readonly probe: () => Promise<void>;
  /** Whether a commit that was given up on is still under way. */
  readonly hasOverdue: () => boolean;
}

/** A busy machine takes longer for what nobody waits for; a frozen database still shows within 10 s. */
const PATIENCE = 10;
/** Arrivals that drain within the time one ack may wait, beside live ones. */
const SHORT = 500;

export class Standby implements Fallback {
  readonly afterMs: number;
  readonly patienceMs: number;
  private readonly breaker: Breaker;
  private work: StandbyWork | null = null;
  private drain: Drain | null = null;

  constructor(private readonly options: StandbyOptions) {
    const { spool, clock } = options;
    this.afterMs = options.afterMs;
    this.patienceMs = PATIENCE * options.afterMs;
    this.breaker = new Breaker({
      ...{ clock, spoolIsEmpty: () => spool.isEmpty(), spoolIsShort: () => spool.state().depth <= SHORT },
      probe: () => this.probe(),
      mayProbe: () => this.work !== null && !this.work.hasOverdue(),
      onMove: (from, to, why) => this.onMove(from, to, why),
    });
  }

  /** What an earlier process left. */
  left(): Spool['left'] {
    return this.options.spool.left;
  }

  /** Begins to drain what was left and to watch the circuit; once the database has been given the first beat. */
  start(work: StandbyWork): void {
    const { spool, tally, onFault } = this.options;
    this.work = work;
    const count: DrainOptions['count'] = (source, fate, reason) => {
      tally.add(source, fate, reason);
    };
    this.drain = new Drain({ spool, breaker: this.breaker, count, onFault, ...work });
    this.breaker.start();
    if (this.breaker.mayDrain()) this.drain.start();
  }

  /** Whether the database was there at the start: before, there is nothing to stand by for. */
  hasStarted(): boolean {
    return this.work !== null;
  }

  /** Stops draining: what is in the spool from then on stays there. */
  async rest(): Promise<void> {
    await this.breaker.stop();
    await this.drain?.stop();
  }

  /** Rests and gives the folder back; what is left waits for the next start. */
  async stop(): Promise<void> {
    await this.rest();
    const { depth } = this.options.spool.state();
    if (depth > 0) {
      const text = `${String(depth)} acknowledged notifications are in the spool; the next start stores them.`;
      this.options.onMove(text, true);
    }
    await this.options.spool.close();
  }

  route(): 'database' | 'spool' {
    return this.breaker.route();
  }

  /** Whether it is of any use to ask the database something now. */
  isAway(): boolean {
    return this.breaker.state() === 'open';
  }

  failed(why: string): void {
    this.breaker.failed(why);
  }

  readonly slow = (): void => this.breaker.slow();

  keep(arrivals: readonly Arrival[]): Promise<Kept> {
    return this.options.spool.keep(arrivals);
  }

  keepBeat(beat: SpooledBeat): Promise<boolean> {
    return this.options.spool.keepBeat(beat);
  }

  keepFact(fact: SpooledFact): Promise<boolean> {
    return this.options.spool.keepFact(fact);
  }

  settle(place: SpoolPlace, { sourceKey }: Arrival, outcome: ArrivalOutcome | null): void {
    this.options.spool.settle(place);
    if (outcome !== null) this.options.tally.add(sourceKey, outcome);
  }

  /** Up to when everything that was spooled is in the database: the oldest receipt that waits, else `now`. */
  durableThrough(now: number): number {
    return Math.min(this.options.spool.oldestAt() ?? now, now);
  }

  /** Acknowledged arrivals of each source that wait for the database. */
  waiting(): ReadonlyMap<string, number> {
    return this.options.spool.waiting();
  }

  state(): SpoolState {
    const { spool, clock } = this.options;
    return { circuit: this.breaker.state(), circuitAgeMs: clock.now() - this.breaker.since(), ...spool.state() };
  }

  private async probe(): Promise<void> {
    if (this.work === null) throw new Error('a probe before the start');
    await within(this.work.probe(), this.afterMs);
  }

  private onMove(from: CircuitState, to: CircuitState, why: string | null): void {
    if (to === 'trial' || to === 'draining') this.drain?.start();
    this.options.onMove(sentence(from, to, why, this.options.spool.state()), to === 'open');
  }
}

function sentence(from: CircuitState, to: CircuitState, why: string | null, { depth, drained }: SpoolDepth): string {
  switch (to) {
    case 'open':
      return `Notifications are kept in the spool and acknowledged from there: ${why ?? 'the database is away'}.`;
    case 'trial':
      return `The database answers again: the ${String(depth)} notifications in the spool are stored.`;
    case 'draining':
      return from === 'closed'
        ? `${String(depth)} notifications in the spool are stored.`
        : `Notifications go to the database again; ${String(depth)} are left in the spool.`;
    case 'closed':
      return `The spool is empty: ${String(drained)} notifications were stored from it since the start.`;
  }
}
