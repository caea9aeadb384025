import type { LoopWatch } from './loop-watch.js';
import type { Noticed } from './heartbeat.js';
import type { OverflowWatch } from './overflow-watch.js';

/** What a beat says: up to when everything received is stored or told of in `noticed`. */
export interface Watched {
  readonly through: number;
  readonly noticed: Noticed;
}

/** What a receiver notices of its own hearing, for its beats: where it stood still, and what it dropped. */
export class FeedWatch {
  constructor(
    private readonly loop: LoopWatch,
    private readonly overflow: OverflowWatch,
  ) {}

  start(): void {
    this.loop.start();
  }

  stop(): void {
    this.loop.stop();
  }

  async look(): Promise<Watched> {
    const { through, overflows } = await this.overflow.look();
    return { through, noticed: { stalls: this.loop.take(), overflows } };
  }
}
