/**
 * Keys: made, shown, revoked.
 *
 * made      by somebody at the database (`ringledger keys`), or by a holder of `admin`; its secret is shown once
 * good      until it expires or is revoked; what is known of it is asked anew after half a second, so that one revoked
 *           anywhere opens nothing a second later
 * revoked   for ever; the row stays
 */
import { type Clock, TimedOut, within } from '../clock.js';
import { type AskedKey, type KeyFault, judgeKey } from './judge-key.js';
import { AccessUnavailable, type AuditEntry, type KeyStore, type StoredKey } from './ports.js';
import { newToken, readToken, sameHash, type Token } from './token.js';

/** A key revoked by another process is noticed after at most this and one query. */
const FRESH_MS = 500;
/** While the database is away a key that was good stays good for so long, so that metrics can be scraped in an outage. */
const GRACE_MS = 3_600_000;
/** What is asked of the database is waited for so long: one that hangs is away, and health and metrics must tell. */
const PATIENCE_MS = 1_000;
/** Keys remembered; nobody has more in use at once. */
const REMEMBERED_MAX = 1_000;
const USED_EVERY_MS = 60_000;

/** Who makes or revokes a key, and from where. */
export interface KeyMaker {
  readonly name: string;
  readonly prefix: string | null;
  readonly address: string;
}

/** What became of a secret that was shown. */
export type Verified =
  | { readonly good: true; readonly key: StoredKey; readonly stale: boolean }
  | { readonly good: false; readonly reason: string };

interface Remembered {
  readonly key: StoredKey;
  readonly readAt: number;
}

export class Keys {
  private readonly remembered = new Map<string, Remembered>();
  private readonly notedAt = new Map<string, number>();
  private asking: Promise<boolean> | null = null;
  private made: { readonly any: boolean; readonly readAt: number } | null = null;

  constructor(
    private readonly store: KeyStore,
    private readonly clock: Clock,
  ) {}

  /**
   * Whether keys are required: one was made once, be it revoked or expired by now.
   * @throws AccessUnavailable it was never known and the database does not answer
   */
  async required(): Promise<boolean> {
    const now = this.clock.now();
    if (this.made !== null && (this.made.any || now - this.made.readAt < FRESH_MS)) return this.made.any;
    try {
      // One question for all who wait: a database that hangs would lose a connection to each.
      this.asking ??= this.store.anyMade().finally(() => (this.asking = null));
      this.made = { any: await inTime(this.asking), readAt: now };
    } catch (error) {
      if (this.made === null || !(error instanceof AccessUnavailable)) throw error;
    }
    return this.made.any;
  }

  /** Whether this text was a good key a while ago: it is let through where guesses are not. */
  wasGood(text: string): boolean {
    const token = readToken(text);
    const known = token === null ? undefined : this.remembered.get(token.prefix);
    return known !== undefined && token !== null && sameHash(known.key.hash, token.hash);
  }

  /** @throws AccessUnavailable */
  async verify(text: string): Promise<Verified> {
    const token = readToken(text);
    if (token === null) return UNKNOWN;
    const found = await this.find(token);
    if (found === null) return UNKNOWN;
    const { key, stale } = found;
    // Only whoever has the whole secret is told why it no longer counts.
    if (!sameHash(key.hash, token.hash)) return UNKNOWN;
    const now = this.clock.now();
    if (key.revokedAt !== null) return { good: false, reason: 'This key was revoked. Ask for another one.' };
    if (key.expiresAt !== null && key.expiresAt <= now) {
      return {
        good: false,
        reason: `This key expired at ${new Date(key.expiresAt).toISOString()}. Ask for another one.`,
      };
    }
    this.note(key, now);
    return { good: true, key, stale };
  }

  /** @throws AccessUnavailable */
  list(): Promise<readonly StoredKey[]> {
    return this.store.list();
  }

