/**
 * The XML codec: one element whose children, or whose attributes, are the fields, keys in any order.
 *
 * It is scanned rather than given to an XML library: the ack repeats the very bytes of the request, and everything that
 * makes XML dangerous or ambiguous is refused (document types, entities but the five predefined ones, character
 * references, CDATA, comments, processing instructions, elements within elements).
 */
import { receivedBytes } from '../text/decode.js';
import type { Decoded } from '../text/decode.js';
import { completeFields, fieldOfKey } from './keys.js';
import { failure, hasControl } from '../reading.js';
import type { AckMirror, FieldName, ParseFailure, Reading } from '../reading.js';
import { scanXml } from './xml.scan.js';
import type { XmlDocument, XmlItem } from './xml.scan.js';

/**
 * Reads decoded text. Fails with `syntax` (not one flat element, something refused, a key twice, a control character),
 * `fields` (a key missing that must be there) or `charset` (it declares another one than it is read in).
 */
export function readXml(decoded: Decoded): Reading {
  const document = scanXml(decoded.text);
  if ('ok' in document) {
    return document;
  }
  if (!decoded.ascii && document.encoding !== null && charsetOf(document.encoding) !== decoded.charset) {
    return failure('charset', `declares another character set than ${decoded.charset}`);
  }
  const found = fieldsOf(document.items);
  if (!(found instanceof Map)) {
    return found;
  }
  const complete = completeFields(new Map([...found].map(([field, { value }]) => [field, value])));
  const callId = found.get('callId');
  const serial = found.get('serial');
  if (!complete.ok || callId === undefined || serial === undefined) {
    return complete.ok ? failure('fields', 'without Call ID or Serial Number') : complete;
  }
  if (callId.isAttribute !== serial.isAttribute) {
    return failure('syntax', 'Call ID and Serial Number are not both elements or both attributes');
  }
  return { ok: true, fields: complete.fields, mirror: toMirror(decoded, document, callId, serial) };
}

/** The charset a declaration names, by the names in use; another one is null. */
function charsetOf(encoding: string): string | null {
  const name = encoding.toLowerCase();
  if (/^gb(?:[-_]?2312|k|18030)$/.test(name)) {
    return 'gb18030';
  }
  return name === 'utf-8' || name === 'utf8' ? 'utf-8' : null;
}

function fieldsOf(items: readonly XmlItem[]): Map<FieldName, XmlItem> | ParseFailure {
  const found = new Map<FieldName, XmlItem>();
  for (const item of items) {
    const field = fieldOfKey(item.name);
    if (field === undefined) {
      continue;
    }
    if (found.has(field)) {
      return failure('syntax', 'a key twice');
    }
    if (hasControl(item.value.trim())) {
      return failure('syntax', 'a line break or another control character inside');
    }
    found.set(field, item);
  }
  return found;
}

/**
 * The request's root around the two fields. Of its attributes those stay that are no field: a name space has to.
 */
function toMirror(decoded: Decoded, document: XmlDocument, callId: XmlItem, serial: XmlItem): AckMirror {
  const bytes = ({ from, to }: { readonly from: number; readonly to: number }): string =>
    receivedBytes(decoded, from, to);
  const fields = {
    codec: 'xml' as const,
    callId: bytes(callId),
    serial: bytes(serial),
    terminator: decoded.terminator,
  };
  const start = { from: document.from, to: document.nameTo };
  const foreign = document.items.filter(({ isAttribute, name }) => isAttribute && fieldOfKey(name) === undefined);
  const opened = [start, ...foreign].map(bytes).join(' ');
  const end = document.end === null ? '' : bytes(document.end);
  return callId.isAttribute
    ? { ...fields, open: `${opened} `, delimiter: ' ', close: end === '' ? '/>' : `>${end}` }
    : { ...fields, open: `${opened}>`, delimiter: '', close: end };
}
