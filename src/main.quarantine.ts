/** Quarantine wired: what it keeps is said once a minute by source and reason, without a byte of it. */
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import { Quarantine } from './ingest/quarantine.js';
import type { Log } from './log.js';
import type { IngestMeter } from './metrics/ingest-meter.js';
import { horizonMs } from './notification.js';
import type { SourceRegistry } from './sources/registry.js';
import type { Database } from './store/database.js';
import { PgQuarantineStore } from './store/ledger/quarantine.js';
import { heldBack, OnceAMinute } from './transport/once-a-minute.js';

/** What quarantine is made of. */
export interface QuarantineParts {
  readonly database: Database;
  readonly sources: SourceRegistry;
  readonly meter: IngestMeter;
  readonly clock: Clock;
  readonly log: Log;
}

export function quarantineOf(config: Config, { database, sources, meter, clock, log }: QuarantineParts): Quarantine {
  const lines = new OnceAMinute();
  return new Quarantine({
    store: new PgQuarantineStore(database.client),
    ensureStored: (keys) => sources.ensureStored(keys),
    ...{ keepMost: config.quarantineMax, horizonMs: horizonMs(config), bytesMax: config.udpDatagramBytesMax },
    onKept: ({ sourceKey, reason }) => {
      const held = lines.due(`${sourceKey} ${reason}`, clock.now());
      if (held === null) return;
      log.warn(
        `A datagram of ${sourceKey} could not be stored and is in quarantine (${reason})${heldBack(held)}: ` +
          'ringledger inspect shows it.',
        'Ingest',
      );
    },
    onDropped: (rows) => {
      meter.quarantineDropped(rows);
      log.warn(`Quarantine is full (QUARANTINE_MAX): the ${String(rows)} oldest datagrams were dropped.`, 'Ingest');
    },
    onFailed: (error) => {
      const text = `What could not be read was not kept in quarantine either: ${String(error)}`;
      const held = lines.due(text, clock.now());
      if (held !== null) log.error(`${text}${heldBack(held)}`, 'Ingest');
    },
  });
}
