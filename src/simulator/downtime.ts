import { setTimeout as sleep } from 'node:timers/promises';
import { isNativeError } from 'node:util/types';

const POLL_MS = 250;

/**
 * How long the receiver was down while a run went on: the time between answers during which its HTTP port refused. A slow
 * answer is none of it; the receiver's process exists and its kernel queues datagrams.
 */
export class Downtime {
  private totalMs = 0;
  private answeredAt = performance.now();
  private refused = false;
  private stopping = false;

  /** @param api such as `http://127.0.0.1:3000` */
  constructor(private readonly api: string) {}

  /**
   * Watches for as long as `work` takes, and no longer when it fails: a watch left behind keeps its process for ever.
   * @returns what the work did, and the measured time in ms, null when nothing was refused
   */
  async during<T>(work: () => Promise<T>): Promise<{ readonly done: T; readonly downMs: number | null }> {
    this.answeredAt = performance.now();
    const watching = this.watch();
    try {
      const done = await work();
      this.stopping = true;
      await watching;
      return { done, downMs: this.totalMs === 0 ? null : Math.round(this.totalMs) };
    } finally {
      this.stopping = true;
    }
  }

  private async watch(): Promise<void> {
    while (!this.stopping) {
      const answer = await this.ask();
      const now = performance.now();
      if (answer === 'refused') this.refused = true;
      if (answer === 'answered') {
        if (this.refused) this.totalMs += now - this.answeredAt;
        this.refused = false;
        this.answeredAt = now;
      }
      await sleep(POLL_MS);
    }
    // Down to the end: all of it counts.
    if (this.refused) this.totalMs += performance.now() - this.answeredAt;
  }

  private async ask(): Promise<'answered' | 'refused' | 'slow'> {
    try {
      const response = await fetch(new URL('/health/live', this.api), { signal: AbortSignal.timeout(2000) });
      await response.arrayBuffer();
      return 'answered';
    } catch (error) {
      // Not instanceof: fetch makes its errors in a realm of its own.
      const cause = isNativeError(error) ? error.cause : undefined;
      const code = isNativeError(cause) && 'code' in cause ? cause.code : undefined;
      return code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' ? 'refused' : 'slow';
    }
  }
}
