/**
 * What a datagram is written as, whatever is wrong with it: the first and last mark of XML and JSON, the keys of key=value.
 * Nothing is accepted by this. It only lets the fault of that form be told, and not that of a comma line which it never was.
 */
import { fieldOfKey } from '../codecs/keys.js';
import { DEFAULT_DELIMITER, FIELD_NAMES } from '../reading.js';
import type { FieldName, Shape } from '../reading.js';

/** Fields that are there under keys of ours; those that are not are left out. */
export type LooseFields = ReadonlyMap<FieldName, string>;

/** Keys that tell pairs from text which happens to hold a `=`. */
const KEYS_MIN = 3;
/** Pieces looked at: eight are ours, and anybody may send thousands. */
const PIECES_MAX = 64;

/** An element with text and nothing else in it, or an attribute. As all here linear in the length: anybody may send anything. */
const XML_FIELD = /<([\w:.-]+)(?:[ \t\r\n][^<>]*)?>([^<>]*)<\/|[ \t\r\n]([\w:.-]+)[ \t]*=[ \t]*["']([^"'<>]*)["']/g;
/** A member whose value is a string or a bare word. */
const JSON_FIELD = /"([^"\\]{1,64})"[ \t]*:[ \t]*(?:"([^"]*)"|([^\s,"{}[\]]+))/g;

/** The fields of text in the form of a shape; null where it is in another form. */
export function fieldsInForm(text: string, { codec, delimiter = DEFAULT_DELIMITER }: Shape): LooseFields | null {
  const framed = frameOf(text);
  if (codec === 'xml' || codec === 'json') {
    return framed === codec ? fieldsOf(text.matchAll(codec === 'xml' ? XML_FIELD : JSON_FIELD)) : null;
  }
  if (codec !== 'key_value' || framed !== null) {
    return null;
  }
  const pairs = text.split(delimiter, PIECES_MAX).map((piece) => {
    const equals = piece.indexOf('=');
    return equals === -1 ? ['', ''] : ['', piece.slice(0, equals), piece.slice(equals + 1)];
  });
  const fields = fieldsOf(pairs);
  return fields.size >= KEYS_MIN ? fields : null;
}

function frameOf(text: string): 'xml' | 'json' | null {
  const inner = text.trim();
  if (inner.startsWith('<') && inner.endsWith('>')) {
    return 'xml';
  }
  return inner.startsWith('{') && inner.endsWith('}') ? 'json' : null;
}

/** Of each match a key and a value, wherever in it they stand; the first of a key counts. */
function fieldsOf(matches: Iterable<readonly (string | undefined)[]>): LooseFields {
  const found = new Map<FieldName, string>();
  for (const [, ...groups] of matches) {
    const [key = '', value = ''] = groups.filter((group) => group !== undefined);
    const field = fieldOfKey(key);
    if (field !== undefined && !found.has(field)) {
      found.set(field, value);
    }
  }
  return found;
}

/** The fields no form may leave out. */
const REQUIRED = FIELD_NAMES.slice(0, 5);

/** Those of them that are not there. */
export function missingIn(fields: LooseFields): readonly FieldName[] {
  return REQUIRED.filter((field) => !fields.has(field));
}
