import type { PrismaClient } from '../generated/prisma/client.js';
import type { SettingsVersion } from '../delivery/facts.js';
import type { Settings } from '../notification.js';

/**
 * Appends the settings this receiver was started with as the version in force from `since` (ms), unless the newest
 * version says the same. Two receivers that start at once may both append; equal versions say the same.
 * @returns the version that was in force before; null when there was none
 */
export async function declareSettings(
  prisma: PrismaClient,
  settings: Settings,
  since: number,
): Promise<Settings | null> {
  const former = (await settingsVersions(prisma)).at(-1)?.settings ?? null;
  const { retry, intervalMs, marginMs, staleRingingMs, staleAnsweredMs, lossWindowMs } = settings;
  await prisma.$executeRaw`
    insert into settings (since, retry, interval_ms, margin_ms, stale_ringing_ms, stale_answered_ms, loss_window_ms)
    select ${new Date(since)}, said.* from (
      values (${retry}::integer, ${intervalMs}::integer, ${marginMs}::integer,
              ${staleRingingMs}::bigint, ${staleAnsweredMs}::bigint, ${lossWindowMs}::integer)
    ) as said
    where said is distinct from (
      select row(retry, interval_ms, margin_ms, stale_ringing_ms, stale_answered_ms, loss_window_ms)
      from settings order by since desc, id desc limit 1
    )`;
  return former;
}

/** Every version, oldest first: a handful in the life of an installation. */
export async function settingsVersions(prisma: Pick<PrismaClient, '$queryRaw'>): Promise<readonly SettingsVersion[]> {
  const rows = await prisma.$queryRaw<(Settings & { readonly since: Date })[]>`
    select since, retry, interval_ms as "intervalMs", margin_ms as "marginMs",
      stale_ringing_ms::float8 as "staleRingingMs", stale_answered_ms::float8 as "staleAnsweredMs",
      loss_window_ms as "lossWindowMs"
    from settings order by since, id`;
  return rows.map(({ since, ...settings }) => ({ since: since.getTime(), settings }));
}
