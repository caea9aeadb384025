/** Events, status and counters of the UDP server, declared once. */

/** `paused`: what was received is still answered, nothing new is read. */
export type UdpStatus = 'listening' | 'paused' | 'closed';

/** Why a datagram was dropped unread: an address not allowed, or a receiver that is stopping. */
export const UDP_REFUSALS = ['source', 'stopping'] as const;
export type UdpRefusal = (typeof UDP_REFUSALS)[number];

/** One bound socket, with the receive buffer asked for and granted, in bytes of payload (not the kernel's doubled figure). */
export interface UdpSocketReport {
  readonly address: string;
  readonly port: number;
  readonly receiveBufferAskedBytes: number;
  readonly receiveBufferGrantedBytes: number;
  /** Sentences for the operator: a smaller buffer than asked for, a wildcard bind on a host with several addresses. */
  readonly warnings: readonly string[];
}

/** What the server tells listeners registered with `on`. A type, not an interface: Nest wants an index signature. */
export type UdpEvents = {
  listening: (sockets: readonly UdpSocketReport[]) => void;
  refused: (reason: UdpRefusal, address: string) => void;
  error: (error: Error) => void;
  closed: () => void;
};

/** Measures what becomes of datagrams, as it happens. Called once or twice a datagram: it must be quick and never throw. */
export interface UdpMeter {
  /** One was admitted; it waited in the kernel at most so long. */
  received(waitMs: number): void;
  /** The deserializer is done with it; told of one datagram in 16. */
  parsed(tookMs: number): void;
  /** Its answer is handed to the operating system, `tookMs` after it was read. */
  acked(source: string | null, fate: string | null, waitMs: number, tookMs: number): void;
  /** It gets no answer. */
  unanswered(fate: string | null, receivedAt: number): void;
}

/**
 * Counts since the server was made.
 * received = refused.source + refused.stopping + answered + unanswered + failed + unsent + inFlight.
 */
export interface UdpStats {
  readonly received: number;
  readonly refused: Readonly<Record<UdpRefusal, number>>;
  /** Longer than the bound; handed on to be kept, never answered, so also among `unanswered` or `failed`. */
  readonly oversized: number;
  /** Acks handed to the operating system. */
  readonly answered: number;
  /** The handler answered nothing: quarantined, or no room. */
  readonly unanswered: number;
  /** The deserializer or the handler failed: nothing is known of the datagram. */
  readonly failed: number;
  /** The handler answered, and the serializer or the send failed: what it answered for is stored. */
  readonly unsent: number;
  readonly inFlight: number;
  /** Whatever had arrived by this instant (ms) has been read: behind a loop that lags datagrams wait unseen. Infinity before and after listening. */
  readonly readThrough: number;
  readonly sockets: readonly UdpSocketReport[];
}
