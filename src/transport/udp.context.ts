import { BaseRpcContext } from '@nestjs/microservices';

/** When a datagram was read; `idleMs` is how long it may have waited in the kernel before that (see kernel-wait.ts). */
export interface UdpStamp {
  readonly at: number;
  readonly idleMs: number;
}

/** The local end a datagram came to. */
export interface UdpLocal {
  readonly address: string;
  readonly port: number;
}

/** Where a datagram came from, where to, and when. */
export interface UdpFrom {
  readonly address: string;
  readonly port: number;
  readonly local: UdpLocal;
  /** When it was read, in ms since the epoch. */
  readonly at: number;
}

/** What the transport knows of one datagram. */
export interface UdpArrival {
  readonly bytes: Uint8Array;
  /** Unmapped: `192.0.2.1`, never `::ffff:192.0.2.1`. */
  readonly address: string;
  readonly port: number;
  /** The name the allow-list gives this address; null when it gives none. */
  readonly name: string | null;
  readonly stamp: UdpStamp;
  readonly local: UdpLocal;
  readonly oversized: boolean;
}

/** One datagram as an operator is told of it. */
export interface UdpTold extends UdpFrom {
  /** Key of the source; null for a refused address. */
  readonly source: string | null;
  /** What became of it; null while it is in flight. */
  readonly fate: string | null;
  /** Why it was quarantined or refused; '' otherwise. */
  readonly reason: string;
  /** What is kept of it; `length` is what arrived. */
  readonly bytes: Uint8Array;
  readonly length: number;
  /** The answer's bytes and when they were handed to the operating system; null without one. */
  readonly ack: Uint8Array | null;
  readonly ackedAt: number | null;
}

/** The context of a handler: one datagram, where it came from, where to and when; and, once known, what became of it. */
export class UdpContext extends BaseRpcContext<readonly [UdpArrival]> {
  private source: string | null = null;
  private fate: string | null = null;
  private reason = '';
  private ack: Uint8Array | null = null;
  private ackedAt: number | null = null;

  constructor(arrival: UdpArrival) {
    super([arrival]);
  }

  /** The sender's address. */
  getAddress(): string {
    return this.args[0].address;
  }

  /** The sender's port. */
  getPort(): number {
    return this.args[0].port;
  }

  /** The source name `UDP_ALLOWED_SOURCES` gives the sender; null when it gives none. */
  getSourceName(): string | null {
    return this.args[0].name;
  }

  /** When the datagram was read, in ms since the epoch, and how long it may have waited before. */
  getStamp(): UdpStamp {
    return this.args[0].stamp;
  }

  /** Which of our sockets it came to. */
  getLocal(): UdpLocal {
    return this.args[0].local;
  }

  /** The datagram whole, as received. */
  getBytes(): Uint8Array {
    return this.args[0].bytes;
  }

  /** Longer than the configured bound: it may be kept, it is never answered. */
  isOversized(): boolean {
    return this.args[0].oversized;
  }

  /** Key of the source, as the handlers decided; null before that, and where there is none. */
  getSource(): string | null {
    return this.source;
  }

  /** What became of it, as the handlers decided; null before that. */
  getFate(): string | null {
    return this.fate;
  }

  /** Notes what the handlers decided, for those who look at it later. `reason` is '' for what was stored. */
  decided(source: string | null, fate: string, reason: string): void {
    this.source = source;
    this.fate = fate;
    this.reason = reason;
  }

  /** Notes the answer that is handed to the operating system now. */
  answered(ack: Uint8Array, at: number): void {
    this.ack = ack;
    this.ackedAt = at;
  }

  /** The datagram as an operator is told of it. */
  told(): UdpTold {
    const { bytes, address, port, local, stamp } = this.args[0];
    const { source, fate, reason, ack, ackedAt } = this;
    return { at: stamp.at, address, port, local, source, fate, reason, bytes, length: bytes.length, ack, ackedAt };
  }
}
