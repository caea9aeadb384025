/** Readers of the changes feed that wait for a change: one look at the feed for all of them, four times a second. */
import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Access } from '../access/access.js';
import { CHANGES_QUERY } from '../query/changes/contract.js';
import { TooManyWaiting } from '../query/faults.js';
import { readParameters } from '../query/parameters.js';
import { type ChangesAnswer, type Raw, Reading } from './reading.js';

/** More wait at once than billing systems there are; each holds a connection of HTTP and nothing of the database. */
export const WAITING_MAX = 100;
/** A change is told within so long of its commit; a look takes under a millisecond of PostgreSQL. */
const LOOK_EVERY_MS = 250;

interface Waiting {
  /** A change numbered so or above is news. */
  readonly from: bigint;
  readonly wake: () => void;
  readonly fail: (error: unknown) => void;
}

@Injectable()
export class Following implements OnModuleDestroy {
  private readonly waiting = new Set<Waiting>();
  private timer: NodeJS.Timeout | null = null;
  private looking = false;
  private closed = false;

  constructor(private readonly reading: Reading) {}

  /**
   * A page of the feed; with `wait`, the first one that is not empty within so many seconds, or else an empty one.
   * @param gone aborts when nobody waits for the answer any more
   * @throws TooManyWaiting, and what `Reading` throws
   */
  async changes(raw: Raw, access: Access, gone: AbortSignal): Promise<ChangesAnswer> {
    const { wait } = readParameters(CHANGES_QUERY, raw);
    const until = performance.now() + wait * 1_000;
    let page = await this.reading.changes(raw, access);
    while (page.data.length === 0 && !gone.aborted && !this.closed) {
      const leftMs = until - performance.now();
      if (leftMs <= 0) break;
      if (!page.more) {
        await this.next(BigInt(page.openTx), leftMs, gone);
        await access.demandStill();
      }
      page = await this.reading.changes({ ...raw, after: page.nextCursor }, access);
    }
    return page;
  }

  /** Readers that wait now. */
  waitingCount(): number {
    return this.waiting.size;
  }

  /** Everybody who waits gets what there is, so that the server can stop. */
  onModuleDestroy(): void {
    this.closed = true;
    for (const one of this.waiting) one.wake();
  }

  /** Resolves when there is news, when the time is over, or when nobody waits any more. */
  private async next(from: bigint, leftMs: number, gone: AbortSignal): Promise<void> {
    if (this.waiting.size >= WAITING_MAX) {
      throw new TooManyWaiting(`${String(WAITING_MAX)} readers wait for changes already; ask without wait, or later.`);
    }
    let done = (): void => undefined;
    try {
      await new Promise<void>((wake, fail) => {
        const one = { from, wake, fail };
        const timeout = setTimeout(wake, leftMs);
        const abandon = (): void => {
          wake();
        };
        gone.addEventListener('abort', abandon);
        done = (): void => {
          clearTimeout(timeout);
          gone.removeEventListener('abort', abandon);
          this.waiting.delete(one);
        };
        this.waiting.add(one);
        this.timer ??= setInterval(() => void this.look(), LOOK_EVERY_MS);
      });
    } finally {
      done();
      this.rest();
    }
  }

  private rest(): void {
    if (this.waiting.size > 0 || this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
  }

  private async look(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      const newest = BigInt(await this.reading.newestChangeTx());
      for (const one of this.waiting) if (newest >= one.from) one.wake();
    } catch (error) {
      for (const one of this.waiting) one.fail(error);
    } finally {
      this.looking = false;
    }
  }
}
