import { Command } from 'commander';
import { systemClock } from '../clock.js';
import { loadConfig } from '../config.js';
import { grantBi, isLoginName } from '../store/bi/grant.js';
import { keepOnce } from '../store/bi/keeper.js';
import { noteAllHours } from '../store/bi/recount.js';
import { Database } from '../store/database.js';
import { migrate } from '../store/migrate.js';
import { type ProvidedDatabase, provideDatabase } from '../store/provide.js';

async function onDatabase<T>(work: (database: ProvidedDatabase) => Promise<T>): Promise<T> {
  const provided = await provideDatabase(loadConfig());
  try {
    await migrate(provided.url);
    return await work(provided);
  } finally {
    await provided.stop();
  }
}

interface GrantFlags {
  readonly login?: string;
  readonly clear: boolean;
}

async function grant({ login, clear }: GrantFlags): Promise<void> {
  if (login === undefined && clear) throw new Error('--clear is about a login; name one with --login.');
  if (login !== undefined && !isLoginName(login)) {
    throw new Error(
      '--login takes small letters, digits and _, at most 63 and a letter first, and no name that PostgreSQL or we use.',
    );
  }
  const password = await onDatabase(({ url }) => grantBi(url, login === undefined ? null : { name: login, clear }));
  if (password === null || login === undefined) {
    console.error(
      'ringledger_bi and ringledger_bi_clear read schema bi; grant one of them to a role, or make one with --login.',
    );
    return;
  }
  const seen = clear ? 'sees numbers' : 'sees numbers masked';
  console.error(
    `${login} can log in, reads schema bi and ${seen}. Its password, shown once; a former one holds no more:`,
  );
  console.log(password);
}

async function recount(): Promise<void> {
  await onDatabase(async ({ url }) => {
    const database = new Database({ url, connectionsMax: 2 });
    try {
      await database.connect();
      const hours = await noteAllHours(database.client);
      const clock = systemClock();
      // Where a receiver runs it may be at it already: then it counts what was noted here.
      while (!(await keepOnce(database.client, () => clock.now())))
        await new Promise((next) => setTimeout(next, 1_000));
      console.log(`${String(hours)} hours counted again.`);
    } finally {
      await database.disconnect();
    }
  });
}

/** `ringledger bi`: who reads schema bi, and its hourly and daily figures. Works whether or not the server runs. */
export function biCommand(): Command {
  const command = new Command('bi').description('Let BI tools read schema bi of the database.');
  command
    .command('grant')
    .description(
      'Make the roles ringledger_bi (numbers masked) and ringledger_bi_clear, which read schema bi and nothing else.',
    )
    .option('--login <name>', 'make a role that can log in too, or give it a new password, which is printed')
    .option('--clear', 'the login sees numbers', false)
    .action(grant);
  command
    .command('recount')
    .description(
      'Count every hour of bi.hourly and bi.daily again: after records were written by other means than the server.',
    )
    .action(recount);
  return command;
}
