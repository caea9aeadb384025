import type { CopyCount } from '../../delivery/ack-health.js';
import type { Span } from '../../delivery/facts.js';
import type { Runs } from './gaps.js';

/**
 * How often notifications came that were first received in a span, by source: of each source heard since then the newest.
 * What came before the source was read or answered as now is left out: it says nothing of the acks it gets.
 * @param intervalMs what the time between first and last copy is counted in
 * @param limit notifications of one source at most
 */
export async function copyCounts(
  db: Runs,
  span: Span,
  intervalMs: number,
  limit: number,
): Promise<ReadonlyMap<string, readonly CopyCount[]>> {
  const rows = await db.$queryRaw<(CopyCount & { key: string })[]>`
    select source.key, newest.copies, newest.intervals, count(*)::int as notifications
    from source cross join lateral (
      select copies, round(extract(epoch from last_at - first_at) * 1000 / ${intervalMs}::integer)::int as intervals
      from notification
      where source_key = source.key and first_at >= ${new Date(span.from)} and first_at < ${new Date(span.to)}
        and first_at >= coalesce((select max(changed.at) from source_change changed
          where changed.source_key = source.key and field in ('codec', 'charset', 'ackForm')), '-infinity')
      order by first_at desc limit ${limit}
    ) as newest
    where source.last_heard_at >= ${new Date(span.from)}
    group by source.key, newest.copies, newest.intervals`;
  const counts = new Map<string, CopyCount[]>();
  for (const { key, ...one } of rows) counts.set(key, [...(counts.get(key) ?? []), one]);
  return counts;
}
