import type { Clock } from '../clock.js';
import type { SourceRegistry } from '../sources/registry.js';
import type { Sweep } from './sweep.js';

export interface PulseOptions {
  readonly sweep: Sweep;
  readonly sources: SourceRegistry;
  readonly clock: Clock;
  readonly everyMs: number;
  /** Up to when everything received is durable, asked at `now`. */
  readonly durableThrough: (now: number) => number;
  /** Told of a tick that failed; the next one takes up where it stopped. */
  readonly onFault: (error: unknown) => void;
}

/** The beat of the receiver: ticks the sweep, and hands what it found to ingest. One tick at a time. */
export class Pulse {
  private timer: NodeJS.Timeout | null = null;
  private ticking: Promise<void> | null = null;

  constructor(private readonly options: PulseOptions) {}

  /** The first tick, before the first datagram is read, so that ingest starts with the facts; then one every `everyMs`. */
  async start(): Promise<void> {
    await this.tick();
    this.timer = setInterval(() => {
      this.ticking ??= this.tick()
        .catch(this.options.onFault)
        .finally(() => {
          this.ticking = null;
        });
    }, this.options.everyMs);
  }

  /** Ends the beat after one last tick, which says that everything received is durable. */
  async stop(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    await this.ticking;
    await this.tick();
  }

  private async tick(): Promise<void> {
    const { sweep, sources, clock, durableThrough } = this.options;
    const now = clock.now();
    await sources.persist();
    const { facts } = await sweep.tick(now, durableThrough(now));
    for (const own of facts.values()) sources.replaceFacts(own);
  }
}
