/** Settling: what nothing ordinary can change any more moves to history, and is told as a revision. */
import type { PrismaClient } from '../../generated/prisma/client.js';
import { Contended, faultOf } from '../faults.js';
import { tellSql, WRITTEN } from '../ledger/ledger-sql.js';

/** $1 what W has passed, $2 the instant of the write, $3 how many at most. */
const SETTLE = `/* settle */
with ${WRITTEN}, settled as (
  update call as stored set
    settled = true, revision = revision + 1, updated_at = $2::timestamptz,
    changed_tx = greatest(changed_tx, (select tx from written))
  from (
    select call_key as due_key, id as due_id from call_unsettled
    where settle_after <= $1::timestamptz and not awaits_facts
    order by settle_after limit $3
  ) as due
  where call_key = due_key and id = due_id and not settled and settle_after <= $1::timestamptz and not awaits_facts
  returning stored.*
), told as (
  ${tellSql('select *, false as superseded from settled')}
)
select count(*)::integer as settled from settled`;

/**
 * Settles calls whose end W has passed by H and that wait for no facts, `limit` at most, and returns how many it settled.
 * One that loses a deadlock is left to the next tick.
 * @param through what W has passed, ms since the epoch
 * @param now instant of the write, ms since the epoch
 */
export async function settle(prisma: PrismaClient, through: number, now: number, limit: number): Promise<number> {
  try {
    const instants = [through, now].map((ms) => new Date(ms).toISOString());
    const [answer] = await prisma.$queryRawUnsafe<{ settled: number }[]>(SETTLE, ...instants, limit);
    return answer?.settled ?? 0;
  } catch (error) {
    const fault = faultOf(error);
    if (fault instanceof Contended) return 0;
    throw fault;
  }
}
