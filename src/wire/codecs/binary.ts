/**
 * The binary codecs: eight fields as bytes, each decoded by itself, since a length and a column count bytes.
 *
 * `length_prefixed`: before each field its length in 1, 2 or 4 bytes. `fixed`: columns of set widths, filled up with
 * blanks or NULs. Both must fit to the byte: after the eighth field only a terminator may stand. Neither is ever guessed.
 */
import { asBuffer, terminatorAt, textOf } from '../text/decode.js';
import { FIELD_NAMES, failure, hasControl } from '../reading.js';
import type { Charset, CodecSettings, ParseFailure, RawFields, Reading } from '../reading.js';

const FIELD_COUNT = FIELD_NAMES.length;
/** The longest code of one character in either charset. */
const CHARACTER_BYTES_MAX = 4;

/** Where a field lies: its length or padding included from `from` to `to`, its text from `textFrom` on. */
interface Cell {
  readonly from: number;
  readonly textFrom: number;
  readonly to: number;
}

/**
 * Reads a datagram of length-prefixed fields. Fails with `empty`, `fields` (it ends before the eighth), `syntax` (a
 * length beyond the end, something after the eighth field, a control character), `nul` or `charset`.
 */
export function readLengthPrefixed(bytes: Uint8Array, settings: CodecSettings): Reading {
  const buffer = asBuffer(bytes);
  const { lengthBytes = 1, byteOrder = 'big' } = settings;
  const cells: Cell[] = [];
  let at = 0;
  while (cells.length < FIELD_COUNT) {
    const textFrom = at + lengthBytes;
    if (textFrom > buffer.length) {
      return tooFew(buffer, cells.length);
    }
    const length = byteOrder === 'big' ? buffer.readUIntBE(at, lengthBytes) : buffer.readUIntLE(at, lengthBytes);
    if (textFrom + length > buffer.length) {
      return failure('syntax', `the length of field ${String(cells.length + 1)} reaches beyond the end`);
    }
    cells.push({ from: at, textFrom, to: textFrom + length });
    at = textFrom + length;
  }
  return toReading(buffer, cells, settings);
}

/**
 * Reads a datagram of columns. Fails as the other, with `fields` too when the widths of eight fields are not set.
 */
export function readFixed(bytes: Uint8Array, settings: CodecSettings): Reading {
  const buffer = asBuffer(bytes);
  const { widths = [] } = settings;
  if (widths.length !== FIELD_COUNT) {
    return failure(
      'fields',
      `the widths of ${String(widths.length)} fields are set where ${String(FIELD_COUNT)} belong`,
    );
  }
  const cells: Cell[] = [];
  let at = 0;
  for (const width of widths) {
    if (at + width > buffer.length) {
      return tooFew(buffer, cells.length);
    }
    cells.push({ from: at, textFrom: at, to: at + width });
    at += width;
  }
  return toReading(buffer, cells, settings);
}

function tooFew(buffer: Buffer, count: number): ParseFailure {
  return buffer.length === 0
    ? failure('empty', 'no bytes')
    : failure('fields', `${String(count)} whole fields where ${String(FIELD_COUNT)} belong`);
}

function toReading(buffer: Buffer, cells: readonly Cell[], { codec, charset }: CodecSettings): Reading {
  const terminator = terminatorAt(buffer, cells.at(-1)?.to ?? 0);
  if (terminator === null) {
    return failure('syntax', 'something after the eighth field');
  }
  const texts: string[] = [];
  for (const [index, cell] of cells.entries()) {
    const text = cellText(buffer, cell, charset, index === FIELD_COUNT - 1 && codec === 'fixed');
    if (text === null) {
      return failure('charset', `not valid ${charset}`);
    }
    if (text.includes('\0')) {
      return failure('nul', 'a NUL byte before the end of a field');
    }
    if (hasControl(text)) {
      return failure('syntax', 'a line break or another control character inside');
    }
    texts.push(text);
  }
  const [callId, serial] = cells.map(({ from, to }) => buffer.toString('latin1', from, to));
  return {
    ok: true,
    fields: toFields(texts),
    mirror: { codec, callId: callId ?? '', serial: serial ?? '', delimiter: '', terminator },
  };
}

/** A field's text without the NULs that fill it up or end it; a name that fills its column may be cut in a character. */
function cellText(buffer: Buffer, { textFrom, to }: Cell, charset: Charset, mayBeCut: boolean): string | null {
  let end = to;
  while (end > textFrom && buffer[end - 1] === 0) {
    end -= 1;
  }
  const text = textOf(buffer.subarray(textFrom, end), charset);
  if (text !== null || !mayBeCut || end < to) {
    return text;
  }
  for (let cut = 1; cut < CHARACTER_BYTES_MAX && end - cut >= textFrom; cut += 1) {
    const shorter = textOf(buffer.subarray(textFrom, end - cut), charset);
    if (shorter !== null) {
      return shorter;
    }
  }
  return null;
}

function toFields(texts: readonly string[]): RawFields {
  const [callId = '', serial = '', state = '', callerNumber = '', calleeNumber = '', ...rest] = texts;
  const [forwardNumber = '', menuId = '', menuName = ''] = rest;
  return { callId, serial, state, callerNumber, calleeNumber, forwardNumber, menuId, menuName };
}
