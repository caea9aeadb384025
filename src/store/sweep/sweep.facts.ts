/** The facts the sweep reads: outages, windows, quarantine, and what the calls of a window say of loss. */
import type { Habits } from '../../delivery/facts.js';
import type { WindowRhythm } from '../../delivery/rhythm.js';
import type { WindowSample } from '../../delivery/window.js';
import type { PrismaClient } from '../../generated/prisma/client.js';
import type { ClosedWindow, FeedFacts } from '../../ingest/sweep/sweep.ports.js';
import { overflowsSince } from './beats.js';
import { settingsVersions } from '../settings.js';

function instant(ms: number): Date {
  return new Date(ms);
}

/** Feed facts since an instant, ms since the epoch. */
export async function feedFacts(prisma: PrismaClient, since: number): Promise<FeedFacts> {
  const [outages, overflows, versions, windows, quarantined] = await Promise.all([
    prisma.$queryRaw<{ start_at: Date; end_at: Date }[]>`
      select start_at, end_at from outage where end_at >= ${instant(since)} order by end_at`,
    overflowsSince(prisma, since, 'end_at'),
    settingsVersions(prisma),
    prisma.$queryRaw<
      {
        source_key: string;
        start_at: Date;
        end_at: Date;
        p: number;
        p_mean: number;
        sample: WindowSample;
        habits: Habits;
        rhythm: WindowRhythm | null;
      }[]
    >`
      select source_key, start_at, end_at, p, coalesce(p_mean, p) as p_mean, sample, habits, rhythm from loss_window
      where end_at >= ${instant(since)} order by source_key, start_at`,
    prisma.$queryRaw<{ source_key: string; received_at: Date; last_received_at: Date }[]>`
      select source_key, received_at, last_received_at from quarantine where last_received_at >= ${instant(since)}`,
  ]);
  const bySource = new Map<string, ClosedWindow[]>();
  for (const row of windows) {
    const window = {
      from: row.start_at.getTime(),
      to: row.end_at.getTime(),
      ...{ p: row.p, pMean: row.p_mean },
      // Of windows that closed before it was counted, the answered that ended stand for it.
      sample: { ...{ answers: row.sample.answered }, ...row.sample },
      habits: row.habits,
      rhythm: row.rhythm,
    };
    const own = bySource.get(row.source_key);
    if (own === undefined) bySource.set(row.source_key, [window]);
    else own.push(window);
  }
  const quarantinedAt = new Map<string, number[]>();
  for (const row of quarantined) {
    const at = [row.received_at.getTime(), row.last_received_at.getTime()];
    const own = quarantinedAt.get(row.source_key);
    if (own === undefined) quarantinedAt.set(row.source_key, at);
    else own.push(...at);
  }
  return {
    outages: outages.map((row) => ({ from: row.start_at.getTime(), to: row.end_at.getTime() })),
    overflows,
    versions,
    windows: bySource,
    quarantinedAt,
  };
}
