/**
 * Group commit over the ledger in memory, held back and made to fail by the test: nothing is called stored before its
 * commit has returned (law 1), and nothing vanishes (law 3).
 */
import fc from 'fast-check';
import { noFacts } from '../../src/delivery/facts.js';
import { GroupCommit, type Submission } from '../../src/ingest/commit/group-commit.js';
import { RowRejected, StoreUnavailable, type LedgerStore } from '../../src/ingest/ports.js';
import type { Arrival } from '../../src/notification.js';
import { arrival, EPOCH, SETTINGS } from '../support/arrivals.js';
import { MemoryStore } from '../support/memory-store.js';

/** What becomes of a commit, in turn. */
type Fate = 'commits' | 'away';

/** Call IDs that end in `!` are refused, as PostgreSQL refuses a value. */
function isRefused(callId: string): boolean {
  return callId.endsWith('!');
}

class Gate {
  readonly memory = new MemoryStore();
  private held: (() => void)[] = [];
  private turn = 0;

  constructor(private readonly fates: readonly Fate[]) {}

  readonly store: LedgerStore = {
    commit: (keys, decide) => this.memory.commit(keys, decide),
    add: async (keys, decide) => {
      await new Promise<void>((resolve) => this.held.push(resolve));
      if (this.fates[this.turn++ % this.fates.length] === 'away') throw new StoreUnavailable('away');
      if (keys.some(({ callId }) => isRefused(callId))) throw new RowRejected('refused');
      await this.memory.commit(keys, decide);
    },
  };

  /** Lets every commit that waits go on; false when none did. */
  release(): boolean {
    const going = this.held;
    this.held = [];
    for (const go of going) go();
    return going.length > 0;
  }

  holds({ sourceKey, report, stamp }: Arrival): boolean {
    return [...this.memory.raw.values()].some(
      ({ key, write: { notification: one } }) =>
        key.sourceKey === sourceKey &&
        key.callId === report.callId &&
        one.serial === report.serial &&
        one.state === report.state &&
        one.firstAt <= stamp.at &&
        one.lastAt >= stamp.at,
    );
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const arrivals = fc.array(
  fc
    .tuple(fc.constantFrom('a', 'b', 'c', 'd!'), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 30_000 }))
    .map(([callId, serial, at]) =>
      arrival(callId, String(serial), serial === 1 ? 'ringing' : serial === 2 ? 'ok' : 'bye', at),
    ),
  { minLength: 1, maxLength: 30 },
);
const fates = fc
  .array(fc.constantFrom<Fate>('commits', 'commits', 'away'), { minLength: 1, maxLength: 5 })
  .filter((all) => all.includes('commits'));

function commitTo(gate: Gate, over: { queueMax?: number; batchMax?: number; flightsMax?: number }): GroupCommit {
  return new GroupCommit({
    store: gate.store,
    sources: { facts: (key) => noFacts(key, SETTINGS), ensureStored: () => null },
    clock: { now: () => EPOCH },
    batchMax: 8,
    queueMax: 1000,
    flightsMax: 2,
    onRejected: () => undefined,
    ...over,
  });
}

describe('group commit', () => {
  test('what it calls stored is in the store when it says so; what it does not, the sender is not told of', async () => {
    await fc.assert(
      fc.asyncProperty(
        arrivals,
        fates,
        fc.record({ batchMax: fc.integer({ min: 1, max: 9 }), flightsMax: fc.integer({ min: 1, max: 3 }) }),
        async (all, what, sizes) => {
          const gate = new Gate(what);
          const commit = commitTo(gate, sizes);
          const early: Arrival[] = [];
          const answers = all.map(async (one): Promise<Submission> => {
            const submission = await commit.submit(one);
            if (submission.stored && !gate.holds(one)) early.push(one);
            return submission;
          });
          const done = commit.close();
          while (commit.depth().queued + commit.depth().inFlight > 0) {
            await turn();
            gate.release();
          }
          await done;
          const said = await Promise.all(answers);
          expect(early).toEqual([]);
          said.forEach((submission, index) => {
            const refused = isRefused(all[index]?.report.callId ?? '');
            if (refused) expect(submission.stored).toBe(false);
            else if (!submission.stored) expect(submission.reason).toBe('unavailable');
          });
        },
      ),
      { numRuns: 150 },
    );
  });

  test('nothing is answered while its commit is held', async () => {
    const gate = new Gate(['commits']);
    const commit = commitTo(gate, {});
    const said: Submission[] = [];
    void commit.submit(arrival('a', '1', 'ringing', 0)).then((submission) => said.push(submission));
    for (let n = 0; n < 10; n++) await turn();
    expect(said).toEqual([]);
    expect(commit.durableThrough(EPOCH + 5000)).toBe(EPOCH);
    gate.release();
    await commit.flush();
    expect(said).toEqual([{ stored: true, outcome: 'first' }]);
    expect(commit.durableThrough(EPOCH + 5000)).toBe(EPOCH + 5000);
  });

  test('a copy is stored and acked like the first, within one batch and across two', async () => {
    const gate = new Gate(['commits']);
    const commit = commitTo(gate, {});
    const three = [0, 3000, 6000].map((at) => arrival('a', '1', 'bye', at));
    const together = Promise.all(three.slice(0, 2).map((one) => commit.submit(one)));
    await turn();
    await turn();
    gate.release();
    const alone = three.slice(2).map((one) => commit.submit(one));
    while (commit.depth().queued + commit.depth().inFlight > 0) {
      await turn();
      gate.release();
    }
    expect([...(await together), ...(await Promise.all(alone))]).toEqual([
      { stored: true, outcome: 'first' },
      { stored: true, outcome: 'duplicate' },
      { stored: true, outcome: 'duplicate' },
    ]);
  });

  test('a full queue refuses what comes, and keeps what it has', async () => {
    const gate = new Gate(['commits']);
    const commit = commitTo(gate, { queueMax: 2 });
    const said = [1, 2, 3].map((n) => commit.submit(arrival(String(n), '1', 'bye', 0)));
    expect(await said[2]).toEqual({ stored: false, reason: 'queue_full' });
    await turn();
    await turn();
    gate.release();
    expect(await Promise.all(said.slice(0, 2))).toEqual([
      { stored: true, outcome: 'first' },
      { stored: true, outcome: 'first' },
    ]);
  });

  test('after close nothing is taken', async () => {
    const commit = commitTo(new Gate(['commits']), {});
    await commit.close();
    expect(await commit.submit(arrival('a', '1', 'bye', 0))).toEqual({ stored: false, reason: 'stopping' });
  });
});
