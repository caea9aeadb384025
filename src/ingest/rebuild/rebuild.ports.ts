/** What a rebuild asks of storage. */
import type { SerialHole } from '../../delivery/facts.js';
import type { CallRecord, Notification } from '../../notification.js';
import type { KeyRef } from '../ports.js';
import type { FeedFacts, MeaningChange } from '../sweep/sweep.ports.js';

/** What is received under one key, with the version of the evidence it was read beside. */
export interface RawKey {
  readonly key: KeyRef;
  readonly version: number;
  readonly raw: readonly Notification[];
}

/** A source as a rebuild sees it. */
export interface RebuiltSource {
  readonly key: string;
  /** Every meaning its serials have had, oldest first; none while it is not known. */
  readonly meanings: readonly MeaningChange[];
  /** How far its facts reach: W, or how far its book was moved where its serials count across calls. */
  readonly through: number;
  /** Runs of serials that never came, and the instants at which its serials began anew. */
  readonly holes: readonly SerialHole[];
  readonly epochs: readonly number[];
}

/** What is amiss in the `call` table. */
export interface Standing {
  readonly amiss: ReadonlyMap<string, 'missing' | 'different'>;
  /** Rows of the keys that are no call's. */
  readonly stray: ReadonlyMap<string, ReadonlySet<string>>;
}

export interface RebuildStore {
  sources(): Promise<readonly RebuiltSource[]>;
  feedFacts(since: number): Promise<FeedFacts>;
  /** Where the oldest raw partition begins; null when there is none. */
  oldestRawAt(): Promise<number | null>;
  /** Raw notifications of the keys after `after`, in key order. */
  page(after: string | null, limit: number): Promise<readonly RawKey[]>;
  /** How the rows of these keys' calls stand against the records they should be. */
  compare(
    keys: readonly string[],
    records: readonly { readonly callKey: string; readonly record: CallRecord }[],
  ): Promise<Standing>;
}
