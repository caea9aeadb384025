/** One datagram to a report and the mirror of its ack, and the mirror to the ack. A further codec is a row in CODECS. */
import { decode } from './decode.js';
import type { Decoded } from './decode.js';
import { readDelimited } from './delimited.js';
import { toReport } from './fields.js';
import { readJson } from './json.js';
import { readKeyValue } from './key-value.js';
import type { AckMirror, CodecName, CodecSettings, Parsed, Reading } from './reading.js';

export { CHARSETS, CODEC_NAMES, QUARANTINE_REASONS } from './reading.js';
export type {
  AckMirror,
  Charset,
  CodecName,
  CodecSettings,
  Parsed,
  ParseFailure,
  QuarantineReason,
} from './reading.js';

interface Codec {
  readonly read: (decoded: Decoded, delimiter?: string) => Reading;
  /** What stands around the two fields in an ack. */
  readonly ackOpen: string;
  readonly ackClose: string;
}

const CODECS: Readonly<Record<CodecName, Codec>> = {
  delimited: { read: readDelimited, ackOpen: '', ackClose: '' },
  key_value: { read: readKeyValue, ackOpen: '', ackClose: '' },
  json: { read: readJson, ackOpen: '{', ackClose: '}' },
};

/** Reads a datagram by its source's settings. Never throws: a failure says why and carries no value of the datagram. */
export function parse(bytes: Uint8Array, settings: CodecSettings): Parsed {
  const decoded = decode(bytes, settings.charset);
  return decoded.ok ? parseDecoded(decoded, settings) : decoded;
}

/** `parse` for text already decoded: detection decodes once and tries every codec. */
export function parseDecoded(decoded: Decoded, settings: Omit<CodecSettings, 'charset'>): Parsed {
  const { read } = CODECS[settings.codec];
  // An empty delimiter cuts nothing: taken as none set, so that no stored settings can make a codec run for ever.
  const reading = read(decoded, settings.delimiter === '' ? undefined : settings.delimiter);
  if (!reading.ok) {
    return reading;
  }
  const checked = toReport(reading.fields);
  return checked.ok ? { ok: true, report: checked.report, mirror: reading.mirror } : checked;
}

/**
 * The ack of a datagram: Call ID and Serial Number, in that order, in the request's own bytes, delimiter, key spelling
 * and terminator. Never longer than the request, so a forged sender address gains an attacker nothing.
 */
export function encodeAck(mirror: AckMirror): Uint8Array {
  const { ackOpen, ackClose } = CODECS[mirror.codec];
  const text = ackOpen + mirror.callId + mirror.delimiter + mirror.serial + ackClose + mirror.terminator;
  return Buffer.from(text, 'latin1');
}
