/** The sender's side: what an IVR would send, and how it reads the ack. For the simulator, the benchmark and tests. */
import { decode } from './decode.js';
import { encodeText } from './gb18030.js';
import { scanFlatObject } from './json.js';
import { DEFAULT_DELIMITER, FIELD_NAMES } from './reading.js';
import type { CodecName, CodecSettings, RawFields } from './reading.js';

export { encodeText } from './gb18030.js';

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
  /** key_value and json; `documented` when absent. */
  readonly keys?: KeySpelling;
  /** json: a value that is a JSON number is written without quotes. */
  readonly numbers?: boolean;
}

const JSON_NUMBER = /^-?(?:0|[1-9][0-9]*)$/;

const BODIES: Readonly<Record<CodecName, (values: readonly string[], format: WireFormat) => string>> = {
  delimited: (values, format) => values.join(format.delimiter ?? DEFAULT_DELIMITER) + trailer(format),
  key_value: (values, format) =>
    keysOf(format)
      .map((key, at) => `${key}=${values[at] ?? ''}`)
      .join(format.delimiter ?? DEFAULT_DELIMITER) + trailer(format),
  json: (values, format) =>
    `{${keysOf(format)
      .map((key, at) => `${JSON.stringify(key)}:${jsonValue(values[at] ?? '', format)}`)
      .join(',')}}`,
};

/** What an IVR that writes in `format` sends for these fields. */
export function encodeReport(fields: WireFields, format: WireFormat): Uint8Array {
  const values = FIELD_NAMES.map((name) => fields[name]);
  return encodeText(BODIES[format.codec](values, format) + (format.terminator ?? ''), format.charset);
}

/**
 * What an IVR that writes in `format` reads in an ack: strictly, as a sender that compares would. Null when the ack does
 * not follow the request's format to the letter: delimiter, key spelling, terminator, nothing more.
 */
export function parseAck(bytes: Uint8Array, format: WireFormat): { callId: string; serial: string } | null {
  const decoded = decode(bytes, format.charset);
  if (!decoded.ok || decoded.terminator !== (format.terminator ?? '')) {
    return null;
  }
  const [callId, serial, ...more] =
    format.codec === 'json' ? jsonAckFields(decoded.text, format) : textAckFields(decoded.text, format);
  return callId === undefined || serial === undefined || more.length > 0 ? null : { callId, serial };
}

function textAckFields(text: string, format: WireFormat): readonly string[] {
  const parts = text.split(format.delimiter ?? DEFAULT_DELIMITER);
  if (format.codec === 'delimited') {
    return parts;
  }
  const keys = keysOf(format);
  const named = parts.every((part, at) => part.startsWith(`${keys[at] ?? ''}=`));
  return named ? parts.map((part) => part.slice(part.indexOf('=') + 1)) : [];
}

function jsonAckFields(text: string, format: WireFormat): readonly string[] {
  const members = scanFlatObject(text);
  const keys = keysOf(format);
  if (!(members instanceof Array) || members.some((member, at) => member.key !== keys[at])) {
    return [];
  }
  return members.map((member) => member.value ?? '');
}

function jsonValue(value: string, format: WireFormat): string {
  return format.numbers === true && JSON_NUMBER.test(value) ? value : JSON.stringify(value);
}

function keysOf(format: WireFormat): readonly string[] {
  return KEY_SPELLINGS[format.keys ?? 'documented'];
}

function trailer(format: WireFormat): string {
  return format.trailingDelimiter === true ? (format.delimiter ?? DEFAULT_DELIMITER) : '';
}
