import { userInfo } from 'node:os';
import { Command } from 'commander';
import { type KeyMaker, Keys } from '../access/keys.js';
import type { StoredKey } from '../access/ports.js';
import { SCOPES } from '../access/scopes.js';
import { systemClock } from '../clock.js';
import { loadConfig } from '../config.js';
import { Database } from '../store/database.js';
import { PgKeyStore } from '../store/keys.js';
import { migrate } from '../store/migrate.js';
import { provideDatabase } from '../store/provide.js';
import { unheard } from '../store/sources/unheard.js';

interface CreateFlags {
  readonly name: string;
  readonly scopes: string;
  readonly sources?: string;
  readonly expires?: string;
}

const UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000 };

/**
 * `ringledger keys create|list|revoke`: at the database itself, so that it works while the server is stopped, and while it runs;
 * it notices within a second. Whoever reaches the database can read everything anyway.
 */
export function keysCommand(): Command {
  const keys = new Command('keys').description('Make, list and revoke keys for REST and GraphQL.');
  const scopes = Object.entries(SCOPES).map(([scope, meaning]) => `  ${scope.padEnd(16)}${meaning}`);
  keys
    .command('create')
    .description('Make a key. It is printed once and kept nowhere; only its SHA-256 is.')
    .requiredOption('--name <name>', 'what it is for')
    .requiredOption('--scopes <scopes>', 'what it may do, with commas between them')
    .option('--sources <keys>', 'sources it is bound to, with commas between them; left out: all')
    .option('--expires <time>', 'when it ends: 90d, 12h, or an ISO 8601 time; left out: never')
    .addHelpText('after', `\nScopes:\n${scopes.join('\n')}`)
    .action((flags: CreateFlags) => atDatabase((at, database) => create(at, database, flags)));
  keys
    .command('list')
    .description('Show every key there is or was; secrets are not kept and not shown.')
    .option('--json', 'as JSON')
    .action((flags: { readonly json?: true }) => atDatabase((at) => list(at, flags.json === true)));
  keys
    .command('revoke <prefix>')
    .description('Revoke a key for ever; a running server answers to it for a second more at most.')
    .action((prefix: string) => atDatabase((at) => revoke(at, prefix)));
  return keys;
}

async function create(keys: Keys, database: Database, flags: CreateFlags): Promise<void> {
  const made = await keys.create(
    {
      name: flags.name,
      scopes: words(flags.scopes),
      sources: flags.sources === undefined ? null : words(flags.sources),
      expiresAt: flags.expires === undefined ? null : expiryOf(flags.expires, Date.now()),
    },
    maker(),
  );
  if ('faults' in made) {
    throw new Error(
      made.faults.map(({ parameter, reason }) => `--${parameter.replace('expiresAt', 'expires')} ${reason}`).join('\n'),
    );
  }
  // The secret alone on standard output, so that a script can keep it.
  process.stderr.write(`Made ${made.key.prefix} (${made.key.name}). Keep it now: it is not shown again.\n`);
  print(made.secret);
  // It may be heard later; or its key is misspelt, and such a key reads empty lists without a word.
  const unknown = await unheard(database.client, made.key.sources ?? []);
  if (unknown.length > 0) {
    process.stderr.write(
      `No source is known by ${unknown.join(', ')}: until one is heard, this key sees nothing of it. GET /api/v1/sources lists the keys there are.\n`,
    );
  }
}

async function list(keys: Keys, json: boolean): Promise<void> {
  const found = (await keys.list()).map(({ hash: _hash, ...key }) => key);
  if (json) {
    print(JSON.stringify(found, null, 2));
    return;
  }
  if (found.length === 0) print('No key has been made.');
  for (const key of found) print(lineOf(key, Date.now()));
}

async function revoke(keys: Keys, prefix: string): Promise<void> {
  const revoked = await keys.revoke(prefix, maker());
  if (revoked === null) throw new Error('There is no key with this prefix; ringledger keys list shows them.');
  print(`${revoked.prefix} (${revoked.name}) is revoked since ${timeOf(revoked.revokedAt)}.`);
}

async function atDatabase(work: (keys: Keys, database: Database) => Promise<void>): Promise<void> {
  const provided = await provideDatabase(loadConfig());
  const database = new Database({ url: provided.url, connectionsMax: 1 });
  try {
    await migrate(provided.url);
    await database.connect();
    await work(new Keys(new PgKeyStore(database.client), systemClock()), database);
  } finally {
    await database.disconnect();
    await provided.stop();
  }
}

function maker(): KeyMaker {
  return { name: `cli (${userInfo().username})`, prefix: null, address: 'local' };
}

function words(text: string): readonly string[] {
  return text.split(',').map((word) => word.trim());
}

/** @throws Error it is neither a span nor a time */
function expiryOf(text: string, now: number): number {
  const [, amount, unit = ''] = /^(\d{1,5})([hd])$/.exec(text) ?? [];
  const unitMs = UNITS_MS[unit];
  if (amount !== undefined && unitMs !== undefined) return now + Number(amount) * unitMs;
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new Error('--expires must be a span such as 90d or 12h, or an ISO 8601 time.');
  return at;
}

function lineOf(key: Omit<StoredKey, 'hash'>, now: number): string {
  const { prefix, name, scopes, sources, expiresAt, revokedAt, lastUsedAt } = key;
  const expired = expiresAt !== null && expiresAt <= now;
  const life =
    revokedAt !== null
      ? `revoked ${timeOf(revokedAt)}`
      : expiresAt === null
        ? 'never expires'
        : `${expired ? 'expired' : 'expires'} ${timeOf(expiresAt)}`;
  const bound = sources === null ? 'all sources' : `sources ${sources.join(' ')}`;
  return [prefix, name, scopes.join(' '), bound, life, `last used ${timeOf(lastUsedAt)}`].join('  ');
}

function timeOf(ms: number | null): string {
  return ms === null ? 'never' : new Date(ms).toISOString();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
