/** The figures that BI tools read, kept beside the receiver. */
import type { Clock } from './clock.js';
import type { Standby } from './ingest/spool/standby.js';
import type { Log } from './log.js';
import { keepRollups, type RollupKeeper } from './store/bi/keeper.js';
import type { Database } from './store/database.js';
import { OnceAMinute } from './transport/once-a-minute.js';

/** Goes on by itself until it is stopped; a fault is logged, once a minute at most, and the next round goes on. */
export function rollupsOf(database: Database, standby: Standby, clock: Clock, log: Log): RollupKeeper {
  const lines = new OnceAMinute();
  return keepRollups(
    database.client,
    clock,
    () => standby.isAway(),
    (error) => {
      const text = `bi.hourly and bi.daily were not brought up to date: ${String(error).replace(/\s*\n\s*/g, ' ')}`;
      if (lines.due(text, clock.now()) !== null) log.warn(text, 'Store');
    },
  );
}