  /**
   * Makes a key.
   * @param secret one that was chosen elsewhere; left out: a new one
   * @returns the secret, which is nowhere else; or every fault of what was asked
   * @throws AccessUnavailable
   */
  async create(
    asked: AskedKey,
    by: KeyMaker,
    secret?: string,
  ): Promise<{ readonly secret: string; readonly key: StoredKey } | { readonly faults: readonly KeyFault[] }> {
    const now = this.clock.now();
    const judged = judgeKey(asked, now);
    if ('faults' in judged) return judged;
    const token = secret === undefined ? newToken() : chosen(secret);
    if (token === null) return { faults: [{ parameter: 'secret', reason: 'has not the form of a key' }] };
    const { prefix, hash } = token;
    const unused = { revokedAt: null, revokedBy: null, lastUsedAt: null };
    const key: StoredKey = { prefix, hash, ...judged.key, createdAt: now, createdBy: by.name, ...unused };
    const bound = key.sources === null ? '' : `; sources ${key.sources.join(' ')}`;
    const entry = entryOf(by, { at: now, action: 'createKey', subject: prefix });
    const added = await this.store.add(key, { ...entry, detail: `${key.scopes.join(' ')}${bound}` });
    if (!added) return { faults: [{ parameter: 'secret', reason: 'begins like a key there is: take another' }] };
    this.made = { any: true, readAt: now };
    return { secret: token.secret, key };
  }

  /**
   * Revokes a key; one that is revoked stays as it is.
   * @returns null when there is no such key
   * @throws AccessUnavailable
   */
  async revoke(prefix: string, by: KeyMaker): Promise<StoredKey | null> {
    const now = this.clock.now();
    this.remembered.delete(prefix);
    const entry = entryOf(by, { at: now, action: 'revokeKey', subject: prefix });
    const revoked = await this.store.revoke(prefix, now, by.name, entry);
    // What a request read meanwhile is forgotten too.
    this.remembered.delete(prefix);
    return revoked;
  }

  private async find({ prefix }: Token): Promise<{ readonly key: StoredKey; readonly stale: boolean } | null> {
    const now = this.clock.now();
    const known = this.remembered.get(prefix);
    if (known !== undefined && now - known.readAt < FRESH_MS) return { key: known.key, stale: false };
    try {
      const key = await inTime(this.store.find(prefix));
      this.remembered.delete(prefix);
      if (key === null) return null;
      this.remember(key, now);
      return { key, stale: false };
    } catch (error) {
      if (!(error instanceof AccessUnavailable)) throw error;
      if (known === undefined || now - known.readAt > GRACE_MS) throw error;
      return { key: known.key, stale: true };
    }
  }

  private remember(key: StoredKey, readAt: number): void {
    this.remembered.set(key.prefix, { key, readAt });
    const [oldest] = this.remembered.keys();
    if (this.remembered.size > REMEMBERED_MAX && oldest !== undefined) this.remembered.delete(oldest);
  }

  /** Nobody waits for it, and one that fails is made up for a minute later. */
  private note({ prefix, lastUsedAt }: StoredKey, now: number): void {
    const last = Math.max(lastUsedAt ?? 0, this.notedAt.get(prefix) ?? 0);
    if (now - last < USED_EVERY_MS) return;
    if (this.notedAt.size >= REMEMBERED_MAX) this.notedAt.clear();
    this.notedAt.set(prefix, now);
    this.store.used(prefix, now).catch(() => undefined);
  }
}

/** @throws AccessUnavailable */
async function inTime<T>(answer: Promise<T>): Promise<T> {
  try {
    return await within(answer, PATIENCE_MS);
  } catch (error) {
    throw error instanceof TimedOut ? new AccessUnavailable(error) : error;
  }
}

const UNKNOWN: Verified = { good: false, reason: 'This is no key of this server.' };

function chosen(secret: string): (Token & { readonly secret: string }) | null {
  const token = readToken(secret);
  return token === null ? null : { ...token, secret };
}

function entryOf({ name, prefix, address }: KeyMaker, done: Pick<AuditEntry, 'at' | 'action' | 'subject'>): AuditEntry {
  return { ...done, kind: 'change', who: name, keyPrefix: prefix, address, detail: null, times: 1 };
}
