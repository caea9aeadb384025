import type { Clock } from '../../clock.js';
import type { PrismaClient } from '../../generated/prisma/client.js';
import { trimAudit } from './audit-trim.js';
import { continueChanges } from '../change-base.js';
import { dropLossWindows } from './loss-windows.js';
import { DAILY_TABLES, type DailyTableName, dropPartitions, ensurePartitions } from './partitions.js';

const DAY_MS = 86_400_000;
/** Partitions are made this far ahead: a weekend without a successful round loses nothing, and then the default one takes over. */
const AHEAD_MS = 7 * DAY_MS;
const EVERY_MS = 3_600_000;

/** Something that goes on until it is stopped. */
export interface PartitionKeeper {
  stop(): void;
}

/**
 * Makes partitions ahead of time and drops those older than the retention, with the loss windows and the audit trail of that time: now, and
 * then every hour. Before that, once, it sees to the numbers of the changes feed (change-base.ts).
 *
 * A round that fails stops nobody: a dump under way holds a lock on every day for as long as it takes, and meanwhile there are the days
 * made ahead and the default partition.
 * @param onFault told what could not be kept and why, also in the first round; the next round tries it again
 * @throws what the database said when the numbers of the changes feed could not be seen to
 */
export async function keepPartitions(
  prisma: PrismaClient,
  clock: Clock,
  retentionDays: number,
  onFault: (work: string, error: unknown) => void,
): Promise<PartitionKeeper> {
  const keepDays = async (table: DailyTableName, now: number): Promise<void> => {
    // Yesterday too: a notification received just before midnight may be written after it.
    await ensurePartitions(prisma, table, now - DAY_MS, now + AHEAD_MS);
    await dropPartitions(prisma, table, now - retentionDays * DAY_MS);
  };
  const round = async (): Promise<void> => {
    const now = clock.now();
    const attempt = (work: string, done: Promise<unknown>): Promise<unknown> =>
      done.catch((error: unknown) => onFault(work, error));
    for (const table of DAILY_TABLES) await attempt(`the days of ${table}`, keepDays(table, now));
    await attempt('the retention of loss windows', dropLossWindows(prisma, now, retentionDays));
    await attempt('the retention of the audit trail', trimAudit(prisma, now - retentionDays * DAY_MS));
  };
  await continueChanges(prisma);
  await round();
  const timer = setInterval(() => void round(), EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
    },
  };
}
