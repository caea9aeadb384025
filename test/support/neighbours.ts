/**
 * Transactions in databases of other tests, and autovacuum's in this one. Their numbers are the cluster's, so they hold back
 * whoever reads changes (docs/adr/0012-changes-feed.md), and what a test has just written is told once those under way have ended.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

/** Resolves when every such transaction that began before now has ended; 10 s at most. */
export async function neighboursDone(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ through: string }>(
    'select pg_snapshot_xmax(pg_current_snapshot())::text as through',
  );
  for (let tries = 0; tries < 1_000; tries++) {
    const { rowCount } = await pool.query(
      `select from pg_stat_activity where (datname <> current_database() or backend_type <> 'client backend')
         and backend_xid::text::bigint < $1 limit 1`,
      [rows[0]?.through],
    );
    if (rowCount === 0) return;
    await sleep(10);
  }
  throw new Error('a transaction of another has run for 10 s');
}
