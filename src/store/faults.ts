import { RowRejected, StoreUnavailable } from '../ingest/ports.js';

/** A write that lost against another receiver's: to be tried again from the start. */
export class Contended extends Error {
  override readonly name = 'Contended';
}

/**
 * A row that a check refused: of its table, and then it is refused again; or of the default partition, because the partition
 * of its day was attached while it waited for the lock, and sent again it goes there.
 */
export class CheckFailed extends RowRejected {}

/** 22012 is ours: the guard of `writeSql`. The others: a row moved to the other partition, or a deadlock, meanwhile. */
const CONTENDED = new Set(['22012', '40001', '40P01']);

/** Data exceptions and integrity violations: some row's values, not the database's state. */
const REJECTED = /^2[23]/;

/**
 * What a failed statement means for the batch: `Contended`, `RowRejected`, or, for everything else (no connection,
 * shutdown, no room, a timeout, a missing table), `StoreUnavailable`. Of the database's message nothing is kept but its
 * SQLSTATE, since it may quote numbers of callers.
 */
export function faultOf(error: unknown): Contended | RowRejected | StoreUnavailable {
  const code = sqlState(error);
  if (code !== null && CONTENDED.has(code)) return new Contended(`another receiver wrote first (${code})`);
  if (code === '23514') return new CheckFailed('PostgreSQL refused a row (23514)');
  if (code !== null && REJECTED.test(code)) return new RowRejected(`PostgreSQL refused a row (${code})`);
  return new StoreUnavailable(`the database is not available (${code ?? kindOf(error)})`);
}

/** The five characters PostgreSQL names an error by, wherever the client put them; null when there are none. */
export function sqlState(error: unknown, depth = 0): string | null {
  if (typeof error !== 'object' || error === null || depth > 6) return null;
  for (const field of ['originalCode', 'code']) {
    const value: unknown = Reflect.get(error, field);
    if (typeof value === 'string' && /^[0-9A-Z]{5}$/.test(value) && !/^P[12]\d{3}$/.test(value)) return value;
  }
  for (const field of ['cause', 'meta', 'driverAdapterError']) {
    const found = sqlState(Reflect.get(error, field), depth + 1);
    if (found !== null) return found;
  }
  return null;
}

function kindOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown';
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? code : error instanceof Error ? error.name : 'unknown';
}
