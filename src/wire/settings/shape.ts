/** What an operator sets of a source's codec and ack, judged: every fault at once, by the option's name. */
import { cutsNumbers } from '../fields.js';
import { ACK_CONTENTS, ACK_TERMINATORS } from '../ack.js';
import type { AckForm } from '../ack.js';
import { BYTE_ORDERS, CHARSETS, CODEC_NAMES, FIELD_NAMES, LENGTH_BYTES } from '../reading.js';
import type { CodecSettings } from '../reading.js';

/** A codec as an operator gives it; null and absent are the same. */
export interface AskedCodec {
  readonly codec: string;
  readonly charset: string;
  readonly delimiter?: string | null;
  readonly quoted?: boolean | null;
  readonly lengthBytes?: number | null;
  readonly byteOrder?: string | null;
  readonly widths?: readonly number[] | null;
}

/** An ack form as an operator gives it; what is null or absent mirrors the request. */
export interface AskedAckForm {
  readonly content?: string | null;
  readonly delimiter?: string | null;
  readonly terminator?: string | null;
}

/** One thing wrong with one option. */
export interface OptionFault {
  readonly parameter: string;
  readonly reason: string;
}

export type Judged<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly faults: OptionFault[] };

const DELIMITER_BYTES_MAX = 4;
/** A column wider than the longest field is of no use; a Call ID may have 256 bytes, a Menu Name 256 of UTF-8. */
const WIDTH_MAX = 512;

/** The settings of a codec with its options, or everything that is wrong with them. */
export function judgeCodec(asked: AskedCodec): Judged<CodecSettings> {
  const { delimiter, quoted, lengthBytes, byteOrder, widths } = asked;
  const codec = CODEC_NAMES.find((name) => name === asked.codec);
  const charset = CHARSETS.find((name) => name === asked.charset);
  const length = LENGTH_BYTES.find((bytes) => bytes === lengthBytes);
  const order = BYTE_ORDERS.find((name) => name === byteOrder);
  const faults = [
    ...fault(codec === undefined, 'codec', `must be one of ${CODEC_NAMES.join(', ')}`),
    ...fault(charset === undefined, 'charset', `must be one of ${CHARSETS.join(', ')}`),
    ...(isSet(delimiter) ? delimiterFaults(asked.codec, delimiter, quoted === true) : []),
    ...fault(quoted === true && asked.codec !== 'delimited', 'quoted', 'goes with delimited alone'),
    ...only('length_prefixed', asked.codec, 'lengthBytes', lengthBytes, length === undefined, LENGTH_BYTES.join(', ')),
    ...only('length_prefixed', asked.codec, 'byteOrder', byteOrder, order === undefined, BYTE_ORDERS.join(', ')),
    ...widthFaults(asked.codec, widths ?? null),
  ];
  if (codec === undefined || charset === undefined || faults.length > 0) return { ok: false, faults };
  return {
    ok: true,
    value: {
      ...{ codec, charset },
      ...(isSet(delimiter) ? { delimiter } : {}),
      ...(quoted === true ? { quoted } : {}),
      ...(length === undefined ? {} : { lengthBytes: length }),
      ...(order === undefined ? {} : { byteOrder: order }),
      ...(isSet(widths) ? { widths } : {}),
    },
  };
}

/** The form of an ack, or everything that is wrong with it; null when nothing is asked but the mirror. */
export function judgeAckForm({ content, delimiter, terminator }: AskedAckForm): Judged<AckForm | null> {
  const repeated = ACK_CONTENTS.find((name) => name === content);
  const end = ACK_TERMINATORS.find((name) => name === terminator);
  const isPair = !isSet(content) || content === 'call_id_serial' || content === 'serial_call_id';
  const faults = [
    ...fault(isSet(content) && repeated === undefined, 'content', `must be one of ${ACK_CONTENTS.join(', ')}`),
    ...fault(isSet(terminator) && end === undefined, 'terminator', `must be one of ${ACK_TERMINATORS.join(', ')}`),
    ...fault(
      isSet(terminator) && content === 'echo',
      'terminator',
      'does not go with echo, which repeats the request whole',
    ),
    ...fault(isSet(delimiter) && !isPair, 'delimiter', 'goes with Call ID and Serial Number alone'),
    ...fault(isSet(delimiter) && !/^[ -~\t]{1,4}$/.test(delimiter), 'delimiter', 'must be 1 to 4 ASCII characters'),
  ];
  if (faults.length > 0) return { ok: false, faults };
  const form: AckForm = {
    ...(repeated === undefined ? {} : { content: repeated }),
    ...(isSet(delimiter) ? { delimiter } : {}),
    ...(end === undefined ? {} : { terminator: end }),
  };
  return { ok: true, value: Object.keys(form).length === 0 ? null : form };
}

function delimiterFaults(codec: string, delimiter: string, quoted: boolean): OptionFault[] {
  const of = (reason: string): OptionFault[] => fault(true, 'delimiter', reason);
  if (codec !== 'delimited' && codec !== 'key_value') return of('goes with delimited and key_value alone');
  const bytes = Buffer.byteLength(delimiter);
  if (bytes === 0 || bytes > DELIMITER_BYTES_MAX) return of(`must be 1 to ${String(DELIMITER_BYTES_MAX)} bytes`);
  if (quoted && delimiter.includes('"')) return of('must not hold the double quote that stands around fields');
  // Only delimited counts its fields, which is what shows that a service code was cut.
  if (cutsNumbers(delimiter) && (quoted || codec !== 'delimited'))
    return of('made of * and # alone goes with delimited without quoting alone, since a number may hold it');
  // NUL ends a datagram; letters, digits, = and + would cut Call IDs, states, numbers and keys.
  return /[\p{L}\p{N}\0=+]/u.test(delimiter) ? of('must not hold a letter, a digit, NUL, = or +') : [];
}

function widthFaults(codec: string, widths: readonly number[] | null): OptionFault[] {
  const count = String(FIELD_NAMES.length);
  if (widths === null)
    return fault(codec === 'fixed', 'widths', `must be set: the bytes of each of the ${count} fields`);
  const isWidth = (width: number): boolean => Number.isInteger(width) && width >= 1 && width <= WIDTH_MAX;
  const hold = widths.length === FIELD_NAMES.length && widths.every(isWidth);
  return [
    ...fault(codec !== 'fixed', 'widths', 'goes with fixed alone'),
    ...fault(codec === 'fixed' && !hold, 'widths', `must be ${count} whole numbers from 1 to ${String(WIDTH_MAX)}`),
  ];
}

/** An option of one codec, with one of a few values. */
function only(
  owner: string,
  codec: string,
  parameter: string,
  given: number | string | null | undefined,
  isUnknown: boolean,
  all: string,
): OptionFault[] {
  if (!isSet(given)) return [];
  return codec === owner
    ? fault(isUnknown, parameter, `must be one of ${all}`)
    : fault(true, parameter, `goes with ${owner} alone`);
}

function fault(isFault: boolean, parameter: string, reason: string): OptionFault[] {
  return isFault ? [{ parameter, reason }] : [];
}

function isSet<T>(given: T | null | undefined): given is T {
  return given !== null && given !== undefined;
}
