/**
 * The HTTP twin: one JSON object that the switch posts to `.../CallStateReport` (docs/wire.md, "The HTTP twin").
 *
 * It has no Serial Number and, unlike the datagrams, says when its event happened: that time stands in the serial's place,
 * so two posts of one event are copies and two events of one state are not. The gateways, addresses, transaction and SIP
 * Call-ID that it names too are kept in the payload and not read; a member nobody knows is ignored.
 */
import { eventTimeSerial, type Report } from '../notification.js';
import { decode } from './text/decode.js';
import { toReport } from './fields.js';
import { failure } from './reading.js';
import type { ParseFailure } from './reading.js';

/** What became of a post's body: the report, or why there is none. */
export type ParsedPost = { readonly ok: true; readonly report: Report } | ParseFailure;

/** The members a report is made of. Numbers may be null or empty, as where the caller withholds his, but not left out. */
const MEMBERS = ['callId', 'callState', 'eventTime', 'callerE164', 'calleeE164'] as const;
type Member = (typeof MEMBERS)[number];

const MEMBER_OF_KEY: ReadonlyMap<string, Member> = new Map(MEMBERS.map((member) => [member.toLowerCase(), member]));

/** Of valid JSON, each string or each number. */
const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Makes a string of valid JSON a key. */
const COLON_NEXT = /\s*:/y;
/** 15 digits reach the year 33658; more than that no clock says, and no instant can hold. */
const EVENT_TIME = /^\d{1,15}$/;
const LONE_SURROGATE = /\p{Cs}/u;

/**
 * Reads the body of a post, as UTF-8 or, where it is none, as GB18030 (a gateway may have a Chinese name). Never throws.
 *
 * Fails with `empty`, `charset`, `nul`, `syntax` (no JSON object, a member twice), `fields` (a member missing, or neither
 * text nor number), `serial` (an eventTime that is no instant), `call_id`, `state` or `number`.
 */
export function parseTwin(body: Uint8Array): ParsedPost {
  const utf8 = decode(body, 'utf-8');
  const decoded = !utf8.ok && utf8.reason === 'charset' ? decode(body, 'gb18030') : utf8;
  if (!decoded.ok) return decoded;
  const members = membersOf(decoded.text);
  if ('ok' in members) return members;
  const missing = MEMBERS.filter((member) => !members.has(member));
  if (missing.length > 0) return failure('fields', `without ${missing.join(', ')}`);
  const text = (member: Member): string => members.get(member) ?? '';
  if (!EVENT_TIME.test(text('eventTime'))) return failure('serial', 'eventTime is no time in ms since 1970');
  const fields = {
    callId: text('callId'),
    serial: eventTimeSerial(text('eventTime')),
    state: text('callState'),
    callerNumber: text('callerE164'),
    calleeNumber: text('calleeE164'),
    ...{ forwardNumber: '', menuId: '', menuName: '' },
  };
  return toReport(fields, () => null);
}

/** The members we know, as text; null is ''. */
function membersOf(text: string): ReadonlyMap<Member, string> | ParseFailure {
  const object = objectOf(text);
  if (object === null) return failure('syntax', 'no JSON object');
  const found = new Map<Member, string>();
  for (const [numbered, value] of Object.entries(object)) {
    const key = numbered.slice(numbered.indexOf(':') + 1);
    const member = MEMBER_OF_KEY.get(key.toLowerCase().replace(/[\s_-]+/g, ''));
    if (member === undefined) continue;
    if (found.has(member)) return failure('syntax', `${member} twice`);
    if (value !== null && typeof value !== 'string') return failure('fields', `${member} is neither text nor a number`);
    if (value !== null && LONE_SURROGATE.test(value)) return failure('charset', 'half a surrogate pair');
    found.set(member, value?.trim() ?? '');
  }
  return found;
}

/**
 * The object a text is, with every number as the text of its own digits, for 9007199254740993 is no number of JavaScript; and with
 * every key numbered (`1:callId`), for of a key that stands twice JSON.parse gives the last value alone.
 */
function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    // Parsed as it is first: on what is no JSON the expression could take time that grows with the square of its length.
    const found: unknown = JSON.parse(text);
    if (typeof found !== 'object' || found === null || Array.isArray(found)) return null;
    const told = text.replace(STRING_OR_NUMBER, (token, at: number) => {
      if (!token.startsWith('"')) return `"${token}"`;
      COLON_NEXT.lastIndex = at + token.length;
      return COLON_NEXT.test(text) ? `"${String(at)}:${token.slice(1)}` : token;
    });
    return JSON.parse(told) as Record<string, unknown>;
  } catch {
    return null;
  }
}
