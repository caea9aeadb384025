import type { Arrival } from '../notification.js';
import type { SourceRegistry } from '../sources/registry.js';
import type { UdpDeserializer, UdpPacket, UdpSerializer } from '../transport/udp.codec.js';
import type { UdpContext } from '../transport/udp.context.js';
import { type AckMirror, encodeAck } from '../wire/codec.js';
import type { Unstorable } from './quarantine.js';

/** What the handler of `report` is given. */
export interface ReportMessage {
  readonly arrival: Arrival;
  readonly address: string;
  readonly mirror: AckMirror;
  /** Told what becomes of it. */
  readonly context: UdpContext;
}

/** What the handler of `unparsed` is given; no source when there are too many to open another. */
export type UnparsedMessage = { readonly context: UdpContext } & (
  { readonly unstorable: Unstorable } | { readonly unstorable: null; readonly reason: 'sources_full' }
);

/** Bytes to values: the source says how it writes, the wire reads. */
export class DatagramDeserializer implements UdpDeserializer {
  constructor(private readonly sources: SourceRegistry) {}

  deserialize(bytes: Uint8Array, context: UdpContext): UdpPacket {
    const address = context.getAddress();
    const stamp = context.getStamp();
    const sourceKey = this.sources.resolve(address, context.getSourceName());
    if (sourceKey === null) return unparsed({ unstorable: null, reason: 'sources_full', context });
    const refused = { receivedAt: stamp.at, sourceKey, address, bytes };
    if (context.isOversized()) {
      const detail = 'The datagram is longer than UDP_MAX_DATAGRAM_BYTES; its first bytes are kept.';
      return unparsed({ unstorable: { ...refused, reason: 'oversized', detail }, context });
    }
    const parsed = this.sources.read(sourceKey, bytes, stamp.at);
    if (!parsed.ok) {
      const { reason, detail } = parsed;
      return unparsed({ unstorable: { ...refused, reason, detail }, context });
    }
    const arrival: Arrival = { sourceKey, report: parsed.report, stamp, payload: bytes };
    const data: ReportMessage = { arrival, address, mirror: parsed.mirror, context };
    return { pattern: 'report', data };
  }
}

/** The ack: the very bytes of the request's Call ID and Serial Number. */
export class AckSerializer implements UdpSerializer {
  serialize(answer: unknown): Uint8Array {
    return encodeAck(answer as AckMirror);
  }
}

function unparsed(data: UnparsedMessage): UdpPacket {
  return { pattern: 'unparsed', data };
}
