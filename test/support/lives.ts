/** Calls written through the ledger's own store, so that readers see what ingest would have left. */
import { noFacts } from '../../src/delivery/facts.js';
import { assemble } from '../../src/ingest/assemble/assemble.js';
import { type LedgerStore, NOTHING_STORED } from '../../src/ingest/ports.js';
import type { Arrival, WireState } from '../../src/notification.js';
import { arrival, EPOCH, keyOf, SETTINGS } from './arrivals.js';

/** The source all arrivals of tests come from. */
export const SOURCE = '127.0.0.1';
/** W far beyond the end of every call: all of them may settle. */
export const LONG_AFTER = EPOCH + 100_000_000;

/** Writes arrivals as one batch. */
export async function write(store: Pick<LedgerStore, 'commit'>, ...arrivals: readonly Arrival[]): Promise<void> {
  const keys = [...new Map(arrivals.map((one) => [keyOf(one).callKey, keyOf(one)])).values()];
  await store.commit(keys, (stored) =>
    keys.map((key) => {
      const own = arrivals.filter((one) => keyOf(one).callKey === key.callKey);
      const known = stored.get(key.callKey) ?? NOTHING_STORED;
      return assemble(key, known, own, noFacts(key.sourceKey, SETTINGS), EPOCH).change;
    }),
  );
}

/** The `index`th notification of a call that rings, is answered after a second and ends. */
export function stage(callId: string, index: 0 | 1 | 2, endMs = 30_000): Arrival {
  const states: readonly WireState[] = ['ringing', 'ok', 'bye'];
  const at = [0, 1_000, endMs] as const;
  return arrival(callId, String(index + 1), states[index] ?? 'bye', at[index]);
}

/** A whole call, three notifications. */
export function life(callId: string, endMs = 30_000): readonly Arrival[] {
  return [stage(callId, 0), stage(callId, 1), stage(callId, 2, endMs)];
}
