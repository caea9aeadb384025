/**
 * Whether the receive loop ran (docs/truth.md 17). A beat may be late because PostgreSQL is slow, while datagrams are read as ever;
 * a loop that does not run reads nothing, and the kernel keeps only what its buffer holds. A timer of the same loop tells one
 * from the other. Instants come from the monotonic clock, so a stepped clock is no stall.
 */
import type { Span } from '../../delivery/facts.js';

/** How often the loop shows that it runs: well below any heartbeat, and 20 wake-ups a second cost nothing. */
const LOOK_EVERY_MS = 50;
/** Stalls kept until they are taken; a beat takes them every second. */
const STALLS_MAX = 100;

export class LoopWatch {
  private ranAt: number;
  private stalls: Span[] = [];
  private timer: NodeJS.Timeout | null = null;

  /** @param longerThanMs shorter stalls are everyday */
  constructor(
    private readonly clock: { now(): number },
    private readonly longerThanMs: number,
  ) {
    this.ranAt = clock.now();
  }

  start(): void {
    this.ranAt = this.clock.now();
    this.timer ??= setInterval(() => {
      this.ran();
    }, LOOK_EVERY_MS).unref();
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  /** Notes that the loop runs now. */
  ran(): void {
    const now = this.clock.now();
    if (now - this.ranAt > this.longerThanMs)
      this.stalls = [...this.stalls, { from: this.ranAt, to: now }].slice(-STALLS_MAX);
    this.ranAt = now;
  }

  /** The stalls since the last time. */
  take(): readonly Span[] {
    this.ran();
    const { stalls } = this;
    this.stalls = [];
    return stalls;
  }
}
