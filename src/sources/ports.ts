/** What the registry of sources asks of storage. */
import type { CodecLock } from '../wire/lock.js';

/** A source as it is stored. */
export interface SourceRow {
  /** Fixed when first seen: the configured name, else the address. It enters the ids of calls. */
  readonly key: string;
  readonly name: string;
  readonly addresses: readonly string[];
  /** Null until three datagrams agreed. */
  readonly lock: CodecLock | null;
}

export interface SourceStore {
  /** Every source. */
  load(): Promise<readonly SourceRow[]>;
  /**
   * Adds sources, or adds their addresses to those that are stored and gives them their name. Two receivers may do so at once.
   * @param at when they were first seen, ms since the epoch
   */
  save(sources: readonly Omit<SourceRow, 'lock'>[], at: number): Promise<void>;
  /** Keeps a lock unless another one is kept; returns the one that is kept then. */
  saveLock(key: string, lock: CodecLock): Promise<CodecLock>;
  /** Last receipts, ms since the epoch, by source key. */
  saveHeard(heard: ReadonlyMap<string, number>): Promise<void>;
}
