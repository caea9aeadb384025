/** When sources speak: what a window tells of it, and what was learned. */
import type { Span } from '../../delivery/facts.js';
import { RHYTHM_MS, SLOTS, type WindowRhythm } from '../../delivery/rhythm.js';
import type { Runs } from './gaps.js';

/**
 * The rhythm of one window. One probe of an index per slot, whatever was received: at 20,000 notifications/s a window of
 * 300 s holds six million of them. So a silence is known to a slot.
 */
export async function windowRhythm(db: Runs, sourceKey: string, window: Span): Promise<WindowRhythm | null> {
  const slotMs = Math.max(1, (window.to - window.from) / SLOTS);
  const [row] = await db.$queryRaw<{ heard: bigint; silence_from: Date | null; silence_ms: number | null }[]>`
    with slot as (
      select ${new Date(window.from)}::timestamptz + make_interval(secs => n * ${slotMs / 1000}::double precision) as at
      from generate_series(0, ${SLOTS - 1}::integer) as n
    ), spoken as (
      select found.first_at from slot cross join lateral (
        select first_at from notification
        where source_key = ${sourceKey} and first_at >= slot.at and first_at < ${new Date(window.to)}
          and first_at < slot.at + make_interval(secs => ${slotMs / 1000}::double precision)
        order by first_at limit 1
      ) as found
    ), before as (
      select first_at from notification
      where source_key = ${sourceKey} and first_at < ${new Date(window.from)} and first_at >= ${new Date(window.from - RHYTHM_MS)}
      order by first_at desc limit 1
    ), spaced as (
      select first_at, coalesce(lag(first_at) over (order by first_at), (select first_at from before)) as previous from spoken
    )
    select (select count(*) from spoken) as heard, longest.previous as silence_from, longest.ms as silence_ms
    from (select 1) as one left join lateral (
      select previous, extract(epoch from first_at - previous)::float8 * 1000 as ms from spaced
      where previous is not null order by first_at - previous desc limit 1
    ) as longest on true`;
  const heard = Number(row?.heard ?? 0);
  if (heard === 0) return null;
  const silenceFrom = row?.silence_from?.getTime() ?? window.from;
  return { heard, silenceFrom, silenceMs: Math.round(row?.silence_ms ?? 0) };
}

export async function rhythms(db: Runs, sourceKey: string, since: number): Promise<readonly WindowRhythm[]> {
  const rows = await db.$queryRaw<{ rhythm: WindowRhythm }[]>`
    select rhythm from loss_window
    where source_key = ${sourceKey} and start_at >= ${new Date(since)} and rhythm is not null order by start_at`;
  return rows.map(({ rhythm }) => rhythm);
}

export async function setSilentAfter(db: Runs, sourceKey: string, silentAfterMs: number | null): Promise<void> {
  await db.$executeRaw`update source set silent_after_ms = ${silentAfterMs}::bigint where key = ${sourceKey}`;
}
