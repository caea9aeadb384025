/**
 * Group commit with a spool, over a ledger in memory that fails, hangs or answers late as it is told: what is called stored is in
 * the ledger or kept (law 1), everything is answered once (law 3), and what is called settled really is in the ledger.
 */
import fc from 'fast-check';
import { noFacts } from '../../src/delivery/facts.js';
import { type Fallback, GroupCommit, type Submission } from '../../src/ingest/commit/group-commit.js';
import { type LedgerStore, StoreUnavailable } from '../../src/ingest/ports.js';
import type { SegmentInfo, SpoolPlace } from '../../src/ingest/spool/inventory.js';
import type { Arrival } from '../../src/notification.js';
import { arrival, EPOCH, keyOf, SETTINGS } from '../support/arrivals.js';
import { MemoryStore } from '../support/memory-store.js';

type Fate = 'commits' | 'away' | 'late' | 'late and away';

const AFTER_MS = 4;
const LATE_MS = 12;
const segment = { sequence: 1 } as SegmentInfo;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

class World implements Fallback {
  readonly memory = new MemoryStore();
  readonly afterMs = AFTER_MS;
  readonly patienceMs = 10 * AFTER_MS;
  readonly kept: Arrival[] = [];
  readonly settled = new Set<Arrival>();
  private turn = 0;
  private keeps = 0;
  private openUntil = 0;

  constructor(
    private readonly fates: readonly Fate[],
    private readonly spools: readonly boolean[],
  ) {}

  readonly store: LedgerStore = {
    commit: (keys, decide) => this.memory.commit(keys, decide),
    add: async (keys, decide) => {
      const fate = this.fates[this.turn++ % this.fates.length];
      if (fate === 'late' || fate === 'late and away') await sleep(LATE_MS);
      else await sleep(0);
      if (fate === 'away' || fate === 'late and away') throw new StoreUnavailable('away');
      await this.memory.add(keys, decide);
    },
  };

  route(): 'database' | 'spool' {
    return this.turn < this.openUntil ? 'spool' : 'database';
  }

  failed(): void {
    // Open for as long as one more commit, which nothing but a probe would ask for.
    this.openUntil = this.turn + 1;
    setTimeout(() => (this.openUntil = 0), AFTER_MS);
  }

  readonly slow = (): void => undefined;

  async keep(arrivals: readonly Arrival[]): ReturnType<Fallback['keep']> {
    await sleep(0);
    if (this.spools[this.keeps++ % this.spools.length] === false) return { kept: false, reason: 'spool_full' };
    const from = this.kept.length;
    this.kept.push(...arrivals);
    return { kept: true, places: arrivals.map((_, index) => ({ segment, from: from + index })) };
  }

  settle({ from }: SpoolPlace, one: Arrival): void {
    expect(this.kept[from]).toBe(one);
    this.settled.add(one);
  }

  holds(one: Arrival): boolean {
    const { callKey } = keyOf(one);
    return [...this.memory.raw.values()].some(
      ({ key, write }) => key.callKey === callKey && write.notification.serial === one.report.serial,
    );
  }
}

const fate = fc.constantFrom<Fate>('commits', 'commits', 'away', 'late', 'late and away');

test('whatever database and disk do, what is acked is in one of them, and everything is answered once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fate, { minLength: 1, maxLength: 6 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.integer({ min: 0, max: 3 })), { maxLength: 24 }),
      async (fates, spools, given) => {
        const world = new World(fates, spools);
        const groupCommit = new GroupCommit({
          ...{ store: world.store, clock: { now: () => EPOCH }, fallback: world },
          sources: { facts: (key) => noFacts(key, SETTINGS), ensureStored: () => null },
          ...{ batchMax: 4, queueMax: 1_000, flightsMax: 2, onRejected: () => undefined },
        });
        const arrivals = given.map(([callId], index) => arrival(callId, String(index), 'ringing', index));
        const answers: Promise<Submission>[] = [];
        for (const [index, one] of arrivals.entries()) {
          answers.push(groupCommit.submit(one));
          await sleep(given[index]?.[1] ?? 0);
        }
        const submissions = await Promise.all(answers);
        await groupCommit.close();
        expect(groupCommit.depth()).toEqual({ queued: 0, inFlight: 0 });
        for (const [index, submission] of submissions.entries()) {
          const one = arrivals[index];
          if (one === undefined || !submission.stored) continue;
          if (submission.outcome === 'spooled') expect(world.kept).toContain(one);
          else expect(world.holds(one)).toBe(true);
        }
        while (groupCommit.hasOverdue()) await sleep(1);
        for (const one of world.settled) expect(world.holds(one)).toBe(true);
        const drained = await groupCommit.drain(world.kept.filter((one) => !world.settled.has(one)));
        expect(drained).toHaveLength(world.kept.length - world.settled.size);
      },
    ),
    { numRuns: 60 },
  );
});
