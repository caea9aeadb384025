/**
 * Who sent a datagram, how that source writes, and what the ledger knows of it: in memory, since every datagram asks.
 *
 * A source is found by its configured name, else by its address. Its key is the name or address it was first seen by and
 * never changes: when an address that was a source of its own is given a name, that source keeps its key and takes the
 * name, so that its calls keep their ids. A name that has a source already takes the address in instead.
 */
import { noFacts, type SourceFacts } from '../delivery/facts.js';
import type { Clock } from '../clock.js';
import type { Settings } from '../notification.js';
import { type AckForm, withAckForm } from '../wire/ack.js';
import type { Parsed } from '../wire/codec.js';
import { notationOf } from '../wire/settings/notation.js';
import type { CodecSettings } from '../wire/reading.js';
import { type CodecLock, readDatagram, UNLOCKED } from '../wire/detect/lock.js';
import type { NewSource, SourceRow, SourceStore } from './ports.js';

/**
 * Keys, names and addresses of sources that post over HTTP begin so: a switch may send datagrams and posts from one address,
 * and the two number their calls each in their own way.
 */
const TWIN = 'http:';

/** Whether a source, by its key, posts over HTTP. */
export function isTwinKey(key: string): boolean {
  return key.startsWith(TWIN);
}

/** Sources at most: a site has a handful, and forged addresses inside an allowed range must not fill the memory. */
export const SOURCES_MAX = 10_000;
/** Addresses of one source that are remembered; a forged one more is read as the source's and forgotten. */
export const ADDRESSES_MAX = 1_000;

interface Source {
  readonly key: string;
  name: string;
  readonly addresses: Set<string>;
  lock: CodecLock;
  lockSaved: boolean;
  /** How it is answered; null: by the mirror of its request. */
  ackForm: AckForm | null;
  /** The operator's decision that `lock` was set by or learned under. */
  codecVersion: number;
  /** Row and addresses are stored. */
  stored: boolean;
  heardAt: number | null;
  heardSaved: boolean;
}

export class SourceRegistry {
  private readonly byKey = new Map<string, Source>();
  /** By address and name, as the transport gives them. */
  private readonly resolved = new Map<string, Source>();
  /** The first source of each address, and of each name looked for since a name last changed: to look through all costs 0.3 ms. */
  private readonly byAddress = new Map<string, Source>();
  private readonly byName = new Map<string, Source>();
  private readonly factsByKey = new Map<string, SourceFacts>();

  constructor(
    private readonly store: SourceStore,
    private readonly settings: Settings,
    private readonly clock: Clock,
    /** Told in a sentence of each source that is new and of each codec that is learned. */
    private readonly tell: (sentence: string) => void = () => undefined,
  ) {}

  /**
   * Reads every stored source: before the first datagram, and again to follow what an operator or another receiver
   * decided meanwhile. What was learned here and is not contradicted there stays.
   * @throws what the store throws
   */
  async load(): Promise<void> {
    for (const row of await this.store.load()) {
      const source = this.byKey.get(row.key);
      if (source === undefined) this.byKey.set(row.key, sourceOf(row));
      else follow(source, row);
      for (const address of row.addresses) this.index(address, source ?? this.get(row.key));
    }
    this.byName.clear();
  }

  /**
   * The key of the source an address belongs to; null when there are {@link SOURCES_MAX} and this would be one more. One
   * with a name is never too many: who forges 10,000 addresses of an allowed network keeps no switch out that the operator named.
   * @param name what `UDP_ALLOWED_SOURCES` calls the address; null when it gives no name
   */
  resolve(address: string, name: string | null): string | null {
    const asked = `${address} ${name ?? ''}`;
    const known = this.resolved.get(asked);
    if (known !== undefined) return known.key;
    const source = this.find(address, name) ?? this.open(address, name);
    if (source === null) return null;
    const newName = name ?? source.name;
    const full = !source.addresses.has(address) && source.addresses.size >= ADDRESSES_MAX;
    if (full && source.name === newName) return source.key;
    if (!source.addresses.has(address) || source.name !== newName) {
      if (!full) source.addresses.add(address);
      if (source.name !== newName) this.byName.clear();
      source.name = newName;
      source.stored = false;
    }
    if (full) return source.key;
    this.index(address, source);
    this.resolved.set(asked, source);
    return source.key;
  }

  /** The same for an address that posts; never the key of a source that sends datagrams. */
  resolveTwin(address: string, name: string | null): string | null {
    return this.resolve(TWIN + address, name === null ? null : TWIN + name);
  }

  /** Notes that something of a source was received at `at`; `read` does so itself. */
  heard(key: string, at: number): void {
    const source = this.get(key);
    source.heardAt = Math.max(at, source.heardAt ?? at);
    source.heardSaved = false;
  }

  /** Reads a datagram as its source writes, and learns from it; `at` is when it was received. */
  read(key: string, bytes: Uint8Array, at: number): Parsed {
    const source = this.get(key);
    const { parsed, lock } = readDatagram(bytes, source.lock);
    if (lock !== source.lock) {
      if (lock.locked && !source.lock.locked && lock.settings !== null) this.tell(lockSentence(key, lock.settings));
      source.lock = lock;
      source.lockSaved = !lock.locked;
    }
    this.heard(key, at);
    if (!parsed.ok || source.ackForm === null) return parsed;
    return { ...parsed, mirror: withAckForm(parsed.mirror, source.ackForm, bytes) };
  }

