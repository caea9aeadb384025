/** What the metrics say of the ledger: one statement, cheap whatever the ledger holds. */
import { Prisma, type PrismaClient } from '../generated/prisma/client.js';
import { RECEIVER_GONE_MS } from '../notification.js';
import { activeAt } from './active.js';
import { ReadUnavailable } from './faults.js';
import { at } from './sql.js';

/** What totals need of the client. */
export type TotalsClient = Pick<PrismaClient, '$queryRaw' | '$executeRaw' | '$transaction'>;

/** One number; what it is of stands in `what`, and `first` to `third` tell those of one kind apart. */
export interface Total {
  readonly what: 'gaps' | 'active' | 'quarantine' | 'sources' | 'heard' | 'durable';
  readonly first: string;
  readonly second: string;
  readonly third: string;
  readonly value: number;
}

/** Closed gaps are counted for as long: by the index on `opened_at`, however many years of them there are. */
const GAPS_MS = 86_400_000;
/** Sources told one by one; there are 100 labels, and these are the ones heard last. */
const SOURCES_MAX = 100;

/**
 * Reads the totals as of `now`, within `limitMs` of PostgreSQL's time.
 * @throws ReadUnavailable the database did not answer in time, or not at all
 */
export async function readTotals(db: TotalsClient, now: number, limitMs: number): Promise<readonly Total[]> {
  const gaps = Prisma.sql`
    select 'gaps' as what, kind as first, certainty as second, status as third, count(*)::float8 as value from (
      select kind, certainty, status from gap where opened_at >= ${at(now - GAPS_MS)}
      union all
      select kind, certainty, status from gap where status = 'open' and opened_at < ${at(now - GAPS_MS)}) counted
    group by 2, 3, 4`;
  const active = Prisma.sql`
    select 'active', '', '', '', count(*)::float8 from call where ${activeAt(now)}`;
  const heard = Prisma.sql`
    (select 'heard', key, '', '', extract(epoch from last_heard_at)::float8 from source
     where last_heard_at is not null order by last_heard_at desc limit ${SOURCES_MAX})`;
  const durable = Prisma.sql`
    select 'durable', '', '', '', extract(epoch from min(durable_through))::float8 from receiver
    where stopped_at is null and beat_at > ${at(now - RECEIVER_GONE_MS)} having count(*) > 0`;
  const statement = Prisma.sql`${gaps}
    union all ${active}
    union all select 'quarantine', '', '', '', count(*)::float8 from quarantine
    union all select 'sources', '', '', '', count(*)::float8 from source
    union all ${heard}
    union all ${durable}`;
  try {
    const limit = Prisma.sql`select set_config('statement_timeout', ${String(limitMs)}, true)`;
    const [, totals] = await db.$transaction([db.$queryRaw(limit), db.$queryRaw<Total[]>(statement)]);
    return totals;
  } catch (error) {
    throw new ReadUnavailable(error);
  }
}
