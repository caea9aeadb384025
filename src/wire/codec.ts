/** One datagram to a report and the mirror of its ack. A further codec is a row in CODECS. */
import { decode } from './decode.js';
import type { Decoded } from './decode.js';
import { readDelimited } from './delimited.js';
import { toReport } from './fields.js';
import { readJson } from './json.js';
import { readKeyValue } from './key-value.js';
import type { CodecName, CodecSettings, Parsed, Reading, Shape } from './reading.js';

export { encodeAck } from './ack.js';
export { CHARSETS, CODEC_NAMES, QUARANTINE_REASONS } from './reading.js';
export type {
  AckMirror,
  Charset,
  CodecName,
  CodecSettings,
  Parsed,
  ParseFailure,
  QuarantineReason,
  Shape,
} from './reading.js';

/** Splits a datagram into its fields as each codec does; what is wrong with the fields themselves is `toReport`'s. */
const CODECS: Readonly<Record<CodecName, (decoded: Decoded, settings: Shape) => Reading>> = {
  delimited: (decoded, { delimiter }) => readDelimited(decoded, delimiterOf(delimiter)),
  key_value: (decoded, { delimiter }) => readKeyValue(decoded, delimiterOf(delimiter)),
  json: readJson,
};

/** Reads a datagram by its source's settings. Never throws: a failure says why and carries no value of the datagram. */
export function parse(bytes: Uint8Array, settings: CodecSettings): Parsed {
  return checked(readFields(bytes, settings));
}

/** `parse` for text already decoded: detection decodes once and tries every codec. */
export function parseDecoded(decoded: Decoded, shape: Shape): Parsed {
  return checked(CODECS[shape.codec](decoded, shape));
}

/** The fields of a datagram as text, before their shape is looked at. */
export function readFields(bytes: Uint8Array, settings: CodecSettings): Reading {
  const decoded = decode(bytes, settings.charset);
  return decoded.ok ? CODECS[settings.codec](decoded, settings) : decoded;
}

function checked(reading: Reading): Parsed {
  if (!reading.ok) {
    return reading;
  }
  const made = toReport(reading.fields);
  return made.ok ? { ok: true, report: made.report, mirror: reading.mirror } : made;
}

/** An empty delimiter cuts nothing: taken as none set, so that no stored settings can make a codec run for ever. */
function delimiterOf(delimiter: string | undefined): string | undefined {
  return delimiter === '' ? undefined : delimiter;
}
