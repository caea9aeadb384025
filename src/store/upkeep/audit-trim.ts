/** The audit trail, kept as long as what it tells of. */
import type { PrismaClient } from '../../generated/prisma/client.js';

/** Few enough that a statement is short: whoever writes to the trail waits for none of them. */
const ROWS_AT_ONCE = 10_000;
/** Of one round, an hour's: a hundred keys on a hundred routes write 600,000 rows in it at most. */
export const ROWS_MAX = 1_000_000;

/** Deletes what was written before an instant, the oldest first, and returns how many rows it was; the rest waits for the next round. */
export async function trimAudit(
  prisma: PrismaClient,
  before: number,
  rowsAtOnce = ROWS_AT_ONCE,
  rowsMax = ROWS_MAX,
): Promise<number> {
  let deleted = 0;
  while (deleted < rowsMax) {
    const rows = await prisma.$executeRaw`
      delete from audit where id in (
        select id from audit where at < ${new Date(before).toISOString()}::timestamptz order by at limit ${rowsAtOnce})`;
    deleted += rows;
    if (rows < rowsAtOnce) break;
  }
  return deleted;
}
