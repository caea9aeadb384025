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

/** The cell of a column as an expression of SQL: an unknown value is empty. */
export function csvSql({ kind }: Pick<Field, 'kind'>, column: string): string {
  if (kind === 'text') return csvTextSql(column);
  return kind === 'flag' ? `${column}::text` : column;
}

/** The value of a field of JSON as an expression of SQL; an unknown one is null. */
export function jsonSql({ kind }: Pick<Field, 'kind'>, column: string): string {
  if (kind === 'text') return `coalesce(to_json(${column})::text, 'null')`;
  if (kind === 'uuid' || kind === 'enum') return `coalesce('"' || (${column}) || '"', 'null')`;
  return `coalesce(${column}::text, 'null')`;
}
