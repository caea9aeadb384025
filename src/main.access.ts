/** Who may ask, wired: the keys, the gate and the audit trail over the database; and what must hold before anything starts. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Audit } from './access/audit.js';
import { Gate } from './access/gate.js';
import { type KeyMaker, Keys } from './access/keys.js';
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import { isLoopback } from './config.keys.js';
import type { Log } from './log.js';
import type { Database } from './store/database.js';
import { PgKeyStore } from './store/keys.js';

/** Who may ask, and what is written down of it. */
export interface Accesses {
  readonly keys: Keys;
  readonly gate: Gate;
  readonly audit: Audit;
}

const FIRST_START: KeyMaker = { name: 'first start', prefix: null, address: 'local' };

/**
 * Opens access over a database that answers.
 * @throws Error with a sentence for the operator: other machines could ask and no key has been made, or the file of the first
 *   key cannot be used
 */
export async function openAccess(config: Config, database: Database, clock: Clock, log: Log): Promise<Accesses> {
  const store = new PgKeyStore(database.client);
  const keys = new Keys(store, clock);
  const { initialAdminKeyFile: file, httpHost } = config;
  if (file !== null && !(await keys.required())) {
    const told = await makeFirst(keys, file);
    log.log(told, 'Ringledger');
  }
  if (await keys.required()) log.log('Whoever asks over HTTP shows a key (ringledger keys list).', 'Ringledger');
  else if (isLoopback(httpHost)) {
    log.warn(
      'No key has been made: every program on this machine may read every call, with numbers, and set sources. ' +
        'ringledger keys create ends that.',
      'Ringledger',
    );
  } else {
    throw new Error(
      'HTTP_HOST lets other machines ask, and no key has been made: anyone who reaches the port could read every call. ' +
        'Make one (ringledger keys create --name admin --scopes admin), set INITIAL_ADMIN_KEY_FILE, or set HTTP_HOST=127.0.0.1.',
    );
  }
  return { keys, gate: new Gate(keys, clock, config.requestsPerS), audit: new Audit(store, clock) };
}

/** The first key: the one in the file; or a new one, written there for its owner alone to read. */
async function makeFirst(keys: Keys, file: string): Promise<string> {
  const given = readOrNull(file);
  const asked = { name: 'first admin', scopes: ['admin'], sources: null, expiresAt: null };
  const made = given === null ? await keys.create(asked, FIRST_START) : await keys.create(asked, FIRST_START, given);
  if ('faults' in made) {
    throw new Error(
      'INITIAL_ADMIN_KEY_FILE holds no key: it must be rl_, 8 digits or letters a to f, _ and at least 32 letters, digits, ' +
        '"_" or "-" that nobody can guess. Remove the file to have one made.',
    );
  }
  if (given !== null)
    return `Made a first key with the scope admin, ${made.key.prefix}, as INITIAL_ADMIN_KEY_FILE gives it.`;
  writeFileSync(file, `${made.secret}\n`, { mode: 0o600, flag: 'w' });
  return `Made a first key with the scope admin, ${made.key.prefix}, and wrote it to ${file}.`;
}

function readOrNull(file: string): string | null {
  const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  return text === '' ? null : text;
}
