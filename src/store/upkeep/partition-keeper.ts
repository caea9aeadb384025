import type { Clock } from '../../clock.js';
import type { PrismaClient } from '../../generated/prisma/client.js';
import { trimAudit } from './audit-trim.js';
import { continueChanges } from '../change-base.js';
import { dropLossWindows } from './loss-windows.js';
import { DAILY_TABLES, dropPartitions, ensurePartitions } from './partitions.js';

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
 * @param onFault told when a later round failed; the next one tries again
 * @throws what the database said when the first round failed
 */
export async function keepPartitions(
  prisma: PrismaClient,
  clock: Clock,
  retentionDays: number,
  onFault: (error: unknown) => void,
): Promise<PartitionKeeper> {
  const round = async (): Promise<void> => {
    const now = clock.now();
    for (const table of DAILY_TABLES) {
      // Yesterday too: a notification received just before midnight may be written after it.
      await ensurePartitions(prisma, table, now - DAY_MS, now + AHEAD_MS);
      await dropPartitions(prisma, table, now - retentionDays * DAY_MS);
    }
    await dropLossWindows(prisma, now, retentionDays);
    await trimAudit(prisma, now - retentionDays * DAY_MS);
  };
  await continueChanges(prisma);
  await round();
  const timer = setInterval(() => {
    round().catch(onFault);
  }, EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
    },
  };
}
