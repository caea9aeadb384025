import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../clock.js';
import { loadConfig } from '../config.js';
import { migrate } from '../store/migrate.js';
import { provideDatabase } from '../store/provide.js';
import { FILLING_SETTINGS, LedgerNotEmpty } from '../store/seed/seed.js';
import { seedLedger } from './seed/seed.js';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

interface Flags {
  readonly calls: number;
  readonly seed: string;
  readonly days: number;
  readonly until?: number;
  readonly force?: true;
}

/** `ringledger seed`: a history to try reports, exports and queries on, the same for the same seed. */
export function seedCommand(): Command {
  return new Command('seed')
    .description('Fill an empty ledger with made-up calls, to try reports and queries on.')
    .requiredOption('--calls <n>', 'how many calls, 1 to 100,000,000', wholeNumber(1, 100_000_000))
    .option('--seed <text>', 'the same seed, days and until give the same history', '1')
    .option('--days <n>', 'days that the calls are spread over, 1 to 400', wholeNumber(1, 400), 30)
    .option('--until <time>', 'when the history ends, ISO 8601; left out: the last full minute', instant)
    .option('--force', 'DELETE everything the ledger holds first')
    .action(run);
}

async function run({ calls, seed, days, until: asked, force }: Flags): Promise<void> {
  const config = loadConfig();
  const provided = await provideDatabase(config, undefined, FILLING_SETTINGS);
  try {
    await migrate(provided.url);
    const until = asked ?? Math.floor(systemClock().now() / MINUTE_MS) * MINUTE_MS;
    const startedAt = performance.now();
    const { retry, intervalMs, marginMs, staleRingingMs, staleAnsweredMs, lossWindowMs } = config;
    const settings = { retry, intervalMs, marginMs, staleRingingMs, staleAnsweredMs, lossWindowMs };
    const seeding = { calls, seed, from: until - days * DAY_MS, until };
    const told = (done: number): void => {
      if (process.stderr.isTTY) process.stderr.write(`\r${String(done)} calls`);
    };
    await seedLedger(provided.url, seeding, settings, { force: force === true, told });
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    console.log(
      `${String(calls)} calls in ${String(seconds)} s. The same again: ringledger seed --calls ${String(calls)} --seed ${seed} ` +
        `--days ${String(days)} --until ${new Date(until).toISOString()}`,
    );
  } catch (error) {
    if (!(error instanceof LedgerNotEmpty)) throw error;
    throw new Error(`${error.message} --force DELETES what it holds.`, { cause: error });
  } finally {
    await provided.stop();
  }
}

function wholeNumber(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < minimum || value > maximum) {
      throw new InvalidArgumentError(`It must be a whole number from ${String(minimum)} to ${String(maximum)}.`);
    }
    return value;
  };
}

function instant(text: string): number {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new InvalidArgumentError('It must be an ISO 8601 time, such as 2026-03-01T00:00:00Z.');
  return at;
}
