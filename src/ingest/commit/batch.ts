/** One batch in one commit: arrivals by Call ID, assembled from what is stored of it. */
import type { ArrivalOutcome } from '../../delivery/evidence.js';
import type { SourceFacts } from '../../delivery/facts.js';
import type { Clock } from '../../clock.js';
import type { Arrival } from '../../notification.js';
import { assemble } from '../assemble/assemble.js';
import { type KeyChange, type KeyRef, type LedgerStore, NOTHING_STORED, type StoredKey } from '../ports.js';

/** What group commit asks of the sources. */
export interface IngestSources {
  /** What the ledger knows about a source now. */
  facts(sourceKey: string): SourceFacts;
  /**
   * Makes sure that the rows of these sources are stored; null when they are known to be.
   * @throws StoreUnavailable
   */
  ensureStored(sourceKeys: Iterable<string>): Promise<void> | null;
}

/** An arrival and the key it is stored under. */
export interface Keyed {
  readonly arrival: Arrival;
  readonly callKey: string;
}

export interface BatchOptions {
  readonly store: LedgerStore;
  readonly sources: IngestSources;
  readonly clock: Clock;
}

/**
 * Commits a batch.
 * @returns what each of them turned out to be
 * @throws StoreUnavailable | RowRejected
 */
export async function commitBatch<One extends Keyed>(
  batch: readonly One[],
  { store, sources, clock }: BatchOptions,
): Promise<ReadonlyMap<One, ArrivalOutcome>> {
  await sources.ensureStored(new Set(batch.map(({ arrival }) => arrival.sourceKey)));
  const byKey = new Map<string, One[]>();
  for (const one of batch) {
    const mates = byKey.get(one.callKey);
    if (mates === undefined) byKey.set(one.callKey, [one]);
    else mates.push(one);
  }
  const groups = [...byKey.values()].map((mates) => ({ key: keyOf(mates), mates }));
  const outcomes = new Map<One, ArrivalOutcome>();
  const decide = (stored: ReadonlyMap<string, StoredKey>): readonly KeyChange[] => {
    const asOf = clock.now();
    return groups.map(({ key, mates }) => {
      const arrivals = mates.map(({ arrival }) => arrival);
      const before = stored.get(key.callKey) ?? NOTHING_STORED;
      const assembled = assemble(key, before, arrivals, sources.facts(key.sourceKey), asOf);
      for (const [index, one] of mates.entries()) {
        const outcome = assembled.outcomes[index];
        if (outcome !== undefined) outcomes.set(one, outcome);
      }
      return assembled.change;
    });
  };
  await store.add(
    groups.map(({ key }) => key),
    decide,
  );
  return outcomes;
}

function keyOf(mates: readonly Keyed[]): KeyRef {
  const [first] = mates;
  if (first === undefined) throw new Error('a key without arrivals');
  return { callKey: first.callKey, sourceKey: first.arrival.sourceKey, callId: first.arrival.report.callId };
}
