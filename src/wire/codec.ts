/** One datagram to a report and the mirror of its ack. A further codec is a row in CODECS. */
import { decode } from './text/decode.js';
import type { Decoded } from './text/decode.js';
import { readFixed, readLengthPrefixed } from './codecs/binary.js';
import { readDelimited } from './codecs/delimited.js';
import { toReport } from './fields.js';
import { readJson } from './codecs/json.js';
import { readKeyValue } from './codecs/key-value.js';
import { readQuoted } from './codecs/quoted.js';
import { readXml } from './codecs/xml.js';
import type { BinaryCodecName, CodecSettings, Parsed, Reading, Shape, TextCodecName, TextShape } from './reading.js';

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

/** Splits decoded text into its fields; what is wrong with the fields themselves is `toReport`'s. */
const TEXT_CODECS: Readonly<Record<TextCodecName, (decoded: Decoded, shape: Shape) => Reading>> = {
  delimited: (decoded, { delimiter, quoted }) =>
    quoted === true ? readQuoted(decoded, delimiterOf(delimiter)) : readDelimited(decoded, delimiterOf(delimiter)),
  key_value: (decoded, { delimiter }) => readKeyValue(decoded, delimiterOf(delimiter)),
  json: readJson,
  xml: readXml,
};

/** Splits bytes into fields, and decodes each. */
const BINARY_CODECS: Readonly<Record<BinaryCodecName, (bytes: Uint8Array, settings: CodecSettings) => Reading>> = {
  length_prefixed: readLengthPrefixed,
  fixed: readFixed,
};

/** Reads a datagram by its source's settings. Never throws: a failure says why and carries no value of the datagram. */
export function parse(bytes: Uint8Array, settings: CodecSettings): Parsed {
  return checked(readFields(bytes, settings));
}

/** `parse` for text already decoded: detection decodes once and tries every codec. */
export function parseDecoded(decoded: Decoded, shape: TextShape): Parsed {
  return checked(TEXT_CODECS[shape.codec](decoded, shape));
}

/** The fields of a datagram as text, before their shape is looked at. */
export function readFields(bytes: Uint8Array, settings: CodecSettings): Reading {
  const { codec, charset } = settings;
  if (codec === 'length_prefixed' || codec === 'fixed') {
    return BINARY_CODECS[codec](bytes, settings);
  }
  const decoded = decode(bytes, charset);
  return decoded.ok ? TEXT_CODECS[codec](decoded, settings) : decoded;
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
