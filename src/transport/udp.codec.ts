/** What stands between bytes and values; passed in, so that the transport knows no codec. */
import type { UdpContext } from './udp.context.js';

/** The patterns a deserializer routes to; both need a handler. */
export const UDP_PATTERNS = ['report', 'unparsed'] as const;
export type UdpPattern = (typeof UDP_PATTERNS)[number];

export interface UdpPacket {
  readonly pattern: UdpPattern;
  readonly data: unknown;
}

/** Turns a datagram into what a handler is given. An error it throws is counted as failed: no ack. */
export interface UdpDeserializer {
  deserialize(bytes: Uint8Array, context: UdpContext): UdpPacket | Promise<UdpPacket>;
}

/** Turns what a handler answered into the bytes of the ack. */
export interface UdpSerializer {
  serialize(answer: unknown): Uint8Array;
}
