/**
 * The ack's bytes. By default the mirror of the request: Call ID and Serial Number in its own bytes, delimiter, key
 * spelling and terminator. Whether an IVR understands that is UNKNOWN (docs/wire.md), so an operator can set another form.
 */
import type { AckMirror } from './reading.js';

/** What the ack repeats, in this order; `echo` is the whole request. */
export const ACK_CONTENTS = ['call_id_serial', 'serial_call_id', 'call_id', 'serial', 'echo'] as const;
export type AckContent = (typeof ACK_CONTENTS)[number];

/** What ends the ack, by name: a NUL has no place in PostgreSQL's text. */
export const ACK_TERMINATORS = ['none', 'nul', 'lf', 'crlf'] as const;
export type AckTerminator = (typeof ACK_TERMINATORS)[number];

/** How an operator wants a source answered. Plain JSON, stored with the source; what is absent mirrors the request. */
export interface AckForm {
  /** `call_id_serial` when absent. */
  readonly content?: AckContent;
  /** Between the two, delimited and key_value alone: 1 to 4 ASCII characters; the request's when absent. */
  readonly delimiter?: string;
  /** The request's when absent. */
  readonly terminator?: AckTerminator;
}

export const TERMINATOR_BYTES = {
  none: '',
  nul: '\0',
  lf: '\n',
  crlf: '\r\n',
} as const satisfies Record<AckTerminator, string>;

/**
 * The ack of a datagram. Never longer than the request, so a forged sender address gains an attacker nothing.
 */
export function encodeAck(mirror: AckMirror): Uint8Array {
  return Buffer.from(mirror.ack ?? mirrored(mirror), 'latin1');
}

/**
 * The mirror with its ack in another form. A form that would be longer than the request is passed over: the ack mirrors
 * then, since law and amplification weigh more than a setting.
 */
export function withAckForm(mirror: AckMirror, form: AckForm | null, request: Uint8Array): AckMirror {
  if (form === null) {
    return mirror;
  }
  const ack = formed(mirror, form, request);
  return ack.length > request.length ? mirror : { ...mirror, ack };
}

function mirrored({ open = '', callId, delimiter, serial, close = '', terminator }: AckMirror): string {
  return open + callId + delimiter + serial + close + terminator;
}

function formed(mirror: AckMirror, form: AckForm, request: Uint8Array): string {
  if (form.content === 'echo') {
    return Buffer.from(request.buffer, request.byteOffset, request.byteLength).toString('latin1');
  }
  const between = takesDelimiter(mirror) ? (form.delimiter ?? mirror.delimiter) : mirror.delimiter;
  const { open = '', callId, serial, close = '' } = mirror;
  const content = {
    call_id_serial: callId + between + serial,
    serial_call_id: serial + between + callId,
    call_id: callId,
    serial,
  }[form.content ?? 'call_id_serial'];
  const end = form.terminator === undefined ? mirror.terminator : TERMINATOR_BYTES[form.terminator];
  return open + content + close + end;
}

/** Elsewhere what stands between the two belongs to the syntax. */
function takesDelimiter({ codec }: AckMirror): boolean {
  return codec === 'delimited' || codec === 'key_value';
}
