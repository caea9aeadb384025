/** Gaps of sources, and the spans of time among them whose deadline has passed. */
import type { Span } from '../../delivery/facts.js';
import type { PrismaClient } from '../../generated/prisma/client.js';
import type { DueSpan } from '../../ingest/sweep/sweep.ports.js';
import { sourceLedgerKey } from '../../lifecycle/keys.js';
import type { Gap, GapCertainty, GapKind, GapStatus } from '../../notification.js';
import { GAP_COLUMNS, gapRow, rowArray } from '../ledger/rows.js';

/** A client, or a transaction of one. */
export type Runs = Pick<PrismaClient, '$executeRaw' | '$executeRawUnsafe' | '$queryRaw' | '$queryRawUnsafe'>;

/**
 * A minute of quarantine is declared at each tick for as long as more may come of it. One that has closed opens again only with more; and a
 * sweep that read quarantine just before it was replayed does not open again what the replay has filled.
 */
const UPSERT_GAPS = `insert into gap select * from unnest($1::gap[])
  on conflict (ledger_key, id) do update set ${GAP_COLUMNS.slice(2)
    .map((column) => `${column} = excluded.${column}`)
    .join(', ')}
  where gap.kind <> 'quarantine' or case gap.status
    when 'open' then (excluded.status, excluded.to_at, excluded.estimated_lost)
      is distinct from (gap.status, gap.to_at, gap.estimated_lost)
    when 'filled' then excluded.to_at > gap.closed_at
    else excluded.to_at > gap.to_at end`;

/** Writes gaps of sources as they stand now; each goes under its source's own ledger key. */
export function upsertGaps(db: Runs, gaps: readonly Gap[]): ReturnType<PrismaClient['$executeRawUnsafe']> {
  const rows = gaps.map((gap) => gapRow(gap.callKey ?? sourceLedgerKey(gap.sourceKey), gap));
  return db.$executeRawUnsafe(UPSERT_GAPS, rowArray(rows));
}

/** A gap of a source as PostgreSQL has it. */
interface GapRow {
  readonly id: string;
  readonly source_key: string;
  readonly kind: GapKind;
  readonly certainty: GapCertainty;
  readonly status: GapStatus;
  readonly from_at: Date;
  readonly to_at: Date | null;
  readonly opened_at: Date;
  readonly deadline_at: Date | null;
  readonly estimated_lost: number | null;
  readonly detail: string;
}

function gapOf(row: GapRow): Gap {
  return {
    ...{ id: row.id, sourceKey: row.source_key, callKey: null, callId: null, fromSerial: null, toSerial: null },
    ...{ kind: row.kind, certainty: row.certainty, status: row.status },
    ...{ from: row.from_at.getTime(), to: row.to_at?.getTime() ?? null, openedAt: row.opened_at.getTime() },
    ...{ deadlineAt: row.deadline_at?.getTime() ?? null, closedAt: null },
    ...{ estimatedLost: row.estimated_lost, detail: row.detail },
  };
}

export async function expireHoles(db: Runs, through: number): Promise<void> {
  await db.$executeRaw`
    update gap set status = 'lost', closed_at = deadline_at
    where status = 'open' and deadline_at < ${new Date(through)} and kind in ('serial', 'state')`;
}

/** How far back the rate of a source is measured before an outage or a silence, and over how many notifications at most. */
const RATE_OVER_MS = 600_000;
const RATE_ROWS = 20_000;

/** See `SweepStore.dueSpans`. A hole was sent inside when its span reaches into [from - H, to). */
export async function dueSpans(
  db: Runs,
  through: number,
  horizonMs: number,
  limit: number,
): Promise<readonly DueSpan[]> {
  const rows = await db.$queryRaw<
    (GapRow & { holes: number; p: number | null; heard: bigint | null; since: Date | null; served: Date | null })[]
  >`
    with due as (
      select * from gap as span
      where status = 'open' and deadline_at < ${new Date(through)} and kind not in ('serial', 'state')
        and not exists (select 1 from gap as hole where hole.source_key = span.source_key and hole.status = 'open'
          and hole.kind in ('serial', 'state') and hole.certainty = 'certain' and hole.from_at < span.to_at
          and hole.to_at > span.from_at - make_interval(secs => ${horizonMs / 1000}::double precision))
      order by deadline_at limit ${limit}
    ), served as (
      select ended.from_at, max(newest.at) as at
      from (
        -- What one that was killed took in after its last sign; of several that started after it the first ended the outage.
        select due.from_at, coalesce(min(outage.end_at), min(due.to_at)) as to_at
        from due left join outage on outage.start_at = due.from_at where due.kind = 'outage' group by due.from_at
      ) as ended cross join source cross join lateral (
        select max(first_at) as at from notification
        where source_key = source.key and first_at >= ended.from_at and first_at < ended.to_at) as newest
      group by ended.from_at
    )
    select due.*, coalesce(inside.lost, 0)::float8 as holes, network.p, rate.heard, rate.since, served.at as served
    from due
    left join lateral (
      select sum(coalesce(hole.estimated_lost, 1)) as lost from gap as hole
      where hole.source_key = due.source_key and hole.kind in ('serial', 'state') and hole.certainty = 'certain'
        and hole.status = 'lost' and hole.from_at < due.to_at
        and hole.to_at > due.from_at - make_interval(secs => ${horizonMs / 1000}::double precision)
    ) as inside on true
    left join lateral (
      select coalesce(p_mean, p) as p from loss_window where source_key = due.source_key order by start_at desc limit 1
    ) as network on true
    left join lateral (
      select count(*) as heard, min(first_at) as since from (
        select first_at from notification where source_key = due.source_key and first_at < due.from_at
          and first_at >= due.from_at - make_interval(secs => ${RATE_OVER_MS / 1000}::double precision)
        order by first_at desc limit ${RATE_ROWS}) as before
    ) as rate on due.kind in ('outage', 'silence')
    left join served on due.kind = 'outage' and served.from_at = due.from_at`;
  return rows.map((row) => ({
    gap: gapOf(row),
    holes: row.holes,
    heard: row.since === null ? null : { count: Number(row.heard), ms: row.from_at.getTime() - row.since.getTime() },
    servedUntil: row.served?.getTime() ?? null,
    p: row.p ?? 0,
  }));
}

