import type { KeyRef, LedgerStore } from '../ports.js';

/** A store whose writes are told of, with the time they took in ms and their Call IDs. One that fails is not told of. */
export function measured(store: LedgerStore, onCommit: (tookMs: number, calls: number) => void): LedgerStore {
  const timed = async (keys: readonly KeyRef[], write: () => Promise<void>): Promise<void> => {
    const startedAt = performance.now();
    await write();
    onCommit(performance.now() - startedAt, keys.length);
  };
  return {
    commit: (keys, decide) => timed(keys, () => store.commit(keys, decide)),
    add: (keys, decide) => timed(keys, () => store.add(keys, decide)),
  };
}
