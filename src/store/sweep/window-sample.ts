/** What the calls that ended in a loss window say of the network (docs/truth.md 12), without what we lost ourselves. */
import type { Span } from '../../delivery/facts.js';
import type { WindowSample } from '../../delivery/window.js';
import { Prisma, type PrismaClient } from '../../generated/prisma/client.js';
import { horizonMs, type Settings } from '../../notification.js';

/** The parameters that both statements share. */
interface Asked {
  readonly sourceKey: string;
  readonly from: Date;
  readonly to: Date;
  readonly deafFrom: readonly Date[];
  readonly deafTo: readonly Date[];
  /** H, in seconds. */
  readonly horizon: number;
  /** STALE_RINGING_S. */
  readonly ringing: number;
}

/** See `SweepStore.windowSample`. */
export async function windowSample(
  prisma: PrismaClient,
  sourceKey: string,
  window: Span,
  deaf: readonly Span[],
  settings: Settings,
): Promise<WindowSample> {
  const asked: Asked = {
    ...{ sourceKey, from: new Date(window.from), to: new Date(window.to) },
    deafFrom: deaf.map(({ from }) => new Date(from)),
    deafTo: deaf.map(({ to }) => new Date(to)),
    ...{ horizon: horizonMs(settings) / 1000, ringing: settings.staleRingingMs / 1000 },
  };
  const sample = await heard(prisma, asked);
  if (deaf.length === 0) return sample;
  const { pairs, missing } = await copiesBeside(prisma, asked, window, settings);
  return { ...sample, copyPairs: sample.copyPairs + pairs, copiesMissing: sample.copiesMissing + missing };
}

/** The times in which we were deaf, as rows of `deaf`. */
function deafTimes({ deafFrom, deafTo }: Asked): Prisma.Sql {
  return Prisma.sql`deaf as materialized (
      select start_at, end_at from unnest(${deafFrom}::timestamptz[], ${deafTo}::timestamptz[]) as deaf (start_at, end_at)
    )`;
}

/** Of a row of `call`: we may have lost something of it ourselves. */
function touchedByDeafness({ horizon, ringing }: Asked): Prisma.Sql {
  return Prisma.sql`exists (select from deaf where first_seen_at < end_at + make_interval(secs => ${ringing + horizon}::double precision)
          and coalesce(ended_at, presumed_ended_at) > start_at - make_interval(secs => ${horizon}::double precision))`;
}

/** All but the copies of calls that we may have lost something of. */
async function heard(prisma: PrismaClient, asked: Asked): Promise<WindowSample> {
  const { sourceKey, from, to, horizon } = asked;
  const [row] = await prisma.$queryRaw<{ sample: WindowSample }[]>`
    with ${deafTimes(asked)}, ended as (
      select loss_sample, disposition, end_provenance, ringing_at,
        not ${touchedByDeafness(asked)} as heard,
        not exists (select from deaf where least(ringing_at, coalesce(answered_at, ended_at)) >= start_at
          and least(ringing_at, coalesce(answered_at, ended_at)) < end_at + make_interval(secs => ${horizon}::double precision)) as ordered
      from call
      where source_key = ${sourceKey} and coalesce(ended_at, presumed_ended_at) >= ${from}
        and coalesce(ended_at, presumed_ended_at) < ${to}
    ), bins as (
      select bin, count(*) filter (where ordered and loss_sample[3] = 1 and loss_sample[4] = 0 and loss_sample[5] = bin) as ordered
      from generate_series(0, 7) as bin left join ended on true group by bin
    )
    select json_build_object(
      'copyPairs', coalesce(sum(loss_sample[1]) filter (where heard), 0),
      'copiesMissing', coalesce(sum(loss_sample[2]) filter (where heard), 0),
      'statesInverted', coalesce(sum(loss_sample[4]) filter (where ordered), 0),
      'orderedBins', (select json_agg(ordered order by bin) from bins),
      'serialsSeen', coalesce(sum(loss_sample[6]) filter (where heard), 0),
      'serialsLost', coalesce(sum(loss_sample[7]) filter (where heard), 0),
      'ended', count(*), 'answered', count(*) filter (where disposition = 'answered'),
      'rang', count(*) filter (where ringing_at is not null),
      'unansweredReported', count(*) filter (where disposition <> 'answered' and end_provenance = 'reported'),
      'unansweredPresumed', count(*) filter (where disposition <> 'answered' and end_provenance = 'presumed'),
      'answers', (select count(*) from notification
        where source_key = ${sourceKey} and first_at >= ${from} and first_at < ${to} and state = 'ok')
    ) as sample
    from ended`;
  if (row === undefined) throw new Error('an aggregate without a row');
  return row.sample;
}

/**
 * Copies of the calls left out above, but of notifications that were not received on both sides of a time in which we were deaf: without
 * them a source whose calls are long and whose receiver stops often would seem to lose nothing. As `sampleOf` counts them.
 */
async function copiesBeside(
  prisma: PrismaClient,
  asked: Asked,
  window: Span,
  { intervalMs, staleRingingMs, staleAnsweredMs }: Settings,
): Promise<{ readonly pairs: number; readonly missing: number }> {
  const { sourceKey, from, to, horizon } = asked;
  // No call is longer: partitions before and after are not looked at.
  const newest = new Date(window.to + horizon * 1000);
  const oldest = new Date(window.from - staleRingingMs - staleAnsweredMs - horizon * 1000);
  const [row] = await prisma.$queryRaw<{ pairs: number; missing: number }[]>`
    with ${deafTimes(asked)}, touched as (
      select call_key, first_seen_at,
        coalesce(ended_at, presumed_ended_at) + make_interval(secs => ${horizon}::double precision) as until_at
      from call
      where source_key = ${sourceKey} and coalesce(ended_at, presumed_ended_at) >= ${from}
        and coalesce(ended_at, presumed_ended_at) < ${to}
        and ${touchedByDeafness(asked)}
    )
    select coalesce(sum(pairs), 0)::float8 as pairs, coalesce(sum(missing), 0)::float8 as missing
    from touched cross join lateral (
      select sum(copies - 1) as pairs,
        sum(greatest(0, floor(extract(epoch from last_at - first_at) * 1000 / ${intervalMs}::integer + 0.25) - (copies - 1))) as missing
      from notification
      where notification.call_key = touched.call_key and first_at >= ${oldest} and first_at < ${newest}
        and first_at between touched.first_seen_at and touched.until_at and serial not like 'eventTime=%'
        and not exists (select from deaf where first_at < end_at and last_at > start_at)
    ) as counted`;
  if (row === undefined) throw new Error('an aggregate without a row');
  return row;
}
