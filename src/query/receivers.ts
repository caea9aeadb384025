/** The processes that receive, and which of them holds records back. */
import { Prisma } from '../generated/prisma/client.js';
import { RECEIVER_GONE_MS } from '../notification.js';
import { type Reads, at, rows, utc } from './sql.js';

/** Alive and further behind: it holds records back. Heartbeats come every second, batches take milliseconds. */
const BACKLOG_MS = 10_000;

export interface Receivers {
  readonly running: number;
  /** Name of the one furthest behind; null when none lags. */
  readonly heldBackBy: string | null;
  /** Up to when it has stored what it received. */
  readonly heldSince: Date | null;
}

/** One row, whatever receivers there are. */
export function receiversStatement(asOf: number): Prisma.Sql {
  const alive = Prisma.sql`stopped_at is null and beat_at > ${at(asOf - RECEIVER_GONE_MS)}`;
  return Prisma.sql`
    select running, late.name as "heldBackBy", ${utc('late.durable_through')} as "heldSince"
    from (select count(*)::int as running from receiver where ${alive}) counted
    left join lateral (
      select name, durable_through from receiver
      where ${alive} and durable_through < ${at(asOf - BACKLOG_MS)}
      order by durable_through, id limit 1) late on true`;
}

/** The receivers alive at `asOf`. */
export async function readReceivers(db: Reads, asOf: number): Promise<Receivers> {
  const [receivers] = await rows<Receivers>(db, receiversStatement(asOf));
  return receivers ?? { running: 0, heldBackBy: null, heldSince: null };
}
