/** What access asks of storage. */
import type { Scope } from './scopes.js';

/** Whether a key is good cannot be known now, nor a change be written down: the database does not answer. */
export class AccessUnavailable extends Error {
  override readonly name = 'AccessUnavailable';

  constructor(override readonly cause: unknown) {
    super('the database did not answer');
  }
}

/** A key as it is stored; times in ms since the epoch. */
export interface StoredKey {
  /** What may be shown of it; names it. */
  readonly prefix: string;
  readonly name: string;
  /** SHA-256 of the secret. */
  readonly hash: Uint8Array;
  readonly scopes: readonly Scope[];
  /** Null: every source. */
  readonly sources: readonly string[] | null;
  readonly createdAt: number;
  readonly createdBy: string;
  /** Null: never. */
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly revokedBy: string | null;
  /** Known to the minute. */
  readonly lastUsedAt: number | null;
}

/** One line of the trail: a change that was asked for, one that failed, or reads of clear numbers. */
export interface AuditEntry {
  /** The first of them; ms since the epoch. */
  readonly at: number;
  readonly kind: 'change' | 'refused' | 'clear_read';
  readonly who: string;
  readonly keyPrefix: string | null;
  readonly address: string;
  /** A mutation, a query or a route. */
  readonly action: string;
  /** What it was done to: a source, a key, a call; null: none in particular. */
  readonly subject: string | null;
  readonly detail: string | null;
  readonly times: number;
}

/** Each method throws AccessUnavailable when the database does not answer. */
export interface KeyStore {
  find(prefix: string): Promise<StoredKey | null>;
  /** Whether a key was ever made, be it revoked or expired by now. */
  anyMade(): Promise<boolean>;
  /** The newest first. */
  list(): Promise<readonly StoredKey[]>;
  /** Both or neither; false when there is a key of this prefix. */
  add(key: StoredKey, entry: AuditEntry): Promise<boolean>;
  /** Both or neither. The key as it is then, revoked now or before; null when there is none. */
  revoke(prefix: string, at: number, by: string, entry: AuditEntry): Promise<StoredKey | null>;
  /** Notes a use, unless a later one is noted. */
  used(prefix: string, at: number): Promise<void>;
  append(entries: readonly AuditEntry[]): Promise<void>;
}
