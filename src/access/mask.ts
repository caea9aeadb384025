/** Hides numbers from whoever may not see them. The one mask of the product: logs use it too (src/log.mask.ts). */
import { masked, maskedNumber } from '../log.mask.js';
import type { Access } from './access.js';

/** Fields that hold somebody's number, in every record of the contract that has them. */
export const NUMBER_FIELDS = ['callerNumber', 'calleeNumber', 'forwardNumber', 'callerE164', 'calleeE164'] as const;

/** A number as `access` may see it: clear with `numbers:clear`, else `+4420*****12`. */
export function shownNumber(access: Access, number: string | null): string | null {
  return number === null || access.can('numbers:clear') ? number : maskedNumber(number);
}

/** Free text that may hold a number, such as a state nobody knows: each run of digits that may be one is masked. */
export function shownText(access: Access, text: string): string {
  return access.can('numbers:clear') ? text : masked(text);
}

/** A record with its numbers as `access` may see them; fields it does not have are not added. */
export function shownRow<Row extends object>(access: Access, row: Row): Row {
  return access.can('numbers:clear') ? row : maskedRow(row);
}

/** The same for many; the list itself where nothing is hidden. */
export function shownRows<Row extends object>(access: Access, rows: readonly Row[]): readonly Row[] {
  return access.can('numbers:clear') ? rows : rows.map(maskedRow);
}

function maskedRow<Row extends object>(row: Row): Row {
  const hidden: Record<string, string> = {};
  for (const field of NUMBER_FIELDS) {
    const value: unknown = Reflect.get(row, field);
    if (typeof value === 'string') hidden[field] = maskedNumber(value);
  }
  return { ...row, ...hidden };
}
