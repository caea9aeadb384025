/** How far each source's stream can be trusted: said with every list, so that "no calls" and "not heard" differ. */
import { Prisma } from '../generated/prisma/client.js';
import type { FeedRow, FeedStatus } from './contract.js';
import { receiversStatement } from './receivers.js';
import { type Reads, at, rows, utc } from './sql.js';

/**
 * Not heard for longer is `silent` while the rhythm of the source is not learned: a switch that is in use at all reports a
 * call within minutes. Once it is, an open `silence` gap says so (docs/truth.md 17).
 */
const SILENT_AFTER_MS = 300_000;
/** A window of impairment counts as recent for as long. */
const RECENT_MS = 300_000;
/** Gaps of a source counted at most: a ledger of years holds more than each list can count anew (130,000 took 24 ms). */
const GAPS_MAX = 10_000;

/** What a list was asked about; both ends null: all that the ledger holds. */
export interface FeedPeriod {
  readonly from: number | null;
  readonly to: number | null;
  /** Null: every source. A key nobody has heard of is answered for too: never heard. */
  readonly sources: readonly string[] | null;
}

interface FeedFacts {
  readonly source: string;
  readonly lastHeardAt: Date | null;
  readonly gaps: number;
  readonly impaired: boolean;
  readonly silent: boolean;
  readonly rhythmic: boolean;
  readonly running: number;
  readonly heldBackBy: string | null;
}

function statusOf(facts: FeedFacts, asOf: number): FeedStatus {
  if (facts.lastHeardAt === null) return 'never';
  if (facts.impaired || facts.running === 0 || facts.heldBackBy !== null) return 'impaired';
  const quiet = facts.rhythmic ? facts.silent : facts.lastHeardAt.getTime() < asOf - SILENT_AFTER_MS;
  return quiet ? 'silent' : 'receiving';
}

/**
 * Open and lost gaps of `asked.key` in a period. One that begins somewhere is a span, of which an index knows what reaches into it, for all
 * sources at once; of all that came before an instant so many are counted and no more.
 */
function gapsIn({ from, to }: FeedPeriod): { readonly join: Prisma.Sql; readonly count: Prisma.Sql } {
  if (from !== null) {
    const span = Prisma.sql`tstzrange(${at(from)}, ${to === null ? null : at(to)}::timestamptz)`;
    return {
      join: Prisma.sql`left join (select source_key, least(count(*), ${GAPS_MAX})::int as gaps from gap
        where status in ('open', 'lost') and tstzrange(from_at, to_at, '[]') && ${span} group by 1) reaching
        on reaching.source_key = asked.key`,
      count: Prisma.sql`coalesce(reaching.gaps, 0)`,
    };
  }
  const before = to === null ? Prisma.sql`true` : Prisma.sql`from_at < ${at(to)}`;
  const counted = Prisma.sql`
    select from gap where source_key = asked.key and status in ('open', 'lost') and ${before} limit ${GAPS_MAX}`;
  return { join: Prisma.empty, count: Prisma.sql`(select count(*)::int from (${counted}) counted)` };
}

/**
 * The feed of each source, in order of their keys. An open gap impairs only if it is a window in which nothing could
 * be received or understood; a missing notification is counted in `gaps`, and the stream goes on.
 * @param spooled acknowledged notifications by source that this process has and the database has not
 */
export async function readFeed(
  db: Reads,
  period: FeedPeriod,
  asOf: number,
  spooled: ReadonlyMap<string, number> = new Map(),
): Promise<readonly FeedRow[]> {
  const { from, to, sources } = period;
  const asked =
    sources === null
      ? Prisma.sql`select key from source`
      : Prisma.sql`select distinct unnest(${[...sources]}::text[]) as key`;
  const gaps = gapsIn(period);
  // One of eight statements, each kept prepared under its name: every list is told with one of them.
  const name = `feed${from === null ? '' : '_from'}${to === null ? '' : '_to'}${sources === null ? '' : '_of'}`;
  const facts = await rows<FeedFacts>(
    db,
    Prisma.sql`/* ${Prisma.raw(name)} */
      select asked.key as "source", ${utc('source.last_heard_at')} as "lastHeardAt", receivers.running, receivers."heldBackBy",
        ${gaps.count} as gaps,
        exists (select 1 from gap
         where source_key = asked.key and kind in ('outage', 'overflow', 'quarantine')
           and (status = 'open' or coalesce(to_at, closed_at, opened_at) >= ${at(asOf - RECENT_MS)})) as impaired,
        exists (select 1 from gap
         where source_key = asked.key and kind = 'silence' and status = 'open' and to_at is null) as silent,
        source.silent_after_ms is not null as rhythmic
      from (${asked}) asked left join source on source.key = asked.key ${gaps.join}
        cross join (${receiversStatement(asOf)}) receivers
      order by asked.key`,
  );
  return facts.map((fact) => ({
    source: fact.source,
    status: (spooled.get(fact.source) ?? 0) > 0 ? 'impaired' : statusOf(fact, asOf),
    lastHeardAt: fact.lastHeardAt,
    gaps: fact.gaps,
    heldBackBy: fact.heldBackBy,
    spooled: spooled.get(fact.source) ?? 0,
  }));
}
