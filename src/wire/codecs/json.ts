/**
 * The JSON codec: one flat object, keys in any order. The text is scanned rather than given to JSON.parse, which turns
 * 9007199254740993 into 9007199254740992 and keeps the last of two equal keys in silence.
 */
import { receivedBytes } from '../text/decode.js';
import type { Decoded } from '../text/decode.js';
import { completeFields, fieldOfKey } from './keys.js';
import { failure } from '../reading.js';
import type { FieldName, ParseFailure, Reading } from '../reading.js';

/** One member of a flat object, and where its key and value tokens lie in the text. */
export interface JsonMember {
  readonly key: string;
  readonly keyFrom: number;
  readonly keyTo: number;
  /** The string's characters, or the raw token of a number or literal; null for null. */
  readonly value: string | null;
  readonly valueFrom: number;
  readonly valueTo: number;
}

const STRING = String.raw`"[^"\\\p{Cc}]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\p{Cc}]*)*"`;
const NUMBER = String.raw`-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+\-]?[0-9]+)?`;
const BLANK = String.raw`[ \t\r\n]*`;
/** blank, key, colon with blanks, value, blank, and what follows: a comma or the end of the object. */
const MEMBER = new RegExp(
  `(${BLANK})(${STRING})(${BLANK}:${BLANK})(${STRING}|${NUMBER}|true|false|null)${BLANK}([,}])`,
  'uy',
);
const OPEN = new RegExp(`^${BLANK}\\{`, 'u');
const EMPTY_OBJECT = new RegExp(`^${BLANK}\\{${BLANK}\\}${BLANK}$`, 'u');
const ONLY_BLANK = new RegExp(`^${BLANK}$`, 'u');
const LONE_SURROGATE = /\p{Cs}/u;

/**
 * Reads decoded text. Fails with `syntax` (not one flat object, a key twice, true or false as a value), `fields` (a key
 * missing that must be there), `nul` or `charset` (an escape for NUL or half a surrogate pair).
 */
export function readJson(decoded: Decoded): Reading {
  const members = scanFlatObject(decoded.text);
  if (!(members instanceof Array)) {
    return members;
  }
  const found = new Map<FieldName, JsonMember>();
  for (const member of members) {
    const field = fieldOfKey(member.key);
    const fault = field === undefined ? null : memberFault(decoded.text, member, found.has(field));
    if (fault !== null) {
      return fault;
    }
    if (field !== undefined) {
      found.set(field, member);
    }
  }
  const complete = completeFields(new Map([...found].map(([field, member]) => [field, member.value ?? ''])));
  const callId = found.get('callId');
  const serial = found.get('serial');
  if (!complete.ok || callId === undefined || serial === undefined) {
    return complete.ok ? failure('fields', 'without Call ID or Serial Number') : complete;
  }
  const mirror = {
    codec: 'json' as const,
    callId: token(decoded, callId),
    serial: token(decoded, serial),
    delimiter: ',',
    terminator: decoded.terminator,
    open: '{',
    close: '}',
  };
  return { ok: true, fields: complete.fields, mirror };
}

/** The members of one flat JSON object in order, or a failure with `syntax`. Arrays and nested objects are refused. */
export function scanFlatObject(text: string): readonly JsonMember[] | ParseFailure {
  if (EMPTY_OBJECT.test(text)) {
    return [];
  }
  const members: JsonMember[] = [];
  const open = OPEN.exec(text);
  let at = open === null ? text.length : open[0].length;
  for (let follows = ','; follows === ',';) {
    MEMBER.lastIndex = at;
    const match = MEMBER.exec(text);
    if (match === null) {
      return failure('syntax', `no flat JSON object: stopped at character ${String(open === null ? 0 : at)}`);
    }
    members.push(toMember(match, at));
    at = MEMBER.lastIndex;
    follows = match[5] ?? '';
  }
  return ONLY_BLANK.test(text.slice(at)) ? members : failure('syntax', 'something after the JSON object');
}

function toMember(match: RegExpExecArray, at: number): JsonMember {
  const [, blank = '', key = '', colon = '', value = ''] = match;
  const keyFrom = at + blank.length;
  const keyTo = keyFrom + key.length;
  const valueFrom = keyTo + colon.length;
  return {
    key: unquoted(key),
    keyFrom,
    keyTo,
    value: value === 'null' ? null : unquoted(value),
    valueFrom,
    valueTo: valueFrom + value.length,
  };
}

/** The characters of a string token, already known to be well formed; another token as it is. */
function unquoted(token: string): string {
  if (!token.startsWith('"')) {
    return token;
  }
  return token.includes('\\') ? String(JSON.parse(token)) : token.slice(1, -1);
}

function memberFault(text: string, member: JsonMember, isSecond: boolean): ParseFailure | null {
  const first = text.charAt(member.valueFrom);
  const value = member.value ?? '';
  if (isSecond) {
    return failure('syntax', 'a key twice');
  }
  if (first === 't' || first === 'f') {
    return failure('syntax', 'true or false where text or a number belongs');
  }
  if (value.includes('\0')) {
    return failure('nul', 'an escaped NUL');
  }
  return LONE_SURROGATE.test(value) ? failure('charset', 'half a surrogate pair') : null;
}

/** The bytes of `"key":value` as received, blanks around the colon left out. */
function token(decoded: Decoded, member: JsonMember): string {
  const key = receivedBytes(decoded, member.keyFrom, member.keyTo);
  return `${key}:${receivedBytes(decoded, member.valueFrom, member.valueTo)}`;
}
