import type { Clock } from '../../clock.js';

/** After so many acts the event loop gets a turn: a burst of sends must not keep responses waiting in the kernel. */
const ACTS_PER_TURN = 256;

interface Entry {
  readonly at: number;
  /** Order of asking: what is due at one instant is done in this order. */
  readonly order: number;
  readonly act: () => void;
}

/**
 * All that is to happen later, in one binary heap behind one timer: 30,000 notifications with their retries need
 * no 30,000 timers.
 */
export class Schedule {
  private readonly heap: Entry[] = [];
  private order = 0;
  private timer: NodeJS.Timeout | null = null;
  private turn: NodeJS.Immediate | null = null;
  private failed: ((reason: unknown) => void) | null = null;
  private emptied: (() => void) | null = null;

  constructor(private readonly clock: Clock) {}

  /** Does `act` at the instant `at` (ms since the epoch), or as soon as possible when that is past. */
  at(at: number, act: () => void): void {
    const first = this.heap[0];
    this.push({ at, order: this.order, act });
    this.order += 1;
    if (this.emptied !== null && (first === undefined || at < first.at)) this.arm();
  }

  /** Runs until nothing is left to do; rejects with what an act throws. */
  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.emptied = resolve;
      this.failed = reject;
      this.arm();
    });
  }

  /** Forgets what is left; a running `run` resolves. */
  stop(): void {
    this.heap.length = 0;
    this.arm();
  }

  private arm(): void {
    if (this.turn !== null) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const first = this.heap[0];
    if (first === undefined) {
      this.emptied?.();
      this.emptied = null;
      return;
    }
    const waitMs = first.at - this.clock.now();
    if (waitMs > 0) this.timer = setTimeout(this.work, waitMs);
    else this.turn = setImmediate(this.work);
  }

  private readonly work = (): void => {
    this.turn = null;
    const now = this.clock.now();
    try {
      for (let acts = 0; acts < ACTS_PER_TURN; acts += 1) {
        const first = this.heap[0];
        if (first === undefined || first.at > now) break;
        this.pop();
        first.act();
      }
    } catch (error) {
      this.heap.length = 0;
      this.failed?.(error);
    }
    this.arm();
  };

  private push(entry: Entry): void {
    let at = this.heap.length;
    while (at > 0) {
      const above = this.heap[(at - 1) >> 1];
      if (above === undefined || before(above, entry)) break;
      this.heap[at] = above;
      at = (at - 1) >> 1;
    }
    this.heap[at] = entry;
  }

  private pop(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) return;
    let at = 0;
    for (;;) {
      const [left, right] = [this.heap[2 * at + 1], this.heap[2 * at + 2]];
      if (left === undefined) break;
      const lesser = right !== undefined && before(right, left) ? right : left;
      if (before(last, lesser)) break;
      this.heap[at] = lesser;
      at = 2 * at + (lesser === left ? 1 : 2);
    }
    this.heap[at] = last;
  }
}

function before(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
