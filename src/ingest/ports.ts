/**
 * What ingest asks of storage. Two things implement it: PostgreSQL (src/store) and, for the seeded simulation,
 * memory; both pass the same contract test.
 */
import type { PackedEvidence, NotificationChange } from '../delivery/evidence.js';
import type { CallRecord, Gap, Notification } from '../notification.js';

/** One Call ID of one source: the unit that is locked, folded and written. */
export interface KeyRef {
  /** uuid(source, callId) */
  readonly callKey: string;
  readonly sourceKey: string;
  readonly callId: string;
}

/** What the last fold left behind about one call, to tell a change from a rewrite without reading the call table. */
export interface WrittenCall {
  readonly id: string;
  /** Hash of the contract's fields, without those that count writes. */
  readonly hash: string;
  /** Tells whether it is still made of the same receipts, copies included. */
  readonly seen: string;
  /** Once ended, the sweep may have settled it without telling the evidence row: its `call` row may be in either partition. */
  readonly ended: boolean;
  /** Its declared gaps that are open or lost. */
  readonly gaps: readonly Gap[];
}

/** The stored evidence document: notifications plus what was written from them. */
export interface EvidenceDocument extends PackedEvidence {
  readonly calls: readonly WrittenCall[];
}

export interface StoredKey {
  /** 0 when nothing is stored yet. */
  readonly version: number;
  readonly notifications: readonly Notification[];
  readonly calls: readonly WrittenCall[];
}

export const NOTHING_STORED: StoredKey = { version: 0, notifications: [], calls: [] };

/** A raw row to write; `replaces` names the first receipts of rows (same identity and digest) it takes the place of. */
export interface RawWrite extends NotificationChange {
  readonly payload: Uint8Array;
  /** 64-bit hash of the content, as a decimal string. */
  readonly digest: string;
}

export interface CallWrite {
  readonly record: CallRecord;
  /** `insert`: no row yet. `open`: the row is in call_unsettled. `either`: the row is in one of the two partitions. */
  readonly place: 'insert' | 'open' | 'either';
  /**
   * A field of the contract changed, `settled` aside. The store raises `revision` by one when this is true or when the
   * row's `settled` changes with the write; an insert starts at 1.
   */
  readonly revised: boolean;
}

/** Everything one key's fold asks to be written. */
export interface KeyChange {
  readonly key: KeyRef;
  readonly expectedVersion: number;
  /** Everything received under the key, which `document` packs. */
  readonly notifications: readonly Notification[];
  readonly document: EvidenceDocument;
  readonly lastAt: number;
  readonly raw: readonly RawWrite[];
  readonly calls: readonly CallWrite[];
  /** Ids of calls that a re-cut took away: to be deleted from `call`. */
  readonly superseded: readonly string[];
  readonly gaps: readonly Gap[];
}

/** A datagram that could not be stored as a notification: one row, for all its copies at most H apart. */
export interface QuarantinedDatagram {
  readonly id: string;
  readonly receivedAt: number;
  readonly lastReceivedAt: number;
  /** Receipts to add to the row. */
  readonly copies: number;
  readonly sourceKey: string;
  readonly address: string;
  readonly reason: string;
  readonly detail: string;
  /** What is kept of it; `length` is what arrived. */
  readonly bytes: Uint8Array;
  readonly length: number;
}

/** Expected failures of a commit: what the caller must tell apart. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
}

/** PostgreSQL refused the values of some row in the batch. */
export class RowRejected extends Error {
  override readonly name = 'RowRejected';
}

export interface LedgerStore {
  /**
   * One transaction. Locks the keys in key order, hands what is stored to `decide`, writes what it returns, commits.
   * When another receiver made one of the keys meanwhile the whole is tried again, so `decide` may run more than once.
   * Keys that `decide` leaves out are not written.
   * @throws StoreUnavailable the database is away; nothing is known about the transaction
   * @throws RowRejected nothing was written
   */
  commit(
    keys: readonly KeyRef[],
    decide: (stored: ReadonlyMap<string, StoredKey>) => readonly KeyChange[],
  ): Promise<void>;

  /**
   * The same for arrivals, of which each changes its key: what is stored may be told from memory, for the write finds out
   * when the memory is wrong. (`commit` always reads, since it may decide to write nothing.)
   */
  add(keys: readonly KeyRef[], decide: (stored: ReadonlyMap<string, StoredKey>) => readonly KeyChange[]): Promise<void>;
}

export interface QuarantineStore {
  /**
   * Keeps datagrams that failed, new ones and further copies of kept ones (same `id`), at most `keepMost` rows in all.
   * @returns how many of the oldest rows were dropped for it
   * @throws StoreUnavailable nothing was written
   */
  keep(datagrams: readonly QuarantinedDatagram[], keepMost: number): Promise<number>;
}
