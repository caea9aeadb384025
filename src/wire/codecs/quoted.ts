/**
 * The delimited codec with quoting, which an operator sets: a field that begins with a double quote ends at the next one
 * that is not doubled, and may hold the delimiter. Other fields are read as without quoting.
 */
import { byteString, receivedBytes } from '../text/decode.js';
import type { Decoded } from '../text/decode.js';
import { toFields } from './delimited.js';
import { DEFAULT_DELIMITER, FIELD_NAMES, failure, hasControl } from '../reading.js';
import type { ParseFailure, Reading } from '../reading.js';

const FIELD_COUNT = FIELD_NAMES.length;
/** A whole quoted value. */
const QUOTED = /"((?:[^"]|"")*)"/uy;

/** One field: where it lies in the text, quotes included, and what it says. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly value: string;
}

/**
 * Reads decoded text. Fails with `fields` (fewer than seven) or `syntax` (a quote that is not closed before the next
 * delimiter, a control character other than tab).
 */
export function readQuoted(decoded: Decoded, delimiter = DEFAULT_DELIMITER): Reading {
  const { text } = decoded;
  const parts: Part[] = [];
  let at = 0;
  while (at <= text.length && parts.length < FIELD_COUNT) {
    const part = parts.length === FIELD_COUNT - 1 ? lastPart(text, at, delimiter) : partAt(text, at, delimiter);
    if (part === null) {
      return failure('syntax', `the quotes of field ${String(parts.length + 1)} do not close before a delimiter`);
    }
    parts.push(part);
    at = part.to + delimiter.length;
  }
  const [callId, serial] = parts;
  if (parts.length < FIELD_COUNT - 1 || callId === undefined || serial === undefined) {
    return failure('fields', `${String(parts.length)} fields where ${String(FIELD_COUNT)} belong`);
  }
  const values = parts.map(({ value }) => value);
  const mirror = {
    codec: 'delimited' as const,
    callId: receivedBytes(decoded, callId.from, callId.to),
    serial: receivedBytes(decoded, serial.from, serial.to),
    delimiter: byteString(delimiter, decoded.charset),
    terminator: decoded.terminator,
  };
  return controlFault(values) ?? { ok: true, fields: toFields(values, delimiter), mirror };
}

function controlFault(values: readonly string[]): ParseFailure | null {
  return values.some(hasControl) ? failure('syntax', 'a line break or another control character inside') : null;
}

/** The field that begins at `from`; null when its quotes do not close before a delimiter or the end. */
function partAt(text: string, from: number, delimiter: string): Part | null {
  if (text.charAt(from) === '"') {
    const to = closeOf(text, from);
    const ends = to === text.length || text.startsWith(delimiter, to);
    return to !== -1 && ends ? { from, to, value: unquoted(text, from, to) } : null;
  }
  const cut = text.indexOf(delimiter, from);
  const to = cut === -1 ? text.length : cut;
  return { from, to, value: text.slice(from, to) };
}

/** The eighth field: the rest, less one delimiter at its end where there is another in it or it is quoted. */
function lastPart(text: string, from: number, delimiter: string): Part | null {
  if (text.charAt(from) === '"') {
    const to = closeOf(text, from);
    const rest = to === -1 ? null : text.slice(to);
    return rest === '' || rest === delimiter ? { from, to: text.length, value: unquoted(text, from, to) } : null;
  }
  const rest = text.slice(from);
  return { from, to: text.length, value: rest.endsWith(delimiter) ? rest.slice(0, -delimiter.length) : rest };
}

/** Where the quoted value that begins at `from` ends; -1 when it does not. */
function closeOf(text: string, from: number): number {
  QUOTED.lastIndex = from;
  return QUOTED.test(text) ? QUOTED.lastIndex : -1;
}

function unquoted(text: string, from: number, to: number): string {
  return text.slice(from + 1, to - 1).replaceAll('""', '"');
}
