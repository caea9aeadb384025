/** Who keeps committed changes back: the feed tells nothing above the oldest transaction that still runs. */
import { Prisma } from '../../generated/prisma/client.js';
import { type Reads, rows } from '../sql.js';

interface Holder {
  readonly pid: number;
  readonly application: string;
  readonly state: string | null;
}

/**
 * The oldest transaction in words.
 * @param since instant of the oldest change that is committed and not told
 */
export async function heldBackBy(db: Reads, since: Date): Promise<string> {
  const [holder] = await rows<Holder>(
    db,
    Prisma.sql`
      select pid, application_name as application, state from pg_stat_activity
      where backend_xid = pg_snapshot_xmin(pg_current_snapshot())::xid
      union all
      select 0, gid, 'prepared' from pg_prepared_xacts where transaction = pg_snapshot_xmin(pg_current_snapshot())::xid
      limit 1`,
  );
  return `${nameOf(holder)}, since ${since.toISOString()}`;
}

/** PostgreSQL shows only part of another role's transaction, and nothing of one that has just ended. */
function nameOf(holder: Holder | undefined): string {
  if (holder === undefined) return 'a transaction of PostgreSQL';
  const { pid, application, state } = holder;
  if (state === 'prepared') return `prepared transaction ${application}`;
  const told = [application, state].filter((one) => one !== null && one !== '').join(', ');
  return `transaction of PostgreSQL process ${String(pid)}${told === '' ? '' : ` (${told})`}`;
}