  /** The row of a source as it would be stored now. */
  rowOf(key: string): NewSource {
    return newRowOf(this.get(key));
  }

  /** Takes in sources that were known when something of them was spooled, and may not be stored yet. */
  adopt(rows: readonly NewSource[]): void {
    for (const row of rows) {
      const known = this.byKey.get(row.key);
      if (known === undefined) {
        this.byKey.set(row.key, { ...sourceOf({ ...row, lock: null, codecVersion: 0 }), stored: false });
      } else if (row.addresses.some((address) => !known.addresses.has(address))) {
        for (const address of row.addresses) known.addresses.add(address);
        known.stored = false;
      }
    }
  }

  /** Every known source. */
  keys(): readonly string[] {
    return [...this.byKey.keys()];
  }

  /** What the ledger knows about a source; the sweep replaces it. */
  facts(key: string): SourceFacts {
    const facts = this.factsByKey.get(key) ?? noFacts(key, this.settings);
    if (!this.factsByKey.has(key)) this.factsByKey.set(key, facts);
    return facts;
  }

  replaceFacts(facts: SourceFacts): void {
    this.factsByKey.set(facts.sourceKey, facts);
  }

  /**
   * Stores the rows of those sources that are not stored yet, before anything of them is acked; null when all are.
   * @throws what the store throws
   */
  ensureStored(keys: Iterable<string>): Promise<void> | null {
    const missing = [...keys].map((key) => this.get(key)).filter((source) => !source.stored);
    return missing.length === 0 ? null : this.storeRows(missing);
  }

  /**
   * Follows what others decided, then stores what was learned since the last time: locks and last receipts. Losing it
   * costs only learning it again, so it is done now and then and not with every ack.
   * @throws what the store throws; then it is tried again the next time
   */
  async persist(): Promise<void> {
    await this.load();
    const sources = [...this.byKey.values()].filter((source) => source.stored);
    for (const source of sources.filter(({ lockSaved }) => !lockSaved)) {
      const { lock } = source;
      const kept = await this.store.saveLock(source.key, lock, source.codecVersion, this.clock.now());
      // Null: an operator decided meanwhile, which the next load tells. A datagram may have taught more; saved next time.
      if (kept !== null && source.lock === lock) Object.assign(source, { lock: kept, lockSaved: true });
    }
    const heard = sources.filter(({ heardSaved }) => !heardSaved);
    if (heard.length === 0) return;
    const at = new Map(heard.map((source) => [source.key, source.heardAt ?? 0]));
    await this.store.saveHeard(at);
    for (const source of heard) source.heardSaved = source.heardAt === at.get(source.key);
  }

  private async storeRows(sources: readonly Source[]): Promise<void> {
    const rows = sources.map(newRowOf);
    await this.store.save(rows, this.clock.now());
    for (const [index, source] of sources.entries()) {
      const saved = rows[index];
      source.stored = saved?.name === source.name && saved.addresses.length === source.addresses.size;
    }
  }

  private find(address: string, name: string | null): Source | null {
    return (name === null ? null : this.named(name)) ?? this.byAddress.get(address) ?? null;
  }

  private named(name: string): Source | null {
    const known = this.byName.get(name);
    if (known !== undefined) return known;
    const found = [...this.byKey.values()].find((source) => source.name === name || source.key === name) ?? null;
    if (found !== null) this.byName.set(name, found);
    return found;
  }

  private index(address: string, source: Source): void {
    if (!this.byAddress.has(address)) this.byAddress.set(address, source);
  }

  private open(address: string, name: string | null): Source | null {
    if (name === null && this.byKey.size >= SOURCES_MAX) return null;
    const key = name ?? address;
    const source = { ...sourceOf({ key, name: key, addresses: [], lock: null, codecVersion: 0 }), stored: false };
    this.byKey.set(key, source);
    this.tell(`A source is heard for the first time: ${key}.`);
    return source;
  }

  private get(key: string): Source {
    const source = this.byKey.get(key);
    if (source === undefined) throw new Error('a source key that was never resolved');
    return source;
  }
}

function newRowOf({ key, name, addresses }: Source): NewSource {
  return { key, name, addresses: [...addresses], ...(isTwinKey(key) ? { twin: true } : {}) };
}

function sourceOf({ key, name, addresses, lock, ackForm, codecVersion }: SourceRow): Source {
  return {
    ...{ key, name, addresses: new Set(addresses), stored: true, ackForm: ackForm ?? null, codecVersion },
    ...{ lock: lock ?? UNLOCKED, lockSaved: true, heardAt: null, heardSaved: true },
  };
}

/** An operator's newer decision replaces what was learned; another receiver's lock only what is not locked here yet. */
function follow(source: Source, row: SourceRow): void {
  for (const address of row.addresses) source.addresses.add(address);
  if (source.stored) source.name = row.name;
  // Nothing but an operator sets it, so what is stored is what holds.
  source.ackForm = row.ackForm ?? null;
  const decided = row.codecVersion > source.codecVersion;
  if (decided || (row.lock !== null && !source.lock.locked && row.codecVersion === source.codecVersion)) {
    Object.assign(source, { lock: row.lock ?? UNLOCKED, lockSaved: true, codecVersion: row.codecVersion });
  }
}

function lockSentence(key: string, settings: CodecSettings): string {
  const how = `${notationOf(settings)} in ${settings.charset}`;
  return `${key} writes ${how}: what it writes otherwise goes to quarantine from now on.`;
}
