/** What the sweep reads of the raw notifications of a source: for its book, and to learn what its serials mean. */
import type { Received } from '../../delivery/book.js';
import type { Mature, SampledSerial } from '../../delivery/meaning.js';
import type { PrismaClient } from '../../generated/prisma/client.js';
import type { AloneFor } from '../../ingest/sweep/sweep.ports.js';
import type { WireState } from '../../notification.js';

/** A serial that is a number. */
const DECIMAL = /^\d{1,38}$/;

const EPOCH_MS = '(extract(epoch from first_at) * 1000)::bigint';

/** See `SweepStore.received`. */
export async function received(
  prisma: PrismaClient,
  sourceKey: string,
  span: { readonly after: number | null; readonly through: number },
  alone: AloneFor | null,
  limit: number,
): Promise<readonly Received[]> {
  const seconds = ({ ringingMs, laterMs }: AloneFor): string =>
    `case when taken.state in ('ringing', '180', '183') then ${String(ringingMs / 1000)} else ${String(laterMs / 1000)} end`;
  // The serial is kept from the index: with it there PostgreSQL 18 skips through all sources by time instead of looking up the Call ID, and of
  // 28,000 notifications compared each with all that came before it, for minutes.
  const counts =
    alone === null
      ? 'true'
      : `not exists (select 1 from notification as before where before.call_key = taken.call_key
             and before.serial || '' = taken.serial and before.first_at < taken.first_at
             and before.first_at > taken.first_at - make_interval(secs => ${seconds(alone)}))`;
  const rows = await asOneText<[string, number, number, boolean]>(
    prisma,
    `json_build_array(serial, ${EPOCH_MS}, idle_ms, ${counts}) order by first_at`,
    `where source_key = $1 and first_at > $2 and first_at <= $3 order by first_at limit $4`,
    [sourceKey, new Date(span.after ?? 0), new Date(span.through), limit],
  );
  return rows.map(([serial, firstAt, idleMs, counted]) => ({
    serial: DECIMAL.test(serial) ? BigInt(serial) : null,
    firstAt,
    idleMs,
    counts: counted,
  }));
}

/** See `SweepStore.recent`. */
export async function recent(
  prisma: PrismaClient,
  sourceKey: string,
  through: number,
  limit: number,
): Promise<readonly SampledSerial[]> {
  const rows = await asOneText<[string, string, WireState, number]>(
    prisma,
    `json_build_array(call_key, serial, state, ${EPOCH_MS})`,
    `where source_key = $1 and first_at <= $2 order by first_at desc limit $3`,
    [sourceKey, new Date(through), limit],
  );
  return rows.map(([callKey, serial, state, firstAt]) => ({ callKey, serial, state, firstAt }));
}

/** See `SweepStore.mature`. */
export async function mature(
  prisma: PrismaClient,
  sourceKey: string,
  through: number,
  horizonMs: number,
  { calls, notifications }: { readonly calls: number; readonly notifications: number },
): Promise<Mature> {
  const ofCalls = await asOneText<[string, string, WireState, number]>(
    prisma,
    `json_build_array(call_key, serial, state, ${EPOCH_MS})`,
    `join (
         select call_key, min(first_seen_at) as begun_at from (
           select call_key, first_seen_at from call where source_key = $1 and first_seen_at <= $2
           order by first_seen_at desc limit $3) as newest
         group by call_key) as begun using (call_key)
       where first_at >= begun_at and first_at <= $4`,
    [sourceKey, new Date(through - horizonMs), calls, new Date(through)],
  );
  const stream = await asOneText<[string, number]>(
    prisma,
    `json_build_array(serial, ${EPOCH_MS})`,
    `where source_key = $1 and first_at <= $2 order by first_at desc limit $3`,
    [sourceKey, new Date(through), notifications],
  );
  return {
    calls: ofCalls.map(([callKey, serial, state, firstAt]) => ({ callKey, serial, state, firstAt })),
    stream: stream.map(([serial, firstAt]) => ({ serial, firstAt })),
  };
}

/** Raw rows as one text: Prisma decodes results value by value, 30 us a row against 1 us. */
async function asOneText<Row>(
  prisma: PrismaClient,
  row: string,
  which: string,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  const [answer] = await prisma.$queryRawUnsafe<{ found: string }[]>(
    `select coalesce(json_agg(${row}), '[]')::text as found
       from (select call_key, serial, state, first_at, idle_ms from notification ${which}) as taken`,
    ...values,
  );
  return JSON.parse(answer?.found ?? '[]') as Row[];
}
