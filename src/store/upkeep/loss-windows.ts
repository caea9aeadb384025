/** Retention of loss windows: what a rebuild of the raw notifications that are left may still ask for stays. */
import { RHYTHM_MS } from '../../delivery/rhythm.js';
import type { PrismaClient } from '../../generated/prisma/client.js';

const DAY_MS = 86_400_000;

/**
 * Deletes loss windows that nothing asks for any more, and returns how many: those older than the raw notifications, and than what a
 * rhythm is learned from, by a day or more, but for the last such window of each source. It answers for the quiet time after it. A
 * source that never stops speaking writes 288 a day, 115,000 in the 400 days kept.
 * @param retentionDays RETENTION_DAYS
 */
export function dropLossWindows(prisma: PrismaClient, now: number, retentionDays: number): Promise<number> {
  const before = new Date(now - Math.max(retentionDays * DAY_MS, RHYTHM_MS) - DAY_MS);
  return prisma.$executeRaw`
    delete from loss_window as old
    using (
      select source_key, max(start_at) as start_at from loss_window where end_at < ${before} group by source_key
    ) as last
    where old.source_key = last.source_key and old.start_at < last.start_at and old.end_at < ${before}`;
}
