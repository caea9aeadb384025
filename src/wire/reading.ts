/**
 * The values every codec speaks in: settings, the reading of a datagram, the reasons for refusing one.
 *
 * Nothing in this folder throws: bad input is a value with a reason, and its bytes go to quarantine.
 */
import type { Report } from '../notification.js';

export const CHARSETS = ['utf-8', 'gb18030'] as const;
/** UTF-8, or GB18030 for older switches: it contains GBK and GB2312, so one name serves the three. */
export type Charset = (typeof CHARSETS)[number];

/** Decoded to text first, then split. */
export const TEXT_CODEC_NAMES = ['delimited', 'key_value', 'json', 'xml'] as const;
/** Split as bytes, then each field decoded: a length or a column counts bytes. Set by an operator, never guessed. */
export const BINARY_CODEC_NAMES = ['length_prefixed', 'fixed'] as const;
export const CODEC_NAMES = [...TEXT_CODEC_NAMES, ...BINARY_CODEC_NAMES] as const;
export type TextCodecName = (typeof TEXT_CODEC_NAMES)[number];
export type BinaryCodecName = (typeof BINARY_CODEC_NAMES)[number];
export type CodecName = (typeof CODEC_NAMES)[number];

export const LENGTH_BYTES = [1, 2, 4] as const;
export type LengthBytes = (typeof LENGTH_BYTES)[number];
export const BYTE_ORDERS = ['big', 'little'] as const;
export type ByteOrder = (typeof BYTE_ORDERS)[number];

/** How a source writes. Plain JSON, stored with the source. */
export interface CodecSettings {
  readonly codec: CodecName;
  /** delimited: between fields; key_value: between pairs; others: unused. 1 to 4 bytes; `,` when absent. */
  readonly delimiter?: string;
  readonly charset: Charset;
  /** delimited: a field may stand in double quotes, a quote inside it doubled. Off when absent. */
  readonly quoted?: boolean;
  /** length_prefixed: bytes of the length before each field; 1 when absent. */
  readonly lengthBytes?: LengthBytes;
  /** length_prefixed: order of those bytes; `big` when absent. */
  readonly byteOrder?: ByteOrder;
  /** fixed: bytes of each of the eight fields, in the order of the request. */
  readonly widths?: readonly number[];
}

/** Codec and options without the charset. */
export type Shape = Omit<CodecSettings, 'charset'>;
export type TextShape = Shape & { readonly codec: TextCodecName };

export const DEFAULT_DELIMITER = ',';

/**
 * How the datagram was written: all the ack needs to mirror it. Each string holds bytes, one character (0-255) a
 * byte, exactly as received; plain JSON, so it survives the spool.
 */
export interface AckMirror {
  readonly codec: CodecName;
  /**
   * The Call ID as received: with its key in key_value (`CallID=a1`) and json (`"CallID":"a1"`), with its tags in xml, its
   * quotes where it is quoted, its length in length_prefixed, its padding in fixed.
   */
  readonly callId: string;
  /** The Serial Number in the same form; in json its raw token, so a number stays a number. */
  readonly serial: string;
  /** What stands between the two in the ack. */
  readonly delimiter: string;
  /** What ended the datagram: '', NUL, LF, CR LF, or a line end and NUL. Padding with NULs is mirrored as one. */
  readonly terminator: string;
  /** What stands before and after the two in json and xml; nothing when absent. */
  readonly open?: string;
  readonly close?: string;
  /** The whole ack, where an operator set another form than the mirror (`withAckForm`). */
  readonly ack?: string;
}

/**
 * Why a datagram was not stored. `oversized` is decided by the transport, `rejected` by the store, `undetected` and
 * `ambiguous` by detection; the others name the first thing that did not hold.
 */
export const QUARANTINE_REASONS = [
  'empty',
  'oversized',
  'nul',
  'charset',
  'syntax',
  'fields',
  'call_id',
  'serial',
  'state',
  'number',
  'menu',
  'undetected',
  'ambiguous',
  'rejected',
] as const;
export type QuarantineReason = (typeof QUARANTINE_REASONS)[number];

export interface ParseFailure {
  readonly ok: false;
  readonly reason: QuarantineReason;
  /** One sentence for the operator. It never repeats a value: numbers are personal data. */
  readonly detail: string;
}

export type Parsed = { readonly ok: true; readonly report: Report; readonly mirror: AckMirror } | ParseFailure;

export const FIELD_NAMES = [
  'callId',
  'serial',
  'state',
  'callerNumber',
  'calleeNumber',
  'forwardNumber',
  'menuId',
  'menuName',
] as const;
/** The fields in the order of the request. */
export type FieldName = (typeof FIELD_NAMES)[number];

/** The fields as text, before their shape was looked at; a missing one is ''. */
export type RawFields = Readonly<Record<FieldName, string>>;

/** What a codec makes of decoded text. */
export type Reading = { readonly ok: true; readonly fields: RawFields; readonly mirror: AckMirror } | ParseFailure;

export function failure(reason: QuarantineReason, detail: string): ParseFailure {
  return { ok: false, reason, detail };
}

/** Whether text holds a control character other than tab: no field of a one-line datagram can. */
export function hasControl(text: string): boolean {
  return CONTROL.test(text);
}

const CONTROL = /[^\P{Cc}\t]/u;
