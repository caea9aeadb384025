/** What an IVR would make of an answer: the judgement of `send-sample`. Pure. */
import { unmapAddress } from '../../transport/allow-list.js';
import type { WireFields, WireFormat } from '../../wire/encode.js';
import { parseAck } from '../../wire/parse-ack.js';

export interface Reply {
  readonly bytes: Uint8Array;
  readonly address: string;
  readonly port: number;
}

export interface Expected {
  readonly fields: WireFields;
  readonly format: WireFormat;
  readonly target: { readonly host: string; readonly port: number };
}

/** `match`: Call ID and Serial Number are those of the request, written as it is. */
export interface Verdict {
  readonly kind: 'match' | 'other' | 'unreadable';
  /** From the address and port that were asked: a strict sender believes no other. */
  readonly isFromTarget: boolean;
  readonly from: string;
}

export function judgeReply({ bytes, address, port }: Reply, { fields, format, target }: Expected): Verdict {
  const ack = parseAck(bytes, format);
  const isSame = ack?.callId === fields.callId && ack.serial === fields.serial;
  const unmapped = unmapAddress(address);
  return {
    kind: ack === null ? 'unreadable' : isSame ? 'match' : 'other',
    isFromTarget: unmapped === unmapAddress(target.host) && port === target.port,
    from: `${unmapped}:${String(port)}`,
  };
}

export function replyWords({ kind, isFromTarget, from }: Verdict): string {
  const words = {
    match: 'matches: Call ID and Serial Number are those of the request',
    other: 'does not match: it has another Call ID or Serial Number',
    unreadable: 'does not match: it is not written as the request is',
  }[kind];
  const elsewhere = `, but it came from ${from}, which was not asked: set UDP_HOST to the address the IVR sends to`;
  return isFromTarget ? words : words + elsewhere;
}