/**
 * See `SweepStore.reviseSpans`. Holes are found by their span, whatever their source: those of one outage concern all sources alike, and
 * `gap_source_missing_idx` would walk through all that a source ever lost before it.
 */
export async function reviseSpans(db: Runs, since: number, horizonMs: number): Promise<void> {
  await db.$executeRaw`
    with span as materialized (
      select ledger_key, id, source_key, from_at - make_interval(secs => ${horizonMs / 1000}::double precision) as from_at, to_at
      from gap
      where kind in ('outage', 'overflow', 'silence') and status in ('lost', 'explained') and closed_at > ${new Date(since)}
    ), inside as (
      select hole.source_key, reach.from_at, reach.to_at, sum(coalesce(hole.estimated_lost, 1)) as lost
      from (select distinct from_at, to_at from span) as reach
      join gap as hole on (hole.status in ('open', 'lost') or hole.kind = 'outage')
        and tstzrange(hole.from_at, hole.to_at, '[]') && tstzrange(reach.from_at, reach.to_at, '()')
      where hole.status = 'lost' and hole.certainty = 'certain' and hole.kind in ('serial', 'state')
      group by hole.source_key, reach.from_at, reach.to_at
    ), revised as (
      select span.ledger_key, span.id, case when inside.lost > 0 then 'lost' else 'explained' end as status,
        coalesce(inside.lost, 0) as lost
      from span left join inside using (source_key, from_at, to_at)
    )
    update gap set status = revised.status,
      estimated_lost = case when gap.expected_lost is null then gap.estimated_lost else greatest(0, gap.expected_lost - revised.lost) end
    from revised
    where gap.ledger_key = revised.ledger_key and gap.id = revised.id and (gap.status <> revised.status
      or gap.estimated_lost <> greatest(0, gap.expected_lost - revised.lost))`;
}

/** Silences that are not broken yet. */
export async function openSilences(db: Runs): Promise<readonly Gap[]> {
  const rows = await db.$queryRaw<GapRow[]>`
    select * from gap where kind = 'silence' and status = 'open' and to_at is null`;
  return rows.map(gapOf);
}

/** See `SweepStore.hasSilence`. */
export async function hasSilence(db: Runs, sourceKey: string, span: Span): Promise<boolean> {
  const [row] = await db.$queryRaw<{ declared: boolean }[]>`
    select exists (select from gap where ledger_key = ${sourceLedgerKey(sourceKey)}::uuid and kind = 'silence'
      and from_at < ${new Date(span.to)} and (to_at is null or to_at > ${new Date(span.from)})) as declared`;
  return row?.declared === true;
}

/** One gap a minute and source: a source that cannot be read at all fills the quarantine, not the ledger. */
export async function declareQuarantine(
  db: Runs,
  since: number,
  gap: (sourceKey: string, span: Span, count: number) => Gap,
): Promise<void> {
  const rows = await db.$queryRaw<{ source_key: string; minute: Date; to_at: Date; datagrams: bigint }[]>`
    select source_key, date_trunc('minute', received_at) as minute, max(last_received_at) as to_at, count(*) as datagrams
    from quarantine
    where received_at >= date_trunc('minute', ${new Date(since)}::timestamptz)
    group by source_key, minute`;
  const gaps = rows.map((row) =>
    gap(row.source_key, { from: row.minute.getTime(), to: row.to_at.getTime() }, Number(row.datagrams)),
  );
  if (gaps.length > 0) await upsertGaps(db, gaps);
}
