/** Signs of life of receivers, and the spans in which none served or one dropped: facts, with the gaps they make. */
import { v5 as uuidv5 } from 'uuid';
import type { Outage } from '../../delivery/facts.js';
import type { PrismaClient } from '../../generated/prisma/client.js';
import type { Beat, LastSigns, Overflow, OverflowKnown } from '../../ingest/sweep/sweep.ports.js';
import { StoreUnavailable } from '../../ingest/ports.js';
import { type Gap, RECEIVER_GONE_MS } from '../../notification.js';
import { Contended, faultOf } from '../faults.js';
import { type Runs, upsertGaps } from './gaps.js';

export async function lastSigns(db: Runs, receiverId: string, now: number): Promise<LastSigns> {
  const [row] = await db.$queryRaw<{ alive_at: Date | null; may_serve: boolean }[]>`
    select max(coalesce(stopped_at, beat_at)) as alive_at,
      coalesce(bool_or(id <> ${receiverId}::uuid and stopped_at is null
        and beat_at > ${new Date(now - RECEIVER_GONE_MS)}), false) as may_serve
    from receiver`;
  return { aliveAt: row?.alive_at?.getTime() ?? null, mayServe: row?.may_serve ?? false };
}

export async function beat(db: Runs, receiverId: string, now: number, durableThrough: number): Promise<Beat> {
  const durable = new Date(durableThrough);
  const [row] = await db.$queryRaw<{ others_at: Date | null; through: Date | null }[]>`
    with others as (
      select max(coalesce(stopped_at, beat_at)) as others_at,
        min(durable_through) filter (where stopped_at is null and beat_at > ${new Date(now - RECEIVER_GONE_MS)}) as others_through
      from receiver where id <> ${receiverId}::uuid
    ), beat as (
      insert into receiver as own (id, name, started_at, beat_at, durable_through)
      values (${receiverId}::uuid, '', ${new Date(now)}, ${new Date(now)}, ${durable})
      on conflict (id) do update
      set beat_at = excluded.beat_at, durable_through = excluded.durable_through, stopped_at = null
    )
    select others_at, least(others_through, ${durable}) as through from others`;
  return { through: row?.through?.getTime() ?? durableThrough, othersAliveAt: row?.others_at?.getTime() ?? null };
}

/** A receiver that stopped on purpose served until it stopped reading; what it had read was stored later still. */
export async function stopped(db: Runs, receiverId: string, now: number, servedUntil: number | null): Promise<void> {
  const until = servedUntil === null ? null : new Date(Math.min(servedUntil, now));
  await db.$executeRaw`
    update receiver set stopped_at = coalesce(${until}::timestamptz, beat_at), beat_at = ${new Date(now)},
      durable_through = ${new Date(now)}
    where id = ${receiverId}::uuid`;
}

/** A fact that lost against another transaction is to be tried again, as one that found the database away. */
async function declared(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    // No word of PostgreSQL's: the fact itself makes no sense, and never will.
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    const fault = faultOf(error);
    throw fault instanceof Contended ? new StoreUnavailable(fault.message) : fault;
  }
}

/** @throws StoreUnavailable | RowRejected */
export async function declareOutage(
  prisma: PrismaClient,
  receiverId: string,
  span: Outage,
  gap: (sourceKey: string) => Gap,
): Promise<void> {
  const id = uuidv5(`outage\u0000${String(span.from)}`, receiverId);
  await declared(async () => {
    const keys = await prisma.$queryRaw<{ key: string }[]>`select key from source`;
    await prisma.$transaction([
      prisma.$executeRaw`
        insert into outage (id, receiver_id, start_at, end_at)
        values (${id}::uuid, ${receiverId}::uuid, ${new Date(span.from)}, ${new Date(span.to)})
        on conflict (id) do update set end_at = greatest(outage.end_at, excluded.end_at)`,
      upsertGaps(
        prisma,
        keys.map(({ key }) => gap(key)),
      ),
    ]);
  });
}

/**
 * The id is made from receiver, source, reason and start: a beat that is tried again writes the same row, grown.
 * @throws StoreUnavailable | RowRejected
 */
export function declareOverflow(
  prisma: PrismaClient,
  receiverId: string,
  overflows: readonly Overflow[],
  gaps: (known: OverflowKnown) => readonly Gap[],
): Promise<void> {
  const sent = overflows.map((one) => ({
    ...one,
    id: uuidv5(['overflow', one.sourceKey ?? '', one.reason, String(one.from)].join('\u0000'), receiverId),
  }));
  const minute = Math.floor(Math.min(...overflows.map(({ from }) => from)) / 60_000) * 60_000;
  const write = async (tx: Runs): Promise<void> => {
    await tx.$executeRaw`
      insert into overflow as known (id, receiver_id, source_key, reason, start_at, end_at, dropped, received)
      select id, ${receiverId}::uuid, "sourceKey", reason, to_timestamp("from" / 1000.0), to_timestamp("to" / 1000.0),
        dropped, received
      from json_to_recordset(${JSON.stringify(sent)}::json) as sent
        (id uuid, "sourceKey" text, reason text, "from" bigint, "to" bigint, dropped bigint, received bigint)
      on conflict (id) do update set end_at = greatest(known.end_at, excluded.end_at),
        dropped = greatest(known.dropped, excluded.dropped), received = greatest(known.received, excluded.received)`;
    const loss = await tx.$queryRaw<{ key: string; p: number | null }[]>`
      select key, p from source left join lateral (
        select coalesce(p_mean, p) as p from loss_window where source_key = key order by start_at desc limit 1) as network on true`;
    const known = {
      overflows: await overflowsSince(tx, minute, 'start_at'),
      loss: new Map(loss.map(({ key, p }) => [key, p ?? 0])),
    };
    const rows = gaps(known);
    if (rows.length > 0) await upsertGaps(tx, rows);
  };
  return declared(() => prisma.$transaction(write));
}

/** Overflows that begin, or end, at an instant or later, in order of time; one that begins later ends later, and there is an index of ends. */
export async function overflowsSince(db: Runs, since: number, by: 'start_at' | 'end_at'): Promise<readonly Overflow[]> {
  const rows = await db.$queryRawUnsafe<
    { source_key: string | null; reason: string; start_at: Date; end_at: Date; dropped: bigint; received: bigint }[]
  >(
    `select source_key, reason, start_at, end_at, dropped, received from overflow
     where ${by} >= $1 and end_at >= $1 order by end_at, id`,
    new Date(since),
  );
  return rows.map((row) => ({
    ...{ sourceKey: row.source_key, reason: row.reason, from: row.start_at.getTime(), to: row.end_at.getTime() },
    ...{ dropped: Number(row.dropped), received: Number(row.received) },
  }));
}
