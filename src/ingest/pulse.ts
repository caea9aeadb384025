import type { Clock } from '../clock.js';
import type { SourceRegistry } from '../sources/registry.js';
import type { FeedWatch } from './feed/feed-watch.js';
import type { Noticed } from './feed/heartbeat.js';
import type { Sweep } from './sweep.js';

export interface PulseOptions {
  readonly sweep: Sweep;
  readonly sources: SourceRegistry;
  readonly clock: Clock;
  readonly everyMs: number;
  /** Tells up to when everything received is durable, or what was dropped of it. */
  readonly watch: FeedWatch;
  /** Whether the database is known to be away: then ticks rest, which would fail one by one. */
  readonly isAway: () => boolean;
  /** Told of a tick that failed; the next one takes up where it stopped. */
  readonly onFault: (error: unknown) => void;
}

/**
 * The pulse of the receiver: a beat every `everyMs`, and ticks of the sweep one after another beside them, each to the W
 * of the last beat. Beats and ticks each go one at a time.
 */
export class Pulse {
  private timer: NodeJS.Timeout | null = null;
  private beating: Promise<void> | null = null;
  private ticking: Promise<void> | null = null;
  /** W, as the last beat gave it. */
  private through = Number.NEGATIVE_INFINITY;

  constructor(private readonly options: PulseOptions) {}

  /** The first beat and tick, before the first datagram is read, so that ingest starts with the facts. */
  async start(): Promise<void> {
    this.options.watch.start();
    await this.beat();
    await this.tick();
  }

  /**
   * Beats from now on; the sockets have just been opened.
   * @param openedAt before the first of them was: nothing that is received is older
   */
  async run(openedAt: number): Promise<void> {
    const { onFault } = this.options;
    await this.beat(openedAt).catch(onFault);
    this.timer = setInterval(() => {
      this.beating ??= this.beat()
        .catch(onFault)
        .finally(() => (this.beating = null));
      this.ticking ??= this.tick()
        .catch(onFault)
        .finally(() => (this.ticking = null));
    }, this.options.everyMs);
  }

  /** Ends the pulse with one last beat, which says that everything received is durable, and the tick that goes with it. */
  async stop(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    await Promise.all([this.beating, this.ticking]);
    this.options.watch.stop();
    await this.beat();
    await this.tick();
  }

  private async beat(openedAt?: number): Promise<void> {
    const { sweep, clock, watch } = this.options;
    const { through, noticed } = await watch.look();
    // W is inclusive, and more may be received in the very millisecond that is asked for.
    const told: Noticed = openedAt === undefined ? noticed : { ...noticed, openedAt };
    this.through = await sweep.beat(clock.now(), through - 1, told);
  }

  private async tick(): Promise<void> {
    const { sweep, sources, clock, isAway } = this.options;
    if (isAway()) return;
    await sources.persist();
    await sweep.tick(this.through, clock.now(), (facts) => {
      for (const own of facts.values()) sources.replaceFacts(own);
    });
  }
}
