/** What the bytes of one datagram suggest: ways of writing that detection never takes by itself, for the operator to try. */
import { asBuffer, decode } from '../text/decode.js';
import { SHAPES } from './detect.js';
import { BYTE_ORDERS, FIELD_NAMES, LENGTH_BYTES } from '../reading.js';
import type { Charset, Shape } from '../reading.js';

/** Delimiters suggested at most: a Menu Name can hold many marks. */
const DELIMITERS_MAX = 8;
const DELIMITER_LENGTH_MAX = 4;
/** Marks looked at: each costs a pass over the text. */
const MARKS_MAX = 200;

/** Shapes beyond those of detection that a datagram may have. */
export function shapesIn(bytes: Uint8Array, charset: Charset): readonly Shape[] {
  const decoded = decode(bytes, charset);
  const text = decoded.ok ? decoded.text : '';
  const delimited = delimitersIn(text).map((delimiter) => ({ codec: 'delimited' as const, delimiter }));
  const known = SHAPES.filter(({ codec }) => codec === 'delimited');
  const quoted = text.includes('"') ? [...known, ...delimited].map((shape) => ({ ...shape, quoted: true })) : [];
  const widths = columnsIn(bytes);
  return [
    ...delimited,
    ...quoted,
    ...LENGTH_PREFIXES,
    ...(widths === null ? [] : [{ codec: 'fixed' as const, widths }]),
  ];
}

/** One byte has no order. */
const LENGTH_PREFIXES: readonly Shape[] = LENGTH_BYTES.flatMap((lengthBytes) =>
  (lengthBytes === 1 ? (['big'] as const) : BYTE_ORDERS).map((byteOrder) => ({
    codec: 'length_prefixed' as const,
    lengthBytes,
    byteOrder,
  })),
);

/**
 * The widths of eight columns, where each field is there and something fills its column up: a NUL, or two blanks or more.
 * One datagram says no more: an empty field hides where its column begins.
 */
function columnsIn(bytes: Uint8Array): readonly number[] | null {
  const text = asBuffer(bytes).toString('latin1');
  const starts = [...text.matchAll(COLUMN)].map(({ index }) => index);
  if (starts[0] !== 0 || starts.length !== FIELD_NAMES.length) {
    return null;
  }
  return starts.map((start, at) => (starts[at + 1] ?? text.length) - start);
}

const COLUMN = /[^\0 ](?: ?[^\0 ])*/g;

/** Marks of one to four characters that occur often enough to stand between seven or eight fields. */
function delimitersIn(text: string): readonly string[] {
  const known = new Set(SHAPES.map(({ delimiter }) => delimiter));
  const marks = new Set<string>();
  for (const [run] of text.matchAll(MARKS)) {
    for (let length = 1; length <= Math.min(run.length, DELIMITER_LENGTH_MAX); length += 1) {
      marks.add(run.slice(0, length));
    }
  }
  return [...marks]
    .slice(0, MARKS_MAX)
    .filter((mark) => !known.has(mark) && text.split(mark).length >= FIELD_NAMES.length - 1)
    .sort((a, b) => b.length - a.length)
    .slice(0, DELIMITERS_MAX);
}

/** Neither letters, digits, quotes nor what numbers and keys are made of: what a delimiter may consist of. */
const MARKS = /[^\p{L}\p{N}=+*#"]+/gu;
