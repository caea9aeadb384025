import { Command } from 'commander';
import { type Config, doubtsOf, loadConfig } from '../config.js';
import { misspeltNames } from '../config.names.js';
import { masked } from '../log.mask.js';
import type { Log } from '../log.js';
import { type Step, undone, undoneAfterFault } from '../main.undo.js';
import { migrate } from '../store/migrate.js';
import { provideDatabase } from '../store/provide.js';
import { plainSentence } from './plain.js';

/**
 * Ctrl-C under npm arrives twice, from the terminal and from npm, which passes it on; only a signal later than this is
 * somebody who will not wait.
 */
const SAME_SIGNAL_MS = 500;

/** `ringledger start`: database, migrations, application; and on SIGINT or SIGTERM the same backwards, PostgreSQL last. */
export function startCommand(): Command {
  return new Command('start')
    .description('Receive, keep and answer for call states (what npm start runs).')
    .action(() => serve());
}

async function serve(): Promise<void> {
  const signal = listenForSignals();
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
  const config = loadConfig();
  // Loading the application takes as long as starting PostgreSQL; two cores do both at once.
  const loading = import('../main.js');
  loading.catch(() => undefined);
  const undo: Step[] = [];
  try {
    const tell = teller(config);
    const database = await provideDatabase(config, tell);
    undo.push(() => database.stop());
    if (!database.owner) {
      throw new Error('Ringledger is running on this data folder already. Stop it first, or set another DATA_DIR.');
    }
    // However long that takes: an operator may start the database after us, and nothing can be kept without its sources.
    await migrate(database.url, { waitMs: Number.POSITIVE_INFINITY, tell, signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (!signal.aborted) {
      const { run } = await loading;
      const embedded = config.databaseUrl === null;
      const warnings = [...misspeltNames(), ...doubtsOf(config)];
      const application = await run({ ...config, databaseUrl: database.url, embedded, warnings });
      undo.push(() => application.stop());
    }
    await aborted(signal);
  } catch (error) {
    await undoneAfterFault(undo, untold);
    throw error;
  }
  await undone(undo, untold);
  // Whatever still keeps the process alive (a keep-alive connection, a timer) has been drained or is not worth waiting for.
  process.exit(0);
}

/** Of several faults one is what the command ends with; the others are said before it. */
function untold(fault: unknown): void {
  console.error(masked(`Not stopped as it should be: ${plainSentence(fault)}`));
}

/** Logs what befalls the embedded PostgreSQL; the logger is loaded when there is something to say, not while it starts. */
function teller(config: Config): (sentence: string) => void {
  let log: Promise<Log> | null = null;
  return (sentence) => {
    log ??= import('../log.js').then(({ Log }) => new Log(config));
    void log.then((own) => own.warn(sentence, 'PostgreSQL'));
  };
}

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once, with PostgreSQL left for the next start to adopt. */
function listenForSignals(): AbortSignal {
  const controller = new AbortController();
  let firstAt: number | null = null;
  const onSignal = (name: NodeJS.Signals): void => {
    firstAt ??= performance.now();
    if (!controller.signal.aborted) controller.abort();
    else if (performance.now() - firstAt > SAME_SIGNAL_MS) process.exit(name === 'SIGINT' ? 130 : 143);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return controller.signal;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** A bug: what it left in memory cannot be trusted, and everything acked is durable, so the process ends. */
function die(error: unknown): never {
  console.error(masked(`Stopped by a fault of Ringledger itself: ${plainSentence(error)}`));
  process.exit(1);
}
