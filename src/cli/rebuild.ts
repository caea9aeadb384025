import { Command } from 'commander';
import { systemClock } from '../clock.js';
import { loadConfig } from '../config.js';
import { rebuildLedger } from '../ingest/rebuild/rebuild.js';
import { Database } from '../store/database.js';
import { PgLedgerStore } from '../store/ledger/ledger.js';
import { migrate } from '../store/migrate.js';
import { provideDatabase } from '../store/provide.js';
import { PgRebuildStore } from '../store/ledger/rebuild.js';

/** `ringledger rebuild`: every record again from the raw notifications; writes only what differs. */
export function rebuildCommand(): Command {
  return new Command('rebuild')
    .description('Rebuild the records from the raw notifications; a record that is right is left as it is.')
    .action(async () => {
      const config = loadConfig();
      const provided = await provideDatabase(config);
      const database = new Database({ url: provided.url, connectionsMax: 2 });
      try {
        await migrate(provided.url);
        await database.connect();
        const clock = systemClock();
        const { retry, intervalMs, marginMs, staleRingingMs, staleAnsweredMs, lossWindowMs } = config;
        const done = await rebuildLedger(
          new PgRebuildStore(database.client),
          new PgLedgerStore(database.client, clock),
          { retry, intervalMs, marginMs, staleRingingMs, staleAnsweredMs, lossWindowMs },
          clock.now(),
          ({ keys }) => {
            if (process.stderr.isTTY) process.stderr.write(`\r${String(keys)} Call IDs`);
          },
        );
        const left =
          done.skipped === 0 ? '' : `; ${String(done.skipped)} too old for their raw notifications were left alone`;
        console.log(`${String(done.keys)} Call IDs folded again, ${String(done.changed)} corrected${left}.`);
      } finally {
        await database.disconnect();
        await provided.stop();
      }
    });
}
