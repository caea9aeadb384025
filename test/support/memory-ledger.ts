/** The half of the ledger in memory that ingest writes: evidence, records, raw notifications, gaps, quarantine. */
import { decodeEvidence } from '../../src/delivery/evidence.js';
import type { SampledSerial } from '../../src/delivery/meaning.js';
import type {
  KeyChange,
  KeyRef,
  LedgerStore,
  QuarantinedDatagram,
  QuarantineStore,
  RawWrite,
  StoredKey,
} from '../../src/ingest/ports.js';
import type { CallRecord, Gap } from '../../src/notification.js';

/** A record as the `call` table would hold it. */
export interface MemoryCall {
  readonly key: KeyRef;
  readonly record: CallRecord;
  readonly revision: number;
}

/** A revision as the `call_change` table would hold it. */
export interface MemoryChange {
  readonly record: CallRecord;
  readonly revision: number;
  readonly superseded: boolean;
}

/** A raw notification as the sweep reads it. */
export interface HeardSerial extends SampledSerial {
  readonly idleMs: number;
}

export interface RawRow {
  readonly key: KeyRef;
  readonly write: RawWrite;
}

export abstract class MemoryLedger implements LedgerStore, QuarantineStore {
  readonly evidence = new Map<string, { version: number; document: string }>();
  readonly calls = new Map<string, MemoryCall>();
  readonly unsettled = new Set<string>();
  /** In the order of their writing. */
  readonly changes: MemoryChange[] = [];
  /** The last revision of ids that a re-cut took away. */
  protected readonly superseded = new Map<string, number>();
  readonly gaps = new Map<string, Gap>();
  readonly quarantined = new Map<string, QuarantinedDatagram>();
  readonly raw = new Map<string, RawRow>();
  /** The raw notifications of a source in order of first receipt; forgotten with every write of the source. */
  private readonly ordered = new Map<string, readonly HeardSerial[]>();

  /** Something of a source was stored. */
  protected abstract heard(sourceKey: string, at: number): void;

  commit(
    keys: readonly KeyRef[],
    decide: (stored: ReadonlyMap<string, StoredKey>) => readonly KeyChange[],
  ): Promise<void> {
    const stored = new Map<string, StoredKey>();
    for (const { callKey } of keys) {
      const row = this.evidence.get(callKey);
      if (row === undefined) continue;
      const document = JSON.parse(row.document) as KeyChange['document'];
      stored.set(callKey, { version: row.version, notifications: decodeEvidence(document), calls: document.calls });
    }
    for (const change of decide(stored)) this.write(change);
    return Promise.resolve();
  }

  add(
    keys: readonly KeyRef[],
    decide: (stored: ReadonlyMap<string, StoredKey>) => readonly KeyChange[],
  ): Promise<void> {
    return this.commit(keys, decide);
  }

  private write(change: KeyChange): void {
    const { callKey } = change.key;
    this.evidence.set(callKey, { version: change.expectedVersion + 1, document: JSON.stringify(change.document) });
    this.heard(change.key.sourceKey, change.lastAt);
    if (change.raw.length > 0) this.writeRaw(change);
    for (const { record, revised } of change.calls) {
      const before = this.calls.get(record.id);
      const raised = before === undefined || revised || before.record.settled !== record.settled;
      const revision = (before?.revision ?? this.superseded.get(record.id) ?? 0) + Number(raised);
      this.put({ key: change.key, record, revision });
      if (raised) this.changes.push({ record, revision, superseded: false });
    }
    for (const id of change.superseded) this.takeAway(id);
    for (const gap of change.gaps) this.gaps.set(gap.id, gap);
  }

  private takeAway(id: string): void {
    const gone = this.calls.get(id);
    if (gone === undefined) return;
    const last = { record: gone.record, revision: gone.revision + 1, superseded: true };
    this.changes.push(last);
    this.superseded.set(id, last.revision);
    this.calls.delete(id);
    this.unsettled.delete(id);
  }

  private writeRaw({ key, raw }: KeyChange): void {
    this.ordered.delete(key.sourceKey);
    for (const write of raw) {
      for (const old of write.replaces) this.raw.delete(rawKey(key.callKey, write, old));
      this.raw.set(rawKey(key.callKey, write, write.notification.firstAt), { key, write });
    }
  }

  protected put(call: MemoryCall): void {
    this.calls.set(call.record.id, call);
    if (call.record.settled) this.unsettled.delete(call.record.id);
    else this.unsettled.add(call.record.id);
  }

  keep(datagrams: readonly QuarantinedDatagram[], keepMost: number): Promise<number> {
    for (const one of datagrams) {
      const before = this.quarantined.get(one.id);
      const joined =
        before === undefined
          ? one
          : { ...before, lastReceivedAt: one.lastReceivedAt, copies: before.copies + one.copies };
      this.quarantined.set(one.id, joined);
    }
    const oldest = [...this.quarantined.values()].sort((a, b) => a.receivedAt - b.receivedAt);
    const dropped = oldest.slice(0, Math.max(0, oldest.length - keepMost));
    for (const { id } of dropped) this.quarantined.delete(id);
    return Promise.resolve(dropped.length);
  }

  /** What was received of a source, in order of first receipt. */
  protected serialsOf(sourceKey: string): readonly HeardSerial[] {
    const known = this.ordered.get(sourceKey);
    if (known !== undefined) return known;
    const sorted = [...this.raw.values()]
      .filter(({ key }) => key.sourceKey === sourceKey)
      .map(({ key: { callKey }, write }) => {
        const { serial, state, firstAt, idleMs } = write.notification;
        return { callKey, serial, state, firstAt, idleMs };
      })
      .sort((a, b) => a.firstAt - b.firstAt);
    this.ordered.set(sourceKey, sorted);
    return sorted;
  }

  protected unsettledRecords(): MemoryCall[] {
    return [...this.unsettled].flatMap((id) => this.calls.get(id) ?? []);
  }
}

function rawKey(callKey: string, { notification, digest }: RawWrite, firstAt: number): string {
  return [callKey, String(firstAt), notification.serial, notification.state, digest].join('\u0000');
}
