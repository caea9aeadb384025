/** The circuit at work: it asks the database when the circuit says so, and tells whoever has to know when it moves. */
import type { Clock } from '../../../clock.js';
import { type Circuit, circuitAt, type CircuitEvent, type CircuitState, mayDrain, moved, routeOf } from './circuit.js';

export interface BreakerOptions {
  readonly clock: Clock;
  readonly spoolIsEmpty: () => boolean;
  /** Whether what is left in the spool is little. */
  readonly spoolIsShort: () => boolean;
  /** Writes something small to the database, after what must be written before anything else. */
  readonly probe: () => Promise<void>;
  /** False while a commit that was given up on is still under way: its end may tell what need not drain. */
  readonly mayProbe: () => boolean;
  /** Told of every move, with what failed when something did. */
  readonly onMove: (from: CircuitState, to: CircuitState, why: string | null) => void;
}

const TICK_MS = 50;

export class Breaker {
  private circuit: Circuit;
  private timer: NodeJS.Timeout | null = null;
  private probing: Promise<void> | null = null;

  constructor(private readonly options: BreakerOptions) {
    this.circuit = circuitAt(options.clock.now(), options.spoolIsEmpty());
  }

  state(): CircuitState {
    return this.circuit.state;
  }

  /** Since when the circuit is in its state, ms since the epoch. */
  since(): number {
    return this.circuit.since;
  }

  /** Where a batch goes now. */
  route(): 'database' | 'spool' {
    return routeOf(this.circuit);
  }

  mayDrain(): boolean {
    return mayDrain(this.circuit);
  }

  /** Something the database was asked failed or took too long. */
  failed(why: string): void {
    this.move({ kind: 'failed', at: this.options.clock.now() }, why);
  }

  /** Something that no ack waits for takes longer than an ack may. */
  slow(): void {
    this.move({ kind: 'slow', at: this.options.clock.now() });
  }

  /** The spool is empty. */
  drained(): void {
    this.move({ kind: 'drained', at: this.options.clock.now() });
  }

  start(): void {
    this.timer ??= setInterval(() => this.tick(), TICK_MS);
  }

  async stop(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    await this.probing;
  }

  private tick(): void {
    const { clock, mayProbe, spoolIsEmpty, spoolIsShort } = this.options;
    const at = clock.now();
    this.move({ kind: 'time', at, isShort: spoolIsShort() });
    if (!spoolIsEmpty()) this.move({ kind: 'left', at });
    if (this.circuit.state !== 'open' || at < this.circuit.retryAt || this.probing !== null || !mayProbe()) return;
    this.probing = this.ask().finally(() => (this.probing = null));
  }

  private async ask(): Promise<void> {
    const { probe, clock } = this.options;
    try {
      await probe();
      this.move({ kind: 'answered', at: clock.now() });
    } catch {
      this.move({ kind: 'unanswered', at: clock.now() });
    }
  }

  private move(event: CircuitEvent, why: string | null = null): void {
    const before = this.circuit;
    this.circuit = moved(before, event);
    if (before.state !== this.circuit.state) this.options.onMove(before.state, this.circuit.state, why);
  }
}
