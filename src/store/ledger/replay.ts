import type { PrismaClient } from '../../generated/prisma/client.js';
import type { QuarantinedDatagram } from '../../ingest/ports.js';
import type { ReplayStore } from '../../ingest/operator/replay.ports.js';
import { faultOf } from '../faults.js';

interface StoredRow extends Omit<QuarantinedDatagram, 'receivedAt' | 'lastReceivedAt'> {
  readonly receivedAt: Date;
  readonly lastReceivedAt: Date;
}

/** Quarantine read again, in PostgreSQL. */
export class PgReplayStore implements ReplayStore {
  constructor(private readonly prisma: PrismaClient) {}

  async page(sourceKey: string, after: string | null, limit: number): Promise<readonly QuarantinedDatagram[]> {
    try {
      const rows = await this.prisma.$queryRaw<StoredRow[]>`
        select id::text, received_at as "receivedAt", last_received_at as "lastReceivedAt", copies,
          source_key as "sourceKey", address, reason, detail, bytes, length
        from quarantine
        where source_key = ${sourceKey} and (${after}::uuid is null or id > ${after}::uuid)
        order by id limit ${limit}`;
      return rows.map((row) => ({
        ...row,
        receivedAt: row.receivedAt.getTime(),
        lastReceivedAt: row.lastReceivedAt.getTime(),
      }));
    } catch (error) {
      throw faultOf(error);
    }
  }

  /** A book that has passed the receipts would never see them: it starts anew, as when a meaning changes. */
  async leave(sourceKey: string, ids: readonly string[], at: number): Promise<number> {
    try {
      return await this.prisma.$transaction(async (tx) => {
        const gone = await tx.$queryRaw<{ receivedAt: Date }[]>`
          delete from quarantine where id = any(${[...ids]}::uuid[]) and source_key = ${sourceKey}
          returning received_at as "receivedAt"`;
        const oldest = gone.reduce((least, row) => Math.min(least, row.receivedAt.getTime()), at);
        await fillGaps(
          tx,
          sourceKey,
          gone.map((row) => row.receivedAt),
          at,
        );
        await tx.$executeRaw`
          update source set meaning_version = meaning_version + 1,
            book = case when processed_through >= ${new Date(oldest)} then null else book end,
            processed_through = case when processed_through >= ${new Date(oldest)} then null else processed_through end
          where key = ${sourceKey} and meaning_version > 0`;
        return gone.length;
      });
    } catch (error) {
      throw faultOf(error);
    }
  }
}

/**
 * A quarantine gap stands for the rows of one minute (`declareQuarantine`). It is filled once as many have left it as it
 * counted: rows that were dropped to make room never leave, and are missing still.
 */
async function fillGaps(
  tx: Pick<PrismaClient, '$executeRaw'>,
  sourceKey: string,
  receivedAt: readonly Date[],
  at: number,
): Promise<void> {
  await tx.$executeRaw`
    with gone as (
      select date_trunc('minute', received_at) as minute, count(*) as datagrams
      from unnest(${[...receivedAt]}::timestamptz[]) as received_at group by minute
    )
    update gap set estimated_lost = greatest(0, estimated_lost - datagrams),
      status = case when estimated_lost <= datagrams then 'filled' else status end,
      closed_at = case when estimated_lost <= datagrams then ${new Date(at)} else closed_at end,
      detail = case when estimated_lost <= datagrams
        then 'every quarantined datagram of this time was read again and stored' else detail end
    from gone
    where source_key = ${sourceKey} and kind = 'quarantine' and from_at = minute and status <> 'filled'`;
}
