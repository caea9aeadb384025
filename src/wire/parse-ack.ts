/** How a simulated IVR reads the answer: strictly, as a sender that compares would. */
import { asBuffer, decode, textOf } from './text/decode.js';
import { scanFlatObject } from './codecs/json.js';
import { scanXml } from './codecs/xml.scan.js';
import { between, keysOf } from './encode.js';
import type { WireFormat } from './encode.js';
import type { TextCodecName } from './reading.js';

/** The two values of an ack; null when it does not follow the format to the letter. */
export interface ReadAck {
  readonly callId: string;
  readonly serial: string;
}

/** The values in an ack's text, in order; none when it does not follow the format. */
const TEXT_ACKS: Readonly<Record<TextCodecName, (text: string, format: WireFormat) => readonly string[]>> = {
  delimited: (text, format) => {
    const parts = text.split(between(format));
    return format.quoted === true ? parts.map((part) => part.slice(1, -1).replaceAll('""', '"')) : parts;
  },
  key_value: (text, format) => {
    const parts = text.split(between(format));
    const keys = keysOf(format);
    const named = parts.every((part, at) => part.startsWith(`${keys[at] ?? ''}=`));
    return named ? parts.map((part) => part.slice(part.indexOf('=') + 1)) : [];
  },
  json: (text, format) => {
    const members = scanFlatObject(text);
    const keys = keysOf(format);
    const named = members instanceof Array && members.every((member, at) => member.key === keys[at]);
    return named ? members.map(({ value }) => value ?? '') : [];
  },
  xml: (text, format) => {
    const document = scanXml(text);
    const keys = keysOf(format);
    const wanted = format.attributes === true;
    const named =
      !('ok' in document) &&
      (document.encoding !== null) === (format.declaration === true) &&
      document.items.every(({ name, isAttribute }, at) => name === keys[at] && isAttribute === wanted);
    return named ? document.items.map(({ value }) => value) : [];
  },
};

/**
 * What an IVR that writes in `format` reads in an ack. Null when the ack does not follow the request's format to the
 * letter: delimiter, key spelling, terminator, nothing more.
 */
export function parseAck(bytes: Uint8Array, format: WireFormat): ReadAck | null {
  const { codec, charset, terminator = '' } = format;
  if (codec === 'length_prefixed' || codec === 'fixed') {
    return parseBinaryAck(asBuffer(bytes), format);
  }
  const decoded = decode(bytes, charset);
  if (!decoded.ok || decoded.terminator !== terminator) {
    return null;
  }
  const [callId, serial, ...more] = TEXT_ACKS[codec](decoded.text, format);
  return callId === undefined || serial === undefined || more.length > 0 ? null : { callId, serial };
}

function parseBinaryAck(bytes: Buffer, format: WireFormat): ReadAck | null {
  const callId = format.codec === 'fixed' ? columnAt(bytes, 0, 0, format) : prefixedAt(bytes, 0, format);
  const serial =
    format.codec === 'fixed' ? columnAt(bytes, callId.to, 1, format) : prefixedAt(bytes, callId.to, format);
  const rest = bytes.toString('latin1', serial.to);
  return callId.text === null || serial.text === null || rest !== (format.terminator ?? '')
    ? null
    : { callId: callId.text, serial: serial.text };
}

interface Cell {
  readonly text: string | null;
  readonly to: number;
}

function prefixedAt(bytes: Buffer, at: number, { charset, lengthBytes = 1, byteOrder = 'big' }: WireFormat): Cell {
  const from = at + lengthBytes;
  if (from > bytes.length) {
    return { text: null, to: bytes.length };
  }
  const length = byteOrder === 'big' ? bytes.readUIntBE(at, lengthBytes) : bytes.readUIntLE(at, lengthBytes);
  return { text: cut(bytes, from, from + length, charset), to: from + length };
}

function columnAt(bytes: Buffer, at: number, index: number, { charset, widths = [], padding }: WireFormat): Cell {
  const to = at + (widths[index] ?? 0);
  const text = cut(bytes, at, to, charset);
  return { text: text?.replace(padding === 'nul' ? /\0+$/ : / +$/, '') ?? null, to };
}

function cut(bytes: Buffer, from: number, to: number, charset: WireFormat['charset']): string | null {
  return to > bytes.length ? null : textOf(bytes.subarray(from, to), charset);
}
