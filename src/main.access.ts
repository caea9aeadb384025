/** Who may ask, wired: the keys, the gate and the audit trail over the database; and what must hold before anything starts. */
import { closeSync, existsSync, fchmodSync, fsyncSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { Audit } from './access/audit.js';
import { Gate } from './access/gate.js';
import { type KeyMaker, Keys } from './access/keys.js';
import { newToken, readToken } from './access/token.js';
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

const NO_KEY =
  'INITIAL_ADMIN_KEY_FILE holds no key: it must be rl_, 8 digits or letters a to f, _ and at least 32 letters, digits, ' +
  '"_" or "-" that nobody can guess. Remove the file to have one made.';
const NOT_MADE = 'A first key could not be made: another begins like it. Start again.';

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

/**
 * The first key: the one in the file; or a new one, written there for its owner alone to read before it is made: killed in between, the
 * next start finds it in the file and makes it. The other way round it would be made, and its secret nowhere.
 */
async function makeFirst(keys: Keys, file: string): Promise<string> {
  const given = usable('read', () => readOrNull(file));
  const secret = given ?? newToken().secret;
  if (given === null) usable('written', () => writeSecret(file, secret));
  const asked = { name: 'first admin', scopes: ['admin'], sources: null, expiresAt: null };
  // Thrown, it may be made all the same: the file stays, and the next start knows.
  const made = await keys.create(asked, FIRST_START, secret);
  // Another receiver that starts on the same file may have been first.
  if ('faults' in made && !(await keys.verify(secret)).good) {
    if (given === null) rmSync(file);
    throw new Error(given === null ? NOT_MADE : NO_KEY);
  }
  const how = given === null ? `and wrote it to ${file}` : 'as INITIAL_ADMIN_KEY_FILE gives it';
  return `Made a first key with the scope admin, ${readToken(secret)?.prefix ?? ''}, ${how}.`;
}

function readOrNull(file: string): string | null {
  const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  return text === '' ? null : text;
}

/** Into the file itself: one that was laid there empty may be mounted, and then cannot be replaced. Its mode comes before the secret. */
function writeSecret(file: string, secret: string): void {
  const handle = openSync(file, 'w', 0o600);
  try {
    fchmodSync(handle, 0o600);
    writeSync(handle, `${secret}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function usable<T>(how: 'read' | 'written', use: () => T): T {
  try {
    return use();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`INITIAL_ADMIN_KEY_FILE cannot be ${how}, and no key was made: ${why}`, { cause: error });
  }
}
