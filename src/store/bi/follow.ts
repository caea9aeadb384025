/** Which hours are to be counted again: those that changed calls are in, or were in before the change. */
import type { SqlRunner } from '../upkeep/partitions.js';

/** A call's former revision is looked for this far back at first: partitions are days, and looking through a year of them takes long. */
const LOOK_BACK_MS = 3 * 86_400_000;

const PLACE = 'tx, call_key, id, revision';

/** Times of a call that say from when until when it went on; `last` is where a call that has not ended goes on until. */
const TIMES = 'first_seen_at, ringing_at, answered_at, ended_at, presumed_ended_at';
function hoursOf(touched: string, last: string): string {
  return `select distinct hour from (${touched}) as touched, generate_series(
      date_trunc('hour', least(first_seen_at, ringing_at, answered_at), 'UTC'),
      greatest(first_seen_at, coalesce(ended_at, presumed_ended_at, ${last}::timestamptz)), interval '1 hour') as hour`;
}

/**
 * $1 how many changes at most, $2 how far back former revisions are looked for, $3 now. Only below the oldest transaction that still runs:
 * of those all changes are visible, and whatever is written later comes after them (docs/adr/0012-changes-feed.md).
 */
const FOLLOW = `
with place as (
  select ${PLACE} from rollup_place
), page as materialized (
  select ${PLACE}, ${TIMES} from call_change
  where (${PLACE}) > (${PLACE.split(', ')
    .map((column) => `(select ${column} from place)`)
    .join(', ')})
    and tx < (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint + ahead from change_base)
  order by ${PLACE} limit $1
), former as materialized (
  select page.call_key, page.id, page.revision, ${TIMES.replaceAll(/\w+/g, 'change.$&')}
  from page join call_change as change on change.call_key = page.call_key and change.id = page.id
    and change.revision = page.revision - 1 and change.at >= $2::timestamptz
  where page.revision > 1
), noted as (
  insert into rollup_due (hour_start)
  ${hoursOf(`select ${TIMES} from page union all select ${TIMES} from former`, '$3')}
  on conflict (hour_start) do nothing
), moved as (
  update rollup_place set tx = last.tx, call_key = last.call_key, id = last.id, revision = last.revision
  from (select ${PLACE} from page order by tx desc, call_key desc, id desc, revision desc limit 1) as last
)
select (select count(*) from page)::integer as changes, array(
  select page.id::text from page left join former using (call_key, id, revision)
  where page.revision > 1 and former.id is null) as unfound, array(
  select page.call_key::text from page left join former using (call_key, id, revision)
  where page.revision > 1 and former.id is null) as "unfoundKeys"`;

/** Former revisions that are older than that, wherever they are: $1 call keys, $2 ids, $3 now. */
const NOTE_OLD = `
insert into rollup_due (hour_start)
${hoursOf(`select ${TIMES} from unnest($1::uuid[], $2::uuid[]) as asked (call_key, id) join call_change using (call_key, id)`, '$3')}
on conflict (hour_start) do nothing`;

/**
 * Notes the hours that the next changes touch, and moves the place behind them. To be called in a transaction, by one process at a time.
 * @param now ms since the epoch
 * @returns how many changes it looked at
 */
export async function noteChangedHours(db: SqlRunner, now: number, limit: number): Promise<number> {
  const since = new Date(now - LOOK_BACK_MS).toISOString();
  const [found] = await db.$queryRawUnsafe<
    { changes: number; unfound: readonly string[]; unfoundKeys: readonly string[] }[]
  >(FOLLOW, limit, since, new Date(now).toISOString());
  if (found === undefined) return 0;
  if (found.unfound.length > 0)
    await db.$executeRawUnsafe(NOTE_OLD, found.unfoundKeys, found.unfound, new Date(now).toISOString());
  return found.changes;
}
