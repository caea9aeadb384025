/** Fields as text to a report: what must hold of each, and how long it may be. */
import { isEventTimeSerial, type Report } from '../notification.js';
import { failure, hasControl } from './reading.js';
import type { FieldName, ParseFailure, RawFields } from './reading.js';
import { wireState } from './state.js';

/** Lengths in bytes of UTF-8, as PostgreSQL stores them: Call ID and serial stand in keys, which a B-tree bounds. */
export const CALL_ID_BYTES_MAX = 256;
export const SERIAL_BYTES_MAX = 64;
export const STATE_BYTES_MAX = 64;
export const MENU_BYTES_MAX = 256;

/**
 * An optional `+`, then digits, `*` and `#` (service codes are dialled too); empty where the number is withheld or there
 * is none. 32 holds E.164's 15 digits with any routing prefix.
 */
const NUMBER_SHAPE = /^\+?[0-9*#]{0,32}$/;
/** The one word that stands for a withheld caller (RFC 3323). */
const WITHHELD = /^anonymous$/i;

/**
 * Checks every field and gives the report; outer blanks are not part of a value, an empty value is null.
 *
 * A serial need not be a number (its meaning is learned per source) and a state need not be known. Fails with `call_id`,
 * `serial`, `state`, `number` or `menu`: the first of them that does not hold.
 * @param readSerial what is wrong with a serial; a post's is made of its event time, a datagram's may not look like that
 */
export function toReport(
  fields: RawFields,
  readSerial: (serial: string) => ParseFailure | null = serialFault,
): { readonly ok: true; readonly report: Report } | ParseFailure {
  const callId = trimmed(fields.callId);
  const serial = trimmed(fields.serial);
  const stateRaw = trimmed(fields.state);
  const callerNumber = trimmed(fields.callerNumber);
  const calleeNumber = trimmed(fields.calleeNumber);
  const forwardNumber = trimmed(fields.forwardNumber);
  const menuId = trimmed(fields.menuId);
  const menuName = trimmed(fields.menuName);
  const fault =
    wordFault('call_id', 'Call ID', callId, CALL_ID_BYTES_MAX) ??
    readSerial(serial) ??
    wordFault('state', 'Call State', stateRaw, STATE_BYTES_MAX) ??
    numberFault(callerNumber, calleeNumber, forwardNumber) ??
    menuFault(menuId, menuName);
  if (fault !== null) {
    return fault;
  }
  const report: Report = {
    callId,
    serial,
    state: wireState(stateRaw),
    stateRaw,
    callerNumber: orNull(callerNumber),
    calleeNumber: orNull(calleeNumber),
    forwardNumber: orNull(forwardNumber),
    menuId: orNull(menuId),
    menuName: orNull(menuName),
  };
  return { ok: true, report };
}

/** One thing wrong with one field. */
export interface FieldFault {
  readonly field: FieldName;
  readonly fault: ParseFailure;
}

/** Everything wrong with the fields, in their order: what `toReport` fails with is the first. */
export function fieldFaults(fields: RawFields): readonly FieldFault[] {
  const text = (field: FieldName): string => trimmed(fields[field]);
  const judged: readonly (readonly [FieldName, ParseFailure | null])[] = [
    ['callId', wordFault('call_id', 'Call ID', text('callId'), CALL_ID_BYTES_MAX)],
    ['serial', serialFault(text('serial'))],
    ['state', wordFault('state', 'Call State', text('state'), STATE_BYTES_MAX)],
    ['callerNumber', numberFault(text('callerNumber'), '', '')],
    ['calleeNumber', numberFault('', text('calleeNumber'), '')],
    ['forwardNumber', numberFault('', '', text('forwardNumber'))],
    ['menuId', menuFault(text('menuId'), '')],
    ['menuName', menuFault('', text('menuName'))],
  ];
  return judged.flatMap(([field, fault]) => (fault === null ? [] : [{ field, fault }]));
}

/** Whether text has the shape of a number; a withheld caller's word is not one. */
export function isNumberShape(text: string): boolean {
  return NUMBER_SHAPE.test(text);
}

/**
 * Whether a delimiter may also stand within a number: it is made of `*` and `#` alone, as parts of service codes are
 * (`*21*5#`). One that holds another mark besides is only found where the sender put it.
 */
export function cutsNumbers(delimiter: string): boolean {
  return /^[*#]+$/.test(delimiter);
}

/** Copies of one event time are one notification however far apart, so no serial may be taken for one. */
function serialFault(serial: string): ParseFailure | null {
  return isEventTimeSerial(serial)
    ? failure('serial', 'Serial Number reads as the event time of a post')
    : wordFault('serial', 'Serial Number', serial, SERIAL_BYTES_MAX);
}

function wordFault(
  reason: 'call_id' | 'serial' | 'state',
  name: string,
  text: string,
  bytesMax: number,
): ParseFailure | null {
  if (text === '') {
    return failure(reason, `${name} is empty`);
  }
  if (isLonger(text, bytesMax)) {
    return failure(reason, `${name} is longer than ${String(bytesMax)} bytes`);
  }
  return hasControl(text) ? failure(reason, `${name} holds a control character`) : null;
}

function numberFault(caller: string, callee: string, forward: string): ParseFailure | null {
  if (!NUMBER_SHAPE.test(caller) && !WITHHELD.test(caller)) {
    return failure('number', 'Caller Number is no number');
  }
  if (!NUMBER_SHAPE.test(callee)) {
    return failure('number', 'Callee Number is no number');
  }
  return NUMBER_SHAPE.test(forward) ? null : failure('number', 'Forward Number is no number');
}

function menuFault(menuId: string, menuName: string): ParseFailure | null {
  if (isLonger(menuId, MENU_BYTES_MAX)) {
    return failure('menu', `Menu ID is longer than ${String(MENU_BYTES_MAX)} bytes`);
  }
  return isLonger(menuName, MENU_BYTES_MAX)
    ? failure('menu', `Menu Name is longer than ${String(MENU_BYTES_MAX)} bytes`)
    : null;
}

/** A UTF-16 unit takes at most 3 bytes of UTF-8, so most texts need no count. */
function isLonger(text: string, bytesMax: number): boolean {
  return text.length * 3 > bytesMax && Buffer.byteLength(text, 'utf8') > bytesMax;
}

const SPACE = 0x20;
const TILDE = 0x7e;

/** String.trim, at no cost for the common text that begins and ends in a printable ASCII character. */
function trimmed(text: string): string {
  const first = text.charCodeAt(0);
  const last = text.charCodeAt(text.length - 1);
  return first > SPACE && first <= TILDE && last > SPACE && last <= TILDE ? text : text.trim();
}

function orNull(text: string): string | null {
  return text === '' ? null : text;
}
