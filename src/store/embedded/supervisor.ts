import type { Guard } from './guard.js';
import { type Happening, moved, QUICK_TRIES, SLOW_WAIT_MS, type Supervision } from './supervision.js';

export interface SupervisorOptions {
  /** Makes the server run and connects to it. */
  readonly start: () => Promise<Guard>;
  /** Given a sentence for the operator whenever the server is lost, is back, or cannot be had back. */
  readonly tell: (sentence: string) => void;
  /** Where the server's own words are. */
  readonly logFile: string;
}

/** Acts on what `supervision.ts` decides: starts the embedded PostgreSQL again whenever it is lost, until it is told to stop. */
export class Supervisor {
  private state: Supervision;
  private timer: NodeJS.Timeout | null = null;
  private starting: Promise<void> | null = null;
  private lostAt = 0;
  /** Failed starts that were told of, by their words: a full disk says the same every 15 s. */
  private told = '';

  /** @param guard the connection to a server that is up */
  constructor(
    private guard: Guard,
    private readonly options: SupervisorOptions,
  ) {
    this.state = { phase: 'up', tries: 0, upSince: performance.now() };
    this.watch(guard);
  }

  /** Starts nothing any more and ends its connection; false when another process has come to answer for the server. */
  async stop(): Promise<boolean> {
    this.move('stop');
    await this.starting;
    await this.guard.end();
    return this.guard.owner;
  }

  private watch(guard: Guard): void {
    void guard.ended.then(() => {
      if (this.state.phase !== 'up') return;
      this.lostAt = performance.now();
      this.options.tell('The embedded PostgreSQL is gone; it is started again.');
      this.move('lost');
    });
  }

  private move(happening: Happening): void {
    const before = this.state;
    const state = moved(before, happening, performance.now());
    this.state = state;
    if (state === before) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (state.phase === 'starting') this.starting = this.attempt();
    if (state.phase !== 'waiting') return;
    if (state.tries === QUICK_TRIES + 1) this.tellSlow();
    this.timer = setTimeout(() => this.move('due'), Math.max(0, state.dueAt - performance.now()));
    this.timer.unref();
  }

  private tellSlow(): void {
    const { tell, logFile } = this.options;
    tell(
      `The embedded PostgreSQL was lost or did not start ${String(QUICK_TRIES)} times running; its own words are in ${logFile}. ` +
        `It is tried again every ${String(SLOW_WAIT_MS / 1000)} s.`,
    );
  }

  /** One start; never rejects. */
  private async attempt(): Promise<void> {
    const { start, tell } = this.options;
    try {
      this.guard = await start();
      tell(`The embedded PostgreSQL is back after ${String(Math.round(performance.now() - this.lostAt))} ms.`);
      this.told = '';
      this.move('came_up');
      this.watch(this.guard);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      if (words !== this.told) tell(words);
      this.told = words;
      this.move('failed');
    }
  }
}
