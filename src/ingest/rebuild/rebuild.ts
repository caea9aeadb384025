/**
 * Rebuilds every record from the raw notifications and the facts, and writes only what differs (law 2): a rebuild of a
 * ledger that is right changes nothing, not even a revision.
 *
 * Calls older than the oldest raw partition plus the stale limit are left alone: what began them may have been dropped.
 */
import { noFacts, type SourceFacts } from '../../delivery/facts.js';
import type { Settings } from '../../notification.js';
import { foldAnew, rebuilt } from '../assemble/assemble.js';
import { overflowsOf } from '../feed/span-gaps.js';
import { type LedgerStore, NOTHING_STORED } from '../ports.js';
import type { RawKey, RebuildStore, RebuiltSource } from './rebuild.ports.js';
import type { FeedFacts, MeaningChange } from '../sweep/sweep.ports.js';

export interface Rebuild {
  readonly keys: number;
  readonly changed: number;
  readonly skipped: number;
}

const KEYS_AT_ONCE = 500;

/** The facts of a source under each meaning it has had: each reaches to where the next begins. */
export function factsByMeaning(source: RebuiltSource, settings: Settings, feed: FeedFacts): readonly SourceFacts[] {
  // The first meaning learned holds from the first notification on.
  const nothing: MeaningChange = { since: Number.NEGATIVE_INFINITY, meaning: 'unknown', serialBase: 1 };
  const versions = source.meanings.length === 0 ? [nothing] : source.meanings;
  return versions.map(({ meaning, serialBase }, index): SourceFacts => {
    const until = versions[index + 1]?.since ?? source.through;
    return {
      ...noFacts(source.key, settings),
      meaning,
      serialBase,
      through: Math.min(until, source.through),
      holes: source.holes,
      epochs: source.epochs,
      outages: feed.outages,
      versions: feed.versions,
      overflows: overflowsOf(source.key, feed.overflows),
      quarantinedAt: feed.quarantinedAt.get(source.key) ?? [],
      lossWindows: feed.windows.get(source.key) ?? [],
    };
  });
}

/**
 * Rebuilds the whole ledger, page by page of keys.
 * @param progress told after each page
 * @returns how many keys there were, how many had something to write, how many were left alone
 */
export async function rebuildLedger(
  store: RebuildStore,
  ledger: LedgerStore,
  settings: Settings,
  now: number,
  progress: (done: Rebuild) => void = () => undefined,
): Promise<Rebuild> {
  const feed = await store.feedFacts(0);
  const sources = await store.sources();
  const facts = new Map(sources.map((source) => [source.key, factsByMeaning(source, settings, feed)]));
  const oldest = ((await store.oldestRawAt()) ?? 0) + settings.staleAnsweredMs;
  let done: Rebuild = { keys: 0, changed: 0, skipped: 0 };
  for (let after: string | null = null; ;) {
    const page: readonly RawKey[] = await store.page(after, KEYS_AT_ONCE);
    const whole = page.filter(
      ({ raw }) => raw.every((one) => one.firstAt >= oldest) || oldest <= settings.staleAnsweredMs,
    );
    const changed = await rebuildKeys(whole, store, ledger, facts, now);
    done = {
      keys: done.keys + page.length,
      changed: done.changed + changed,
      skipped: done.skipped + page.length - whole.length,
    };
    progress(done);
    const last = page.at(-1);
    if (last === undefined) return done;
    after = last.key.callKey;
  }
}

async function rebuildKeys(
  page: readonly RawKey[],
  store: RebuildStore,
  ledger: LedgerStore,
  facts: ReadonlyMap<string, readonly SourceFacts[]>,
  now: number,
): Promise<number> {
  const folded = page.map((one) => ({ ...one, calls: foldAnew(one.key, one.raw, facts.get(one.key.sourceKey) ?? []) }));
  const { amiss, stray } = await store.compare(
    folded.map(({ key }) => key.callKey),
    folded.flatMap(({ key, calls }) => calls.map(({ record }) => ({ callKey: key.callKey, record }))),
  );
  let changed = 0;
  await ledger.commit(
    folded.map(({ key }) => key),
    (stored) => {
      const changes = folded.flatMap(({ key, version, raw, calls }) => {
        const known = stored.get(key.callKey) ?? NOTHING_STORED;
        // Written meanwhile by a receiver, from what it read: that is newer than what was read here.
        if (known.version !== version) return [];
        return rebuilt(key, known, raw, calls, { amiss, stray: stray.get(key.callKey) ?? new Set() }, now) ?? [];
      });
      changed = changes.length;
      return changes;
    },
  );
  return changed;
}
