import type { Clock } from '../../clock.js';
import type { SourceRegistry } from '../../sources/registry.js';
import type { FeedWatch } from '../feed/feed-watch.js';
import type { Noticed } from '../feed/heartbeat.js';
import { type Sweep, type Swept, TickCutShort } from './sweep.js';

export interface PulseOptions {
  readonly sweep: Sweep;
  readonly sources: SourceRegistry;
  readonly clock: Clock;
  readonly everyMs: number;
  /** Tells up to when everything received is durable, or what was dropped of it. */
  readonly watch: FeedWatch;
  /** Resolves when every batch that ingest has folded by now is committed. */
  readonly landed: () => Promise<void>;
  /** Whether the database is known to be away: then ticks rest, which would fail one by one. */
  readonly isAway: () => boolean;
  /** Told of a tick that failed; the next one takes up where it stopped. */
  readonly onFault: (error: unknown) => void;
}

/** What the tick may take that goes with the last beat, ms: its sockets are still bound, and whoever comes next waits for them. */
const LAST_TICK_MS = 1_000;

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
  private running = false;
  /** Aborted when the tick under way is to end. */
  private cut = new AbortController();

  constructor(private readonly options: PulseOptions) {}

  /** The first beat, before the first datagram is read, and the facts for ingest to start with; ticks begin once the sockets are open. */
  async start(): Promise<void> {
    const { watch, sweep, sources } = this.options;
    watch.start();
    await this.beat();
    await sources.persist();
    this.publish(await sweep.known(this.through));
  }

  /**
   * Beats from now on; the sockets have just been opened.
   * @param openedAt before the first of them was: nothing that is received is older
   */
  async run(openedAt: number): Promise<void> {
    const { onFault } = this.options;
    this.running = true;
    await this.beat({ openedAt }).catch(onFault);
    this.timer = setInterval(() => {
      this.beating ??= this.beat()
        .catch(onFault)
        .finally(() => (this.beating = null));
      this.ticking ??= this.tick()
        .catch(onFault)
        .finally(() => (this.ticking = null));
    }, this.options.everyMs);
  }

  /**
   * Ends the pulse with one last beat, which says that everything received is durable, and as much of the tick that goes with it as a
   * second is enough for: over 10,000 sources two whole ones kept a receiver from ending for minutes. One that never ran has received
   * nothing, and its first beat is left as it is.
   * @returns whether it ran
   */
  async stop(): Promise<boolean> {
    if (this.timer !== null) clearInterval(this.timer);
    this.cut.abort();
    await Promise.all([this.beating, this.ticking]);
    this.options.watch.stop();
    if (!this.running) return false;
    await this.beat({ isLast: true });
    this.cut = new AbortController();
    const lastTick = setTimeout(() => {
      this.cut.abort();
    }, LAST_TICK_MS);
    await this.tick();
    clearTimeout(lastTick);
    return true;
  }

  private async beat(more: Partial<Noticed> = {}): Promise<void> {
    const { sweep, clock, watch } = this.options;
    const { through, noticed } = await watch.look();
    // W is inclusive, and more may be received in the very millisecond that is asked for.
    this.through = await sweep.beat(clock.now(), through - 1, { ...noticed, ...more });
  }

  private async tick(): Promise<void> {
    const { sweep, sources, clock, isAway, landed } = this.options;
    const { signal } = this.cut;
    if (isAway()) return;
    await sources.persist();
    const publish = async (facts: Swept['facts']): Promise<void> => {
      this.publish(facts);
      // A commit that hangs would keep a receiver that stops for as long as it does.
      if (!(await doneBefore(signal, landed()))) throw new TickCutShort('a batch is still in flight');
    };
    try {
      await sweep.tick(this.through, clock.now(), publish, () => signal.aborted);
    } catch (error) {
      if (!(error instanceof TickCutShort)) throw error;
    }
  }

  private publish(facts: Swept['facts']): void {
    for (const own of facts.values()) this.options.sources.replaceFacts(own);
  }
}

/** Whether work was done before the signal aborted; resolves as soon as either is so. */
function doneBefore(signal: AbortSignal, work: Promise<void>): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const cut = (): void => {
      resolve(false);
    };
    if (signal.aborted) cut();
    signal.addEventListener('abort', cut);
    work
      .then(() => {
        resolve(true);
      }, reject)
      .finally(() => {
        signal.removeEventListener('abort', cut);
      });
  });
}
