/**
 * The delimited codec: `callId,serial,state,caller,callee,forward,menuId,menuName`, no quoting.
 *
 * Tolerated: a delimiter at the end; a last field that holds the delimiter; seven fields, Forward Number or Menu Name
 * being left out. A line break inside is refused: it may be the start of a second notification, which would otherwise
 * vanish into the first one's Menu Name. With a delimiter that may stand within a number none of that is tolerated.
 */
import { byteString, receivedBytes } from '../text/decode.js';
import type { Decoded } from '../text/decode.js';
import { cutsNumbers, isNumberShape } from '../fields.js';
import { DEFAULT_DELIMITER, FIELD_NAMES, failure, hasControl } from '../reading.js';
import type { AckMirror, RawFields, Reading } from '../reading.js';

const FIELD_COUNT = FIELD_NAMES.length;
const FIELD_COUNT_MIN = FIELD_COUNT - 1;

/** Reads decoded text. Fails with `fields` (fewer than seven) or `syntax` (a control character other than tab). */
export function readDelimited(decoded: Decoded, delimiter = DEFAULT_DELIMITER): Reading {
  const parts = decoded.text.split(delimiter);
  if (parts.length < FIELD_COUNT_MIN) {
    return failure('fields', `${String(parts.length)} fields where ${String(FIELD_COUNT)} belong`);
  }
  if (cutsNumbers(delimiter) && !isCutOneWay(decoded.text, parts, delimiter)) {
    return failure('fields', 'a number may hold this delimiter, and the text can be cut in several ways');
  }
  // A delimiter may itself be a control character (0x1F, 0x01).
  if (hasControl(delimiter) ? parts.some(hasControl) : hasControl(decoded.text)) {
    return failure('syntax', 'a line break or another control character inside');
  }
  return { ok: true, fields: toFields(parts, delimiter), mirror: toMirror(decoded, parts, delimiter) };
}

/**
 * Whether a delimiter of `*` and `#` can have stood in no number: eight parts, none of which may be one half of a service
 * code, and the same ones when cut from the end (`*21#` before `##` is cut as `*21` from the start).
 */
function isCutOneWay(text: string, parts: readonly string[], delimiter: string): boolean {
  let end = text.length;
  for (const part of [...parts].reverse()) {
    const before = text.slice(0, end);
    const cut = before.lastIndexOf(delimiter);
    if (before.slice(cut === -1 ? 0 : cut + delimiter.length) !== part) {
      return false;
    }
    end = Math.max(cut, 0);
  }
  return parts.length === FIELD_COUNT;
}

/** The fields of seven or more parts. */
export function toFields(parts: readonly string[], delimiter: string): RawFields {
  const [callId = '', serial = '', state = '', callerNumber = '', calleeNumber = '', sixth = '', seventh = ''] = parts;
  const head = { callId, serial, state, callerNumber, calleeNumber };
  if (parts.length === FIELD_COUNT_MIN) {
    // A Menu ID looks like a number wherever the vendor shows one; a seventh field that does not is the name.
    return isNumberShape(seventh.trim())
      ? { ...head, forwardNumber: sixth, menuId: seventh, menuName: '' }
      : { ...head, forwardNumber: '', menuId: sixth, menuName: seventh };
  }
  return {
    callId,
    serial,
    state,
    callerNumber,
    calleeNumber,
    forwardNumber: sixth,
    menuId: seventh,
    menuName: lastField(parts, delimiter),
  };
}

/** Everything from the eighth field on, less one delimiter at the end. */
function lastField(parts: readonly string[], delimiter: string): string {
  if (parts.length === FIELD_COUNT) {
    return parts[FIELD_COUNT - 1] ?? '';
  }
  const end = parts.at(-1) === '' ? -1 : parts.length;
  return parts.slice(FIELD_COUNT - 1, end).join(delimiter);
}

function toMirror(decoded: Decoded, parts: readonly string[], delimiter: string): AckMirror {
  const callIdEnd = parts[0]?.length ?? 0;
  const serialStart = callIdEnd + delimiter.length;
  return {
    codec: 'delimited',
    callId: receivedBytes(decoded, 0, callIdEnd),
    serial: receivedBytes(decoded, serialStart, serialStart + (parts[1]?.length ?? 0)),
    delimiter: byteString(delimiter, decoded.charset),
    terminator: decoded.terminator,
  };
}
