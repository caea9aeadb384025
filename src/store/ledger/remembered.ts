/**
 * What this receiver last stored of each Call ID, so that the next notification of a call need not read it back.
 *
 * It is never believed: the write checks the version of every key (`ledger-sql.ts`), so that a memory which another
 * receiver or a rebuild has overtaken costs a second try, with reading and locks, and nothing else.
 *
 *   reading    what is not remembered is read. From {@link NEW_IN_A_ROW} keys read in a row that were not stored on:
 *   foreseeing what is not remembered is taken to be new, as nearly every unknown Call ID is. A lost write leads to:
 *   doubting   nothing is remembered for {@link DOUBT_MS}, because another receiver writes the same calls; then reading.
 *
 * Measured at a window of 256: two thirds of the reads were of calls written a moment ago, the rest of new ones.
 */
import type { KeyChange, KeyRef, StoredKey } from '../../ingest/ports.js';

/** Call IDs remembered at most, the ones least recently written forgotten first: about 1.5 kB each, 30 MB. */
const KEYS_MAX = 20_000;
const NEW_IN_A_ROW = 1_000;
const DOUBT_MS = 5_000;

/** What need not be read of some keys, and what must be. */
export interface Recalled {
  readonly stored: Map<string, StoredKey>;
  readonly unread: readonly KeyRef[];
}

export class Remembered {
  private readonly keys = new Map<string, StoredKey>();
  private newInARow = 0;
  private doubtUntil = Number.NEGATIVE_INFINITY;

  /** What is remembered of the keys, and which of them to read. */
  recall(keys: readonly KeyRef[], now: number): Recalled {
    const stored = new Map<string, StoredKey>();
    if (now < this.doubtUntil) return { stored, unread: keys };
    const unread: KeyRef[] = [];
    for (const key of keys) {
      const known = this.keys.get(key.callKey);
      if (known === undefined) unread.push(key);
      else stored.set(key.callKey, known);
    }
    return { stored, unread: this.newInARow >= NEW_IN_A_ROW ? [] : unread };
  }

  /** Learns from what a read of keys that were not remembered found. */
  learn(unread: number, found: number): void {
    this.newInARow = found === 0 ? this.newInARow + unread : 0;
  }

  /** What was stored just now. */
  keep(changes: readonly KeyChange[]): void {
    for (const { key, expectedVersion, notifications, document } of changes) {
      const known = this.keys.get(key.callKey);
      // Two writes of one key may come back in another order than they were committed in.
      if (known !== undefined && known.version > expectedVersion) continue;
      this.keys.delete(key.callKey);
      this.keys.set(key.callKey, { version: expectedVersion + 1, notifications, calls: document.calls });
    }
    for (const eldest of this.keys.keys()) {
      if (this.keys.size <= KEYS_MAX) break;
      this.keys.delete(eldest);
    }
  }

  /** A write of the keys failed: nothing is known of them. */
  forget(keys: readonly KeyRef[]): void {
    for (const { callKey } of keys) this.keys.delete(callKey);
  }

  /** A write lost against another receiver's. */
  doubt(now: number): void {
    this.doubtUntil = now + DOUBT_MS;
    this.newInARow = 0;
  }
}
