/**
 * How a value of a call is written as a cell of CSV (RFC 4180) or of a line of JSON. PostgreSQL writes all it can, which takes it a
 * third of the time Node would need, and keeps the event loop free for acks; what it leaves to us are times, whose zones are
 * Node's everywhere, and numbers that are masked. The rule for texts so stands twice, and test/db/export.spec.ts compares the two.
 */
import type { Field } from '../field.js';

/** What a spreadsheet takes for the begin of a formula (OWASP, CSV injection), full-width forms included. */
const FORMULA = '^[=+@\\t\\r\\n＝＋－＠-]';
/** What has to stand in quotes or be looked at more closely: blank ends too, which some readers trim, and what is empty but known. */
const CARE = `[",\\r\\n]|^[ \\t]|[ \\t]$|^$|${FORMULA}`;
/** A telephone number, clear or masked: of digits and * alone nothing can be called or linked, so its + may stay. */
const PHONE = '^\\+[0-9*]+$';

const CARE_RULE = new RegExp(CARE);
const PHONE_RULE = new RegExp(PHONE);
const FORMULA_RULE = new RegExp(FORMULA);

/** A text as a cell: what could be a formula is told to be text by an apostrophe before it; the + of a number is kept. */
export function csvText(text: string): string {
  if (!CARE_RULE.test(text) || PHONE_RULE.test(text)) return text;
  return `"${FORMULA_RULE.test(text) ? "'" : ''}${text.replaceAll('"', '""')}"`;
}

/** The same in SQL; null stays null, which `concat` writes as nothing. */
function csvTextSql(column: string): string {
  return (
    `case when ${column} !~ '${CARE}' or ${column} ~ '${PHONE}' then ${column} ` +
    `else '"' || case when ${column} ~ '${FORMULA}' then '''' else '' end || replace(${column}, '"', '""') || '"' end`
  );
}

/** A column as expressions of SQL. */
export interface Cell {
  /** What is written where the texts of the row are simple, as they mostly are. */
  readonly simple: string;
  /** What is written wherever that is not known. */
  readonly careful: string;
  /** The column, where it is a text; null for what is always simple. */
  readonly text: string | null;
}

/** The cell of a column of CSV: an unknown value is empty. */
function csvCell({ kind }: Pick<Field, 'kind'>, column: string): Cell {
  if (kind === 'text') return { simple: column, careful: csvTextSql(column), text: column };
  const cell = kind === 'flag' ? `${column}::text` : column;
  return { simple: cell, careful: cell, text: null };
}

/** The value of a field of JSON; an unknown one is null. */
function jsonCell({ kind }: Pick<Field, 'kind'>, column: string): Cell {
  const quoted = `coalesce('"' || (${column}) || '"', 'null')`;
  if (kind === 'text') {
    return { simple: quoted, careful: `coalesce(to_json(${column})::text, 'null')`, text: column };
  }
  const cell = kind === 'uuid' || kind === 'enum' ? quoted : `coalesce(${column}::text, 'null')`;
  return { simple: cell, careful: cell, text: null };
}

export const CELLS = { csv: csvCell, ndjson: jsonCell } as const;

/** Where all texts of a row are simple, by one search through them: in CSV beside separators, since there their ends matter. */
const ALL_SIMPLE = {
  csv: (texts: string) =>
    `concat_ws(chr(31), '', ${texts}, '') !~ '[",\\r\\n]|\\x1f[\\x1f \\t=+@＝＋－＠-]|[ \\t]\\x1f'`,
  ndjson: (texts: string) => `concat(${texts}) !~ '["\\\\\\x01-\\x1f]'`,
} as const;

/**
 * Whether all of these texts are simple. One search through all of them costs less than one through each: 1.3 us a row of eight where
 * that is 3.1, of 9 in all.
 */
export function allSimpleSql(format: keyof typeof ALL_SIMPLE, texts: readonly string[]): string {
  return ALL_SIMPLE[format](texts.join(', '));
}
