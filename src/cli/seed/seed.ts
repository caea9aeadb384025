/**
 * Writes a history of made-up calls. Each record is what the product's own fold makes of its notifications, written by
 * ingest's own statement, so that a rebuild of a seeded ledger finds nothing to correct (test/db/seed.spec.ts).
 */
import { type LossWindow, NO_HABITS, noFacts, type SourceFacts } from '../../delivery/facts.js';
import { assemble } from '../../ingest/assemble.js';
import { type KeyChange, NOTHING_STORED } from '../../ingest/ports.js';
import { callKeyOf } from '../../lifecycle/keys.js';
import { horizonMs, type Settings } from '../../notification.js';
import type { PgSeedStore } from '../../store/seed.js';
import { begins, callOf, type SeededCall, type Seeding, SOURCES } from './traffic.js';

/** Calls of one transaction, and transactions side by side: one is folded while the other is written. */
const BATCH_CALLS = 500;
const LANES = 2;

/** The last window that W has closed when the history ends: 1 % of tries were lost in it. */
function lastWindow(until: number, settings: Settings): LossWindow {
  const { lossWindowMs } = settings;
  const to = Math.floor((until - horizonMs(settings)) / lossWindowMs) * lossWindowMs;
  const habits = { ...NO_HABITS, answerRatio: 0.62, ringingRatio: 0.99, unansweredByeRatio: 0.99 };
  return { from: to - lossWindowMs, to, p: 0.01, habits };
}

/** What the ledger knows of each source, which is what a rebuild will find. */
function factsOf(seeding: Seeding, settings: Settings, window: LossWindow): ReadonlyMap<string, SourceFacts> {
  return new Map(
    SOURCES.map(({ key, meaning }) => {
      const versions = [{ since: seeding.from, settings }];
      const known = { meaning, serialBase: 1, through: seeding.until, versions, lossWindows: [window] };
      return [key, { ...noFacts(key, settings), ...known }];
    }),
  );
}

function changeOf({ sourceKey, callId, arrivals }: SeededCall, facts: SourceFacts, asOf: number): KeyChange {
  const key = { callKey: callKeyOf(sourceKey, callId), sourceKey, callId };
  return assemble(key, NOTHING_STORED, arrivals, facts, asOf).change;
}

/**
 * Seeds an empty ledger.
 * @param told how many calls are written, after each batch
 */
export async function seedLedger(
  store: PgSeedStore,
  seeding: Seeding,
  settings: Settings,
  told: (calls: number) => void = () => undefined,
): Promise<void> {
  const window = lastWindow(seeding.until, settings);
  await store.lay({ from: seeding.from, until: seeding.until, settings, sources: SOURCES, window });
  const facts = factsOf(seeding, settings, window);
  const beginAt = begins(seeding);
  let next = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    while (next < seeding.calls) {
      const indexes = Array.from({ length: Math.min(BATCH_CALLS, seeding.calls - next) }, (_, more) => next + more);
      next += indexes.length;
      const calls = indexes.map((index) => callOf(index, beginAt(index), seeding));
      const lastAt = Math.max(...calls.flatMap(({ arrivals }) => arrivals.map(({ stamp }) => stamp.at)));
      const changes = calls.flatMap((call) => {
        const known = facts.get(call.sourceKey);
        return known === undefined ? [] : [changeOf(call, known, lastAt)];
      });
      await store.write(changes, lastAt);
      done += indexes.length;
      told(done);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await store.analyze();
}
