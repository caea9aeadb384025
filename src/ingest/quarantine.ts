/**
 * The way into quarantine: datagrams that could not be stored as notifications, kept with their bytes and never acked.
 *
 * It must not hold up what can be stored, so it has a queue and batches of its own. The sender repeats what is not acked:
 * copies of one datagram at most H apart are one row.
 */
import { createHash } from 'node:crypto';
import { v7 as uuidv7 } from 'uuid';
import { type QuarantinedDatagram, type QuarantineStore, StoreUnavailable } from './ports.js';

/** A datagram on its way to quarantine. */
export interface Unstorable {
  readonly receivedAt: number;
  readonly sourceKey: string;
  readonly address: string;
  readonly reason: string;
  readonly detail: string;
  readonly bytes: Uint8Array;
  /** Of a post, which its listener has cut: how long it was. */
  readonly length?: number;
}

/** What became of it: kept, or refused because there was no room to wait in, no database, or because PostgreSQL refused its row. */
export type QuarantineOutcome = 'quarantined' | 'quarantine_full' | 'unavailable' | 'rejected';

export interface QuarantineOptions {
  readonly store: QuarantineStore;
  /** See `IngestSources.ensureStored`. */
  readonly ensureStored: (sourceKeys: Iterable<string>) => Promise<void> | null;
  /** Rows kept at most; the oldest are dropped. */
  readonly keepMost: number;
  readonly horizonMs: number;
  /** Bytes kept of one datagram at most; a post comes within its own bound. */
  readonly bytesMax: number;
  /** Told of each datagram that is kept now. */
  readonly onKept?: (datagram: QuarantinedDatagram) => void;
  /** Told how many rows were dropped to make room. */
  readonly onDropped: (rows: number) => void;
  /** Told why some could not be kept. */
  readonly onFailed: (error: unknown) => void;
}

/** Datagrams that wait at most: at the 8 kB of UDP_MAX_DATAGRAM_BYTES each they hold 16 MB. */
const QUEUE_MAX = 2_000;
const BATCH_MAX = 200;
/** Datagrams remembered to tell copies by; the eldest are forgotten, and their next copy is a row of its own. */
const REMEMBERED_MAX = 10_000;

interface Waiting {
  readonly datagram: QuarantinedDatagram;
  readonly answer: (outcome: QuarantineOutcome) => void;
}

interface Remembered {
  readonly id: string;
  readonly lastAt: number;
}

export class Quarantine {
  private queue: Waiting[] = [];
  private readonly remembered = new Map<string, Remembered>();
  private writing: Promise<void> | null = null;
  /** Orders the ids of one millisecond. */
  private made = 0;

  constructor(private readonly options: QuarantineOptions) {}

  /** Resolves once the datagram is committed to quarantine, or is known not to be; never rejects. */
  keep(unstorable: Unstorable): Promise<QuarantineOutcome> {
    if (this.queue.length >= QUEUE_MAX) return Promise.resolve('quarantine_full');
    const { bytes, length, receivedAt, sourceKey, address, reason, detail } = unstorable;
    const datagram: QuarantinedDatagram = {
      ...{ id: this.idOf(unstorable), receivedAt, lastReceivedAt: receivedAt, copies: 1 },
      ...{ sourceKey, address, reason, detail, length: length ?? bytes.length },
      bytes: length === undefined ? begun(bytes, this.options.bytesMax) : bytes,
    };
    return new Promise((answer) => {
      this.queue.push({ datagram, answer });
      this.writing ??= this.drain();
    });
  }

  /** Datagrams received and not yet answered for. */
  depth(): number {
    return this.queue.length;
  }

  /** The instant up to which everything handed in is kept or refused: the oldest receipt that waits, else `now`. */
  durableThrough(now: number): number {
    return this.queue.reduce((oldest, { datagram }) => Math.min(oldest, datagram.receivedAt), now);
  }

  /** Resolves when nothing waits. */
  async flush(): Promise<void> {
    await this.writing;
  }

  /** The row of an equal datagram of the source seen at most H ago, else a new one. Version 7 ids sort by time. */
  private idOf({ bytes, sourceKey, receivedAt }: Unstorable): string {
    const likeness = `${sourceKey} ${createHash('sha256').update(bytes).digest('base64')}`;
    const known = this.remembered.get(likeness);
    const id =
      known !== undefined && receivedAt - known.lastAt <= this.options.horizonMs
        ? known.id
        : uuidv7({ msecs: receivedAt, seq: this.made++ });
    this.remembered.delete(likeness);
    this.remembered.set(likeness, { id, lastAt: receivedAt });
    const [eldest] = this.remembered.keys();
    if (this.remembered.size > REMEMBERED_MAX && eldest !== undefined) this.remembered.delete(eldest);
    return id;
  }

  private async drain(): Promise<void> {
    await new Promise(setImmediate);
    while (this.queue.length > 0) {
      const batch = this.queue.slice(0, BATCH_MAX);
      const outcomes = await this.write(batch.map(({ datagram }) => datagram));
      this.queue = this.queue.slice(batch.length);
      for (const [index, { datagram, answer }] of batch.entries()) {
        const outcome = outcomes[index] ?? 'unavailable';
        answer(outcome);
        if (outcome === 'quarantined') this.options.onKept?.(datagram);
      }
    }
    this.writing = null;
  }

  /** What became of each. Unless the database is away one row is at fault, and halving finds it: its mates are kept. */
  private async write(datagrams: readonly QuarantinedDatagram[]): Promise<readonly QuarantineOutcome[]> {
    const { ensureStored, store, keepMost, onDropped, onFailed } = this.options;
    try {
      await ensureStored(new Set(datagrams.map(({ sourceKey }) => sourceKey)));
      const dropped = await store.keep(joinCopies(datagrams), keepMost);
      if (dropped > 0) onDropped(dropped);
      return datagrams.map(() => 'quarantined');
    } catch (error) {
      const isAway = error instanceof StoreUnavailable;
      if (!isAway && datagrams.length > 1) {
        const half = Math.ceil(datagrams.length / 2);
        return [...(await this.write(datagrams.slice(0, half))), ...(await this.write(datagrams.slice(half)))];
      }
      onFailed(error);
      return datagrams.map(() => (isAway ? 'unavailable' : 'rejected'));
    }
  }
}

/** The first bytes: of what is longer a copy, since a view would keep the whole alive, 131 MB where 2,000 of 64 kB wait. */
function begun(bytes: Uint8Array, bytesMax: number): Uint8Array {
  return bytes.length > bytesMax ? Uint8Array.from(bytes.subarray(0, bytesMax)) : bytes;
}

/** One row each: a statement may not touch a row twice. */
function joinCopies(datagrams: readonly QuarantinedDatagram[]): readonly QuarantinedDatagram[] {
  const rows = new Map<string, QuarantinedDatagram>();
  for (const datagram of datagrams) {
    const row = rows.get(datagram.id);
    const { lastReceivedAt } = datagram;
    rows.set(datagram.id, row === undefined ? datagram : { ...row, lastReceivedAt, copies: row.copies + 1 });
  }
  return [...rows.values()];
}
