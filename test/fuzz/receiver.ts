/**
 * The whole receive path in one process, with the sockets and the stores replaced: deserializer, controller, group commit,
 * fold, quarantine and ack serializer are the product's. It checks each datagram as it passes:
 *
 * - nothing throws; what is answered was in the store when it was answered; no ack is longer than its request;
 * - every datagram is counted once: first, duplicate, conflict, quarantined or refused (law 3).
 */
import 'reflect-metadata';
import {
  DatagramDeserializer,
  AckSerializer,
  type ReportMessage,
  type UnparsedMessage,
} from '../../src/ingest/datagram.codec.js';
import { GroupCommit } from '../../src/ingest/commit/group-commit.js';
import type { KeyChange, KeyRef, StoredKey } from '../../src/ingest/ports.js';
import { Quarantine } from '../../src/ingest/quarantine.js';
import { AckProbes } from '../../src/ingest/operator/ack-probe.js';
import { ReportController } from '../../src/ingest/report.controller.js';
import { callKeyOf } from '../../src/lifecycle/keys.js';
import { Tally } from '../../src/metrics.js';
import { horizonMs } from '../../src/notification.js';
import type { NewSource, SourceRow, SourceStore } from '../../src/sources/ports.js';
import { SourceRegistry } from '../../src/sources/registry.js';
import { UdpContext } from '../../src/transport/udp.context.js';
import { type AckMirror } from '../../src/wire/codec.js';
import { type CodecLock, operatorLock } from '../../src/wire/detect/lock.js';
import { EPOCH, SETTINGS } from '../support/arrivals.js';
import { MemoryLedger } from '../support/memory-ledger.js';
import { type Hostile, WRITERS } from './datagrams.js';

const BYTES_MAX = 8_192;
/** Call IDs a fuzzed ledger holds; then it forgets all, as retention does, so that hours of fuzzing fit in memory. */
const KEYS_MAX = 20_000;

/** A ledger in memory that forgets, and remembers what it was given since. */
class ForgetfulLedger extends MemoryLedger {
  private readonly stored = new Set<string>();

  protected override heard(): void {
    // Nobody asks.
  }

  override async commit(
    keys: readonly KeyRef[],
    decide: (stored: ReadonlyMap<string, StoredKey>) => readonly KeyChange[],
  ): Promise<void> {
    if (this.evidence.size > KEYS_MAX) this.forget();
    await super.commit(keys, (stored) => {
      const changes = decide(stored);
      for (const { key, raw } of changes) {
        for (const { notification } of raw)
          this.stored.add(nameOf(key.callKey, notification.serial, notification.state));
      }
      return changes;
    });
  }

  holds(name: string): boolean {
    return this.stored.has(name);
  }

  private forget(): void {
    for (const all of [this.evidence, this.calls, this.unsettled, this.gaps, this.quarantined, this.raw, this.stored])
      all.clear();
    this.changes.length = 0;
    this.superseded.clear();
  }
}

function nameOf(callKey: string, serial: string, state: string): string {
  return `${callKey} ${serial} ${state}`;
}

class PresetSources implements SourceStore {
  readonly rows = new Map<string, SourceRow>();

  constructor() {
    for (const { address, set } of WRITERS) {
      const lock = set === null ? null : operatorLock(set);
      if (lock !== null)
        this.rows.set(address, { key: address, name: address, addresses: [address], lock, codecVersion: 1 });
    }
  }

  load(): Promise<readonly SourceRow[]> {
    return Promise.resolve([...this.rows.values()]);
  }

  save(sources: readonly NewSource[]): Promise<void> {
    for (const source of sources) {
      this.rows.set(source.key, { lock: null, codecVersion: 0, ...this.rows.get(source.key), ...source });
    }
    return Promise.resolve();
  }

