/** Time that passes only when somebody lets it: a whole simulated day runs in milliseconds and replays exactly (law 6). */
import type { Clock } from '../../src/clock.js';

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

export class VirtualTime implements Clock {
  private entries: Entry[] = [];
  private order = 0;
  private time: number;

  constructor(startAt: number) {
    this.time = startAt;
  }

  now(): number {
    return Math.round(this.time);
  }

  at(at: number, act: () => void): void {
    const entry = { at, order: this.order++, act };
    let [low, high] = [0, this.entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.entries[middle];
      // Kept latest first, so that the next one to act is popped off the end.
      if (other !== undefined && (other.at > at || (other.at === at && other.order < entry.order))) low = middle + 1;
      else high = middle;
    }
    this.entries.splice(low, 0, entry);
  }

  /** The instant of the next act; null when nothing is left. */
  nextAt(): number | null {
    return this.entries.at(-1)?.at ?? null;
  }

  /** Lets time pass to the next act and does everything due at that instant. */
  step(): void {
    const at = this.nextAt();
    if (at === null) return;
    this.time = Math.max(this.time, at);
    for (let entry = this.entries.at(-1); entry !== undefined && entry.at <= at; entry = this.entries.at(-1)) {
      this.entries.pop();
      entry.act();
    }
  }

  /** Lets time pass to an instant at which nothing is due. */
  moveTo(at: number): void {
    this.time = Math.max(this.time, at);
  }
}
