/** Numbers in E.164, read beside the receiver by what operators set for their sources. */
import type { Clock } from './clock.js';
import type { Standby } from './ingest/spool/standby.js';
import type { Log } from './log.js';
import { e164Of } from './sources/number-rules.js';
import type { Database } from './store/database.js';
import { keepNumbers, type NumberKeeper } from './store/sources/number-forms.js';
import { OnceAMinute } from './transport/once-a-minute.js';

/** Goes on by itself until it is stopped; a fault is logged, once a minute at most. */
export function numbersOf(database: Database, standby: Standby, clock: Clock, log: Log): NumberKeeper {
  const lines = new OnceAMinute();
  return keepNumbers(
    database.client,
    e164Of,
    () => standby.isAway(),
    (error) => {
      const text = `Numbers were not read in E.164: ${String(error).replace(/\s*\n\s*/g, ' ')}`;
      if (lines.due(text, clock.now()) !== null) log.warn(text, 'Store');
    },
  );
}
