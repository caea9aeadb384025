/** Parameters of a request as far as whoever asks may use them: read, judged and narrowed in one step, for every list there is. */
import type { Access } from '../access/access.js';
import { Forbidden } from '../access/denied.js';
import { type ParameterTable, readParameters, type ValuesOf } from './parameters.js';

/**
 * As `readParameters`; and a parameter that finds by number needs `numbers:clear`, since whoever can ask "is it this one?" has
 * no use for a mask; and `source` holds no source that the key is not bound to (an empty list finds nothing).
 * A table without `source` is narrowed by its reader, by `access.sources`.
 * @throws BadParameters, Forbidden
 */
export function readAdmitted<T extends ParameterTable>(
  access: Access,
  table: T,
  raw: Readonly<Record<string, unknown>>,
): ValuesOf<T> {
  if (!access.can('numbers:clear')) refuseNumbers(table, raw);
  const values = readParameters(table, raw);
  if (!Object.hasOwn(table, 'source')) return values;
  const { source } = values as { readonly source?: readonly string[] | undefined };
  return { ...values, source: access.among(source) };
}

/** Judged by what was given, before it is read: that a value is faulty would already be an answer. */
function refuseNumbers(table: ParameterTable, raw: Readonly<Record<string, unknown>>): void {
  const asked = Object.entries(table)
    .filter(([name, parameter]) => findsNumbers(parameter) && raw[name] !== undefined && raw[name] !== null)
    .map(([name]) => name);
  if (asked.length === 0) return;
  const reason = 'finds calls by numbers that are masked for this key';
  throw new Forbidden(`${asked.join(', ')} ${reason}; it needs the scope numbers:clear.`, 'numbers:clear');
}

function findsNumbers({ kind, clear }: ParameterTable[string]): boolean {
  return kind === 'number' || clear === true;
}
