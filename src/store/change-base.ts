/** Keeps the numbers of the changes feed going on when a dump is restored, and into another cluster, which counts anew. */
import type { PrismaClient } from '../generated/prisma/client.js';
import { sqlState } from './faults.js';

type Runner = Pick<PrismaClient, '$queryRawUnsafe' | '$executeRawUnsafe'>;

const INSUFFICIENT_PRIVILEGE = '42501';

/**
 * To be called at the start, before anything is written. Where this is another cluster or another database than before, or its
 * changes are numbered above the transactions of this one, `ahead` is raised above them and the epoch goes up: new changes come
 * after all there are, and a cursor made before is recognised (the dump may be older than what its reader has seen).
 * @returns whether the epoch went up
 */
export async function continueChanges(db: Runner): Promise<boolean> {
  const cluster = await clusterOf(db);
  const raised = await db.$executeRawUnsafe(
    `update change_base set
       epoch = epoch + 1, ahead = greatest(ahead, highest.tx + 1), cluster = coalesce($1::text, cluster)
     from (
       select greatest((select tx from call_change order by tx desc limit 1), (select tx from change_floor), 0) as tx
     ) as highest
     where (cluster <> '' and cluster <> $1::text and not starts_with($1::text, cluster || '/'))
       or highest.tx > ahead + pg_snapshot_xmax(pg_current_snapshot())::text::bigint`,
    cluster,
  );
  if (raised === 0) {
    await db.$executeRawUnsafe(`update change_base set cluster = $1::text where cluster <> $1::text`, cluster);
  }
  return raised > 0;
}

/**
 * Cluster and database, by what PostgreSQL calls them by: a dump restored within one cluster stands in another database. Null where the
 * role may not ask, as some hosts have it.
 */
async function clusterOf(db: Runner): Promise<string | null> {
  try {
    const [row] = await db.$queryRawUnsafe<{ cluster: string }[]>(
      `select system_identifier || '/' || oid as cluster from pg_control_system(), pg_database
       where datname = current_database()`,
    );
    return row?.cluster ?? null;
  } catch (error) {
    if (sqlState(error) === INSUFFICIENT_PRIVILEGE) return null;
    throw error;
  }
}
