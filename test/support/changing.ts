/** Changes calls as the ledger does: the row and its change in one statement, with a number of the feed. */
import type pg from 'pg';

/** Assignments that every change of a call makes. */
export const CHANGED = 'revision = revision + 1, changed_tx = greatest(changed_tx, (select tx from written))';
export const WRITTEN =
  'written as materialized (select pg_current_xact_id()::text::bigint + ahead as tx from change_base)';

/** Runs a statement that returns the call rows it changed. */
export type Change = (
  statement: string,
  values: readonly unknown[],
  superseded?: boolean,
  on?: pg.Pool | pg.PoolClient,
) => Promise<void>;

export async function changesOf(pool: pg.Pool): Promise<Change> {
  const { rows } = await pool.query<{ columns: string }>(
    `select string_agg(attname, ', ') as columns from pg_attribute
     where attrelid = 'call_change'::regclass and attnum > 0 and attname not in ('tx', 'at', 'superseded')`,
  );
  const repeated = rows[0]?.columns ?? '';
  return async (statement, values, superseded = false, on = pool) => {
    const told = `insert into call_change (tx, at, superseded, ${repeated})
      select changed_tx, now(), ${String(superseded)}, ${repeated} from changed`;
    await on.query(`with ${WRITTEN}, changed as (${statement}), told as (${told}) select 1`, [...values]);
  };
}
