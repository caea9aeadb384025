/** How a value of a call, as PostgreSQL prints it, is written as a cell of CSV (RFC 4180) or as a value of JSON. */
import type { Kind } from '../field.js';

/** What a spreadsheet takes for the begin of a formula (OWASP, CSV injection), full-width forms included. */
const FORMULA = /^[=+@\t\r\n＝＋－＠-]/;
/** What has to stand in quotes or be looked at more closely: blank ends too, which some readers trim, and what is empty but known. */
const CARE = /[",\r\n]|^[ \t]|[ \t]$|^$|^[=+@＝＋－＠-]/;
/** A telephone number, clear or masked: of digits and * alone nothing can be called or linked, so its + may stay. */
const PHONE = /^\+[0-9*]+$/;

/** A text as a cell: what could be a formula is told to be text by an apostrophe before it; the + of a number is kept. */
export function csvText(text: string): string {
  if (!CARE.test(text) || PHONE.test(text)) return text;
  return `"${FORMULA.test(text) ? "'" : ''}${text.replaceAll('"', '""')}"`;
}

/** What JSON text holds only as escapes, and a few control characters more. */
const ESCAPED = /["\\\p{Cc}]/u;

function jsonText(text: string): string {
  return ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** What is done to a value to write it; null: nothing. */
export type Finish = ((printed: string) => string) | null;

function flag(printed: string): string {
  return printed === 't' ? 'true' : 'false';
}

/** By the kind of a field; `time` writes an instant. */
export const CELLS = {
  csv: (kind: Kind, time: (printed: string) => string): Finish =>
    ({ text: csvText, flag, instant: time, uuid: null, enum: null, span: null, count: null, ratio: null, bytes: null })[
      kind
    ],
  ndjson: (kind: Kind, time: (printed: string) => string): Finish => {
    const quoted = (printed: string): string => `"${printed}"`;
    const numeric = { span: null, count: null, ratio: null };
    const instant = (printed: string): string => `"${time(printed)}"`;
    return { text: jsonText, flag, instant, uuid: quoted, enum: quoted, bytes: quoted, ...numeric }[kind];
  },
} as const;
