import type { PrismaClient } from '../../generated/prisma/client.js';

/** Clocks of receivers that share a database may be this far apart without anybody having set one back. */
const APART_MS = 2_000;

/**
 * Readies the ledger for a receiver whose clock stands before the ledger's last sign of life: the machine's clock was set
 * back between two runs. What the sweep has moved to an instant that is still to come would take in nothing received until
 * then, so it is moved back: signs of life, books of serials (begun anew: what came meanwhile is no hole), loss windows
 * and settings. Records and raw notifications keep the stamps they were given.
 *
 * @param now ms since the epoch, by the clock of the receiver that starts
 * @returns how far ahead the last sign of life was, in ms; null when it was not, and then nothing is changed
 */
export async function turnBack(prisma: PrismaClient, now: number): Promise<number | null> {
  const [newest] = await prisma.$queryRaw<{ at: Date | null }[]>`
    select max(greatest(beat_at, stopped_at)) as at from receiver`;
  const aheadMs = (newest?.at?.getTime() ?? now) - now;
  if (aheadMs <= APART_MS) return null;
  const at = new Date(now);
  await prisma.$transaction([
    prisma.$executeRaw`
      update receiver set started_at = least(started_at, ${at}), beat_at = least(beat_at, ${at}),
        durable_through = least(durable_through, ${at}), stopped_at = case when stopped_at is null then null else least(stopped_at, ${at}) end
      where greatest(beat_at, stopped_at) > ${at}`,
    prisma.$executeRaw`update source set book = null, processed_through = ${at} where processed_through > ${at}`,
    prisma.$executeRaw`update source set last_heard_at = ${at} where last_heard_at > ${at}`,
    prisma.$executeRaw`delete from loss_window where end_at > ${at}`,
    prisma.$executeRaw`update settings set since = ${at} where since > ${at}`,
  ]);
  return aheadMs;
}
