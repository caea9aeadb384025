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

/** The context of a handler: one datagram, where it came from, where to and when. */
export class UdpContext extends BaseRpcContext<readonly [UdpArrival]> {
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
}
