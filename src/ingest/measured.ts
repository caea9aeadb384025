import type { LedgerStore } from './ports.js';

/** A store whose commits are told of, with the time they took in ms and their Call IDs. One that fails is not told of. */
export function measured(store: LedgerStore, onCommit: (tookMs: number, calls: number) => void): LedgerStore {
  return {
    async commit(keys, decide) {
      const startedAt = performance.now();
      await store.commit(keys, decide);
      onCommit(performance.now() - startedAt, keys.length);
    },
  };
}
