import type { Flight } from './pending.js';

/** Batches under way, and whoever waits for one of them to land. */
export class Flights {
  private readonly flying = new Set<Flight>();
  private readonly waiting: (() => void)[] = [];

  begin(flight: Flight): void {
    this.flying.add(flight);
  }

  land(flight: Flight): void {
    this.flying.delete(flight);
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  now(): readonly Flight[] {
    return [...this.flying];
  }

  nextLanding(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Resolves when all that are under way now have landed, whatever begins meanwhile. */
  async landed(): Promise<void> {
    const flying = this.now();
    while (flying.some((flight) => this.flying.has(flight))) await this.nextLanding();
  }
}
