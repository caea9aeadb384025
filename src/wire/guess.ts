/** What the bytes of one datagram suggest: ways of writing that detection never takes by itself, for the operator to try. */
import { decode } from './decode.js';
import { SHAPES } from './detect.js';
import { FIELD_NAMES } from './reading.js';
import type { Charset, Shape } from './reading.js';

/** Delimiters suggested at most: a Menu Name can hold many marks. */
const DELIMITERS_MAX = 8;
const DELIMITER_LENGTH_MAX = 4;

/** Shapes beyond those of detection that a datagram may have. */
export function shapesIn(bytes: Uint8Array, charset: Charset): readonly Shape[] {
  const decoded = decode(bytes, charset);
  const text = decoded.ok ? decoded.text : '';
  return delimitersIn(text).map((delimiter) => ({ codec: 'delimited', delimiter }));
}

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
    .filter((mark) => !known.has(mark) && text.split(mark).length >= FIELD_NAMES.length - 1)
    .sort((a, b) => b.length - a.length)
    .slice(0, DELIMITERS_MAX);
}

/** Neither letters, digits nor what numbers and keys are made of: what a delimiter may consist of. */
const MARKS = /[^\p{L}\p{N}=+*#]+/gu;
