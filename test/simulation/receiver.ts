/** A receiver as the program wires it, with the sockets, the clock and the stores replaced: real wire, sources, ingest, fold and sweep. */
import { GroupCommit } from '../../src/ingest/commit/group-commit.js';
import { Quarantine } from '../../src/ingest/quarantine.js';
import { Sweep } from '../../src/ingest/sweep/sweep.js';
import type { Settings } from '../../src/notification.js';
import { horizonMs } from '../../src/notification.js';
import type { NewSource, SourceRow, SourceStore } from '../../src/sources/ports.js';
import { SourceRegistry } from '../../src/sources/registry.js';
import { encodeAck } from '../../src/wire/codec.js';
import type { CodecLock } from '../../src/wire/detect/lock.js';
import type { MemoryStore } from '../support/memory-store.js';
import type { VirtualTime } from './virtual-time.js';

/** The source rows of a ledger in memory. */
export class MemorySources implements SourceStore {
  private readonly rows = new Map<string, SourceRow>();

  constructor(private readonly ledger: MemoryStore) {}

  load(): Promise<readonly SourceRow[]> {
    return Promise.resolve([...this.rows.values()]);
  }

  save(sources: readonly NewSource[]): Promise<void> {
    for (const source of sources) {
      this.rows.set(source.key, { lock: null, codecVersion: 0, ...this.rows.get(source.key), ...source });
      this.ledger.addSource(source.key);
    }
    return Promise.resolve();
  }

  saveLock(key: string, lock: CodecLock): Promise<CodecLock> {
    const row = this.rows.get(key);
    const kept = row?.lock ?? lock;
    if (row !== undefined) this.rows.set(key, { ...row, lock: kept });
    return Promise.resolve(kept);
  }

  saveHeard(): Promise<void> {
    return Promise.resolve();
  }
}

export class SimulatedReceiver {
  private readonly registry: SourceRegistry;
  private readonly ingest: GroupCommit;
  private readonly quarantine: Quarantine;
  private readonly sweep: Sweep;
  private answers: Promise<void>[] = [];

  constructor(
    private readonly id: string,
    private readonly store: MemoryStore,
    sources: MemorySources,
    settings: Settings,
    private readonly time: VirtualTime,
  ) {
    this.registry = new SourceRegistry(sources, settings, time);
    const ensureStored = (keys: Iterable<string>): Promise<void> | null => this.registry.ensureStored(keys);
    this.ingest = new GroupCommit({
      store,
      sources: { facts: (key) => this.registry.facts(key), ensureStored },
      clock: time,
      batchMax: 512,
      queueMax: 20_000,
      flightsMax: 1,
      onRejected: (_arrival, reason) => {
        throw reason instanceof Error ? reason : new Error(String(reason));
      },
    });
    this.quarantine = new Quarantine({
      store,
      ensureStored,
      keepMost: 1000,
      horizonMs: horizonMs(settings),
      bytesMax: 2048,
      onDropped: () => undefined,
      onFailed: (error) => {
        throw error;
      },
    });
    this.sweep = new Sweep(store, store, { receiverId: id, settings, heartbeatMs: 4000 });
  }

  /** Loads what is stored and gives the first sign of life. */
  async start(): Promise<void> {
    await this.registry.load();
    await this.tick();
  }

  /** One datagram from an address; `answer` is called with the ack once the notification is stored. */
  receive(address: string, bytes: Uint8Array, answer: (ack: Uint8Array) => void): void {
    const at = this.time.now();
    const sourceKey = this.registry.resolve(address, null);
    if (sourceKey === null) throw new Error('too many sources');
    const parsed = this.registry.read(sourceKey, bytes, at);
    if (!parsed.ok) {
      const { reason, detail } = parsed;
      this.answers.push(
        this.quarantine.keep({ receivedAt: at, sourceKey, address, reason, detail, bytes }).then(() => undefined),
      );
      return;
    }
    const arrival = { sourceKey, report: parsed.report, stamp: { at, idleMs: 0 }, payload: bytes };
    this.answers.push(
      this.ingest.submit(arrival).then((submission) => {
        if (submission.stored) answer(encodeAck(parsed.mirror));
      }),
    );
  }

  /** Lets everything received so far be committed and answered. */
  async flush(): Promise<void> {
    while (this.answers.length > 0) {
      const answers = this.answers;
      this.answers = [];
      await Promise.all(answers);
    }
  }

  /** One tick of the sweep, as the program ticks it. */
  async tick(): Promise<void> {
    await this.registry.persist();
    const now = this.time.now();
    const through = await this.sweep.beat(now, this.ingest.durableThrough(now) - 1);
    const { facts } = await this.sweep.tick(through, now);
    for (const one of facts.values()) this.registry.replaceFacts(one);
  }

  /** Stops on purpose: everything received is durable. */
  async stop(): Promise<void> {
    await this.flush();
    await this.store.stopped(this.id, this.time.now(), this.time.now());
  }
}
