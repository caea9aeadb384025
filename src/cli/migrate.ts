import { Command } from 'commander';
import { loadConfig } from '../config.js';
import { forgetFailure, migrate } from '../store/migrate.js';
import { provideDatabase } from '../store/provide.js';

/** `ringledger migrate`: what `start` does to the database, alone; for a deployment that migrates before it starts. */
export function migrateCommand(): Command {
  return new Command('migrate')
    .description('Bring the database to the schema of this version.')
    .option('--retry <migration>', 'try a migration again that failed, once its cause is mended')
    .action(async (flags: { readonly retry?: string }) => {
      const database = await provideDatabase(loadConfig());
      try {
        if (flags.retry !== undefined && !(await forgetFailure(database.url, flags.retry))) {
          throw new Error('No migration of that name has failed here; nothing was changed.');
        }
        const applied = await migrate(database.url, { tell: (sentence) => console.error(sentence) });
        console.log(applied.length === 0 ? 'The database is up to date.' : `Applied ${applied.join(', ')}.`);
      } finally {
        await database.stop();
      }
    });
}