  saveLock(key: string, lock: CodecLock): Promise<CodecLock> {
    const row = this.rows.get(key);
    if (row !== undefined) this.rows.set(key, { ...row, lock: row.lock ?? lock });
    return Promise.resolve(row?.lock ?? lock);
  }

  saveHeard(): Promise<void> {
    return Promise.resolve();
  }
}

/** What a fuzzed receiver did wrong, with the datagram that made it. */
export interface Fault {
  readonly what: string;
  readonly hex: string;
  readonly address: string;
}

export class FuzzedReceiver {
  readonly faults: Fault[] = [];
  readonly tally = new Tally();
  acked = 0;
  private at = EPOCH;
  private readonly ledger = new ForgetfulLedger();
  private readonly registry: SourceRegistry;
  private readonly groupCommit: GroupCommit;
  private readonly controller: ReportController;
  private readonly deserializer: DatagramDeserializer;
  private readonly serializer = new AckSerializer();

  constructor() {
    const clock = { now: () => this.at };
    this.registry = new SourceRegistry(new PresetSources(), SETTINGS, clock);
    const ensureStored = (keys: Iterable<string>): Promise<void> | null => this.registry.ensureStored(keys);
    this.groupCommit = new GroupCommit({
      ...{ store: this.ledger, clock, batchMax: 1_000, queueMax: 20_000, flightsMax: 2 },
      sources: { facts: (key) => this.registry.facts(key), ensureStored },
      onRejected: (arrival, reason) => this.fault(`rejected: ${String(reason)}`, '', arrival.payload),
    });
    const quarantine = new Quarantine({
      ...{ store: this.ledger, ensureStored, keepMost: 1_000, horizonMs: horizonMs(SETTINGS), bytesMax: BYTES_MAX },
      onDropped: () => undefined,
      onFailed: (error) => this.fault(`not kept: ${String(error)}`, '', new Uint8Array()),
    });
    this.controller = new ReportController(this.groupCommit, quarantine, this.tally, new AckProbes(clock, SETTINGS));
    this.deserializer = new DatagramDeserializer(this.registry);
  }

  async start(): Promise<void> {
    await this.registry.load();
  }

  /** Takes in datagrams as one turn of the event loop would, and waits until all are answered. */
  async receive(datagrams: readonly Hostile[]): Promise<void> {
    this.at += datagrams.length;
    await Promise.all(datagrams.map((one) => this.one(one)));
  }

  /** What the pulse does with the sources once a second. */
  async persist(): Promise<void> {
    await this.registry.persist();
  }

  private async one({ address, bytes }: Hostile): Promise<void> {
    try {
      const local = { address: '127.0.0.1', port: 8_000 };
      const stamp = { at: this.at, idleMs: 0 };
      const oversized = bytes.length > BYTES_MAX;
      const context = new UdpContext({ bytes, address, port: 5_000, name: null, stamp, local, oversized });
      const { pattern, data } = this.deserializer.deserialize(bytes, context);
      if (pattern === 'unparsed') {
        await this.controller.unparsed(data as UnparsedMessage);
        return;
      }
      const message = data as ReportMessage;
      const answer = await this.controller.report(message);
      if (answer !== undefined) this.check(message, answer, bytes);
    } catch (error) {
      this.fault(`threw: ${String(error)}`, address, bytes);
    }
  }

  private check({ arrival, address }: ReportMessage, answer: AckMirror, bytes: Uint8Array): void {
    const ack = this.serializer.serialize(answer);
    this.acked += 1;
    if (ack.length > bytes.length)
      this.fault(`an ack of ${String(ack.length)} bytes is longer than its request`, address, bytes);
    const { callId, serial, state } = arrival.report;
    const name = nameOf(callKeyOf(arrival.sourceKey, callId), serial, state);
    if (!this.ledger.holds(name)) this.fault('acked and not stored', address, bytes);
  }

  private fault(what: string, address: string, bytes: Uint8Array): void {
    this.faults.push({ what, address, hex: Buffer.from(bytes).toString('hex') });
  }
}
