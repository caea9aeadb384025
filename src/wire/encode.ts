/** The sender's side: what an IVR would send. For the simulator, the benchmark and tests; parse-ack.ts reads the answer. */
import { encodeText } from './text/gb18030.js';
import { DEFAULT_DELIMITER, FIELD_NAMES } from './reading.js';
import type { CodecSettings, RawFields, TextCodecName } from './reading.js';

export { encodeText } from './text/gb18030.js';

/** The eight fields as the sender spells them; `state` is raw text. Only `menuName` may hold the delimiter. */
export type WireFields = RawFields;

/** Key spellings, in the order of the request. All match the same fields (docs/wire.md, "What is accepted"). */
export const KEY_SPELLINGS = {
  documented: [
    'CallID',
    'SerialNumber',
    'CallState',
    'CallerNumber',
    'CalleeNumber',
    'ForwardNumber',
    'MenuID',
    'MenuName',
  ],
  camel: ['callId', 'serialNumber', 'callState', 'callerNumber', 'calleeNumber', 'forwardNumber', 'menuId', 'menuName'],
  snake: [
    'call_id',
    'serial_number',
    'call_state',
    'caller_number',
    'callee_number',
    'forward_number',
    'menu_id',
    'menu_name',
  ],
  spaced: [
    'Call ID',
    'Serial Number',
    'Call State',
    'Caller Number',
    'Callee Number',
    'Forward Number',
    'Menu ID',
    'Menu Name',
  ],
  short: ['CALL-ID', 'SN', 'STATE', 'CALLER', 'CALLEE', 'FORWARD', 'MENU-ID', 'MENU-NAME'],
} as const satisfies Record<string, readonly string[]>;
export type KeySpelling = keyof typeof KEY_SPELLINGS;

/** How a simulated IVR writes. */
export interface WireFormat extends CodecSettings {
  readonly terminator?: '' | '\0' | '\n' | '\r\n';
  /** A delimiter after the last field; delimited and key_value only. */
  readonly trailingDelimiter?: boolean;
  /** key_value, json and xml (a blank becomes `_` there); `documented` when absent. */
  readonly keys?: KeySpelling;
  /** json: a value that is a JSON number is written without quotes. */
  readonly numbers?: boolean;
  /** xml: the fields are attributes of the root; else children of it. */
  readonly attributes?: boolean;
  /** xml: an XML declaration, which names the charset, stands before the root. */
  readonly declaration?: boolean;
  /** fixed: what fills a column up; blanks when absent. */
  readonly padding?: 'blank' | 'nul';
}

const JSON_NUMBER = /^-?(?:0|[1-9][0-9]*)$/;
const XML_ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

const BODIES: Readonly<Record<TextCodecName, (values: readonly string[], format: WireFormat) => string>> = {
  delimited: (values, format) =>
    values.map((value) => (format.quoted === true ? `"${value.replaceAll('"', '""')}"` : value)).join(between(format)) +
    trailer(format),
  key_value: (values, format) =>
    keysOf(format)
      .map((key, at) => `${key}=${values[at] ?? ''}`)
      .join(between(format)) + trailer(format),
  json: (values, format) =>
    `{${keysOf(format)
      .map((key, at) => `${JSON.stringify(key)}:${jsonValue(values[at] ?? '', format)}`)
      .join(',')}}`,
  xml: xmlBody,
};

/** What an IVR that writes in `format` sends for these fields. What is longer than its column is cut there. */
export function encodeReport(fields: WireFields, format: WireFormat): Uint8Array {
  const values = FIELD_NAMES.map((name) => fields[name]);
  const { codec, charset, terminator = '' } = format;
  if (codec === 'length_prefixed' || codec === 'fixed') {
    const cells = values.map((value, at) =>
      codec === 'fixed' ? column(value, format.widths?.[at] ?? 0, format) : lengthAndText(value, format),
    );
    return Buffer.concat([...cells, Buffer.from(terminator)]);
  }
  return encodeText(BODIES[codec](values, format) + terminator, charset);
}

/** The keys an IVR that writes in `format` uses, in the order of the request. */
export function keysOf({ codec, keys = 'documented' }: WireFormat): readonly string[] {
  const spelled: readonly string[] = KEY_SPELLINGS[keys];
  return codec === 'xml' ? spelled.map((key) => key.replaceAll(' ', '_')) : spelled;
}

/** What stands between its fields or pairs. */
export function between({ delimiter = DEFAULT_DELIMITER }: WireFormat): string {
  return delimiter;
}

function trailer(format: WireFormat): string {
  return format.trailingDelimiter === true ? between(format) : '';
}

function jsonValue(value: string, format: WireFormat): string {
  return format.numbers === true && JSON_NUMBER.test(value) ? value : JSON.stringify(value);
}

function xmlBody(values: readonly string[], format: WireFormat): string {
  const encoding = format.charset === 'utf-8' ? 'UTF-8' : 'GBK';
  const declaration = format.declaration === true ? `<?xml version="1.0" encoding="${encoding}"?>` : '';
  const named = keysOf(format).map((key, at) => ({
    key,
    value: (values[at] ?? '').replace(/[&<>"']/g, (mark) => XML_ESCAPES[mark] ?? mark),
  }));
  return format.attributes === true
    ? `${declaration}<CallReport ${named.map(({ key, value }) => `${key}="${value}"`).join(' ')}/>`
    : `${declaration}<CallReport>${named.map(({ key, value }) => `<${key}>${value}</${key}>`).join('')}</CallReport>`;
}

function lengthAndText(value: string, { charset, lengthBytes = 1, byteOrder = 'big' }: WireFormat): Buffer {
  const text = encodeText(value, charset).subarray(0, 2 ** (8 * lengthBytes) - 1);
  const length = Buffer.alloc(lengthBytes);
  if (byteOrder === 'big') {
    length.writeUIntBE(text.length, 0, lengthBytes);
  } else {
    length.writeUIntLE(text.length, 0, lengthBytes);
  }
  return Buffer.concat([length, text]);
}

function column(value: string, width: number, { charset, padding = 'blank' }: WireFormat): Buffer {
  const cell = Buffer.alloc(width, padding === 'nul' ? '\0' : ' ');
  cell.set(encodeText(value, charset).subarray(0, width));
  return cell;
}
