/** How often something may be done, one count a name, in bounded memory. */

export interface BucketOptions {
  /** Takes a second in the long run. */
  readonly perS: number;
  /** Takes at once after a rest. */
  readonly burst: number;
  /** Names kept; beyond, the one asked for longest ago is forgotten, as if it had rested. */
  readonly namesMax: number;
}

/** Token buckets, each kept as the one instant at which it will be full again. */
export class Buckets {
  /** ms, in the order of the last question. */
  private readonly fullAt = new Map<string, number>();
  private readonly everyMs: number;

  constructor(private readonly options: BucketOptions) {
    this.everyMs = 1000 / options.perS;
  }

  /**
   * Takes one.
   * @param now ms; never goes back
   * @returns 0 when there was one, else the ms until there is
   */
  take(name: string, now: number): number {
    const waitMs = this.peek(name, now);
    if (waitMs === 0) this.keep(name, this.known(name, now) + this.everyMs);
    return waitMs;
  }

  /** As `take`, without taking. */
  peek(name: string, now: number): number {
    const fullAt = this.known(name, now);
    this.keep(name, fullAt);
    const emptyUntil = fullAt + this.everyMs - this.options.burst * this.everyMs;
    return Math.max(0, Math.ceil(emptyUntil - now));
  }

  get size(): number {
    return this.fullAt.size;
  }

  private known(name: string, now: number): number {
    return Math.max(now, this.fullAt.get(name) ?? now);
  }

  private keep(name: string, fullAt: number): void {
    this.fullAt.delete(name);
    this.fullAt.set(name, fullAt);
    const [oldest] = this.fullAt.keys();
    if (this.fullAt.size > this.options.namesMax && oldest !== undefined) this.fullAt.delete(oldest);
  }
}
