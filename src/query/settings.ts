/** The settings in force, shared by all receivers. */
import { Prisma } from '../generated/prisma/client.js';
import type { Settings } from '../notification.js';
import { type Reads, at, rows } from './sql.js';

/** The newest version with since <= asOf; null before any receiver has started. */
export async function readSettings(db: Reads, asOf: number): Promise<Settings | null> {
  const [settings] = await rows<Settings>(
    db,
    Prisma.sql`/* settings */
      select retry, interval_ms as "intervalMs", margin_ms as "marginMs",
        stale_ringing_ms::float8 as "staleRingingMs", stale_answered_ms::float8 as "staleAnsweredMs",
        loss_window_ms as "lossWindowMs"
      from settings where since <= ${at(asOf)} order by since desc, id desc limit 1`,
  );
  return settings ?? null;
}
