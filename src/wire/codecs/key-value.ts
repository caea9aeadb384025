/**
 * The key=value codec: `CallID=a1,SerialNumber=1,CallState=OK,...` with any separator between pairs, in any order.
 *
 * Menu Name is free text: from its key on, whatever is not a key still awaited belongs to it, separators included, less
 * one separator at the end. Pairs with a key of someone else's are passed over.
 */
import { byteString, receivedBytes } from '../text/decode.js';
import type { Decoded } from '../text/decode.js';
import { completeFields, fieldOfKey } from './keys.js';
import { DEFAULT_DELIMITER, failure, hasControl } from '../reading.js';
import type { FieldName, ParseFailure, Reading } from '../reading.js';

/** One pair: where it lies in the text, key included, and where its value begins. */
interface Pair {
  readonly from: number;
  readonly valueFrom: number;
  to: number;
}

/**
 * Reads decoded text. Fails with `fields` (a key missing that must be there) or `syntax` (a piece without `=`, a key
 * twice, a control character).
 */
export function readKeyValue(decoded: Decoded, delimiter = DEFAULT_DELIMITER): Reading {
  const pairs = toPairs(decoded.text, delimiter);
  if (!(pairs instanceof Map)) {
    return pairs;
  }
  const found = new Map<FieldName, string>();
  for (const [field, pair] of pairs) {
    found.set(field, decoded.text.slice(pair.valueFrom, pair.to));
  }
  const complete = completeFields(found);
  const callId = pairs.get('callId');
  const serial = pairs.get('serial');
  if (!complete.ok || callId === undefined || serial === undefined) {
    return complete.ok ? failure('fields', 'without Call ID or Serial Number') : complete;
  }
  if ([...found.values()].some(hasControl)) {
    return failure('syntax', 'a line break or another control character inside');
  }
  const mirror = {
    codec: 'key_value' as const,
    callId: receivedBytes(decoded, callId.from, callId.to),
    serial: receivedBytes(decoded, serial.from, serial.to),
    delimiter: byteString(delimiter, decoded.charset),
    terminator: decoded.terminator,
  };
  return { ok: true, fields: complete.fields, mirror };
}

function toPairs(text: string, delimiter: string): Map<FieldName, Pair> | ParseFailure {
  const end = text.endsWith(delimiter) ? text.length - delimiter.length : text.length;
  const pairs = new Map<FieldName, Pair>();
  let name: Pair | undefined;
  for (let from = 0; from <= end;) {
    const cut = text.indexOf(delimiter, from);
    const to = cut === -1 || cut > end ? end : cut;
    const equals = text.slice(from, to).indexOf('=');
    const field = equals === -1 ? undefined : fieldOfKey(text.slice(from, from + equals));
    if (field !== undefined && !pairs.has(field)) {
      const pair: Pair = { from, valueFrom: from + equals + 1, to };
      pairs.set(field, pair);
      name = field === 'menuName' ? pair : undefined;
    } else if (name !== undefined) {
      name.to = to;
    } else if (field !== undefined) {
      return failure('syntax', 'a key twice');
    } else if (equals === -1) {
      return failure('syntax', 'a piece without "="');
    }
    from = to + delimiter.length;
  }
  return pairs;
}
