/** The first key: guards against a ledger that other machines can read because nobody thought of keys. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '../../src/config.js';
import { keysCommand } from '../../src/cli/keys.js';
import { type Running, run } from '../../src/main.js';
import { runCommand } from '../support/command.js';
import { type TestDatabase, testDatabase, testPool } from '../support/database.js';
import { read, shown } from './kit.js';

let database: TestDatabase;
let folder: string;
let running: Running | null = null;
const before = process.env.DATABASE_URL;

beforeEach(async () => {
  database = await testDatabase();
  folder = mkdtempSync(join(tmpdir(), 'ringledger-keys-'));
  process.env.DATABASE_URL = database.url;
});
afterEach(async () => {
  await running?.stop();
  running = null;
  await database.close();
  rmSync(folder, { recursive: true });
  if (before === undefined) delete process.env.DATABASE_URL;
  else process.env.DATABASE_URL = before;
});

async function start(env: Readonly<Record<string, string>>): Promise<string> {
  const quiet = { UDP_HOST: '127.0.0.1', LOG_LEVEL: 'fatal', LOG_FORMAT: 'json', DATA_DIR: folder };
  const config = parseConfig({ ...quiet, ...env, IVR_CALL_REPORT_PORT: '0', HTTP_PORT: '0' });
  running = await run({ ...config, databaseUrl: database.url });
  return `http://127.0.0.1:${new URL(running.http).port}`;
}

async function cli(...words: readonly string[]): Promise<string> {
  return (await runCommand(keysCommand(), ...words)).output.trim();
}

test('where other machines could ask nothing starts without a key, and nothing is received', async () => {
  await expect(start({ HTTP_HOST: '0.0.0.0' })).rejects.toThrow(/no key has been made.*ringledger keys create/s);
  const pool = testPool(database);
  expect((await pool.query('select from receiver')).rowCount).toBe(0);
  await pool.end();
});

test('a key made while the server is stopped lets it start for other machines; one revoked while it runs opens nothing', async () => {
  const secret = await cli('create', '--name', 'desk', '--scopes', 'calls:read,gaps:read', '--expires', '90d');
  const api = { url: await start({ HTTP_HOST: '0.0.0.0' }) };
  expect((await read(api, '/api/v1/calls')).status).toBe(401);
  expect((await read(api, '/api/v1/calls', shown(secret))).status).toBe(200);
  const prefix = secret.slice(0, 11);
  expect(await cli('revoke', prefix)).toMatch(new RegExp(`^${prefix} \\(desk\\) is revoked since 20`));
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect((await read(api, '/api/v1/calls', shown(secret))).status).toBe(401);
  const listed = await cli('list');
  expect(listed).toMatch(new RegExp(`^${prefix} {2}desk {2}calls:read gaps:read {2}all sources {2}revoked 20`));
  expect(listed).not.toContain(secret.slice(12));
});

test('a key that cannot be made is refused with every reason, as the command names its options', async () => {
  const made = cli('create', '--name', ' ', '--scopes', 'calls:write', '--expires', '2020-01-01T00:00:00Z');
  await expect(made).rejects.toThrow(/--name must be.*--scopes must be.*--expires must lie/s);
  await expect(cli('create', '--name', 'x', '--scopes', 'admin', '--expires', 'soon')).rejects.toThrow(/90d/);
  await expect(cli('revoke', 'rl_00000000')).rejects.toThrow('There is no key with this prefix');
  expect(await cli('list')).toBe('No key has been made.');
});

test('INITIAL_ADMIN_KEY_FILE: a first key is written for its owner alone, once', async () => {
  const file = join(folder, 'admin.key');
  const env = { HTTP_HOST: '0.0.0.0', INITIAL_ADMIN_KEY_FILE: file };
  const api = { url: await start(env) };
  const secret = readFileSync(file, 'utf8').trim();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect((await read(api, '/api/v1/gaps', shown(secret))).status).toBe(200);
  await running?.stop();
  writeFileSync(file, 'something else');
  await start(env);
  expect(readFileSync(file, 'utf8')).toBe('something else');
  expect(JSON.parse(await cli('list', '--json'))).toMatchObject([{ name: 'first admin', scopes: ['admin'] }]);
});

test('INITIAL_ADMIN_KEY_FILE: a key that was laid there is taken; a text that can be guessed is not', async () => {
  const file = join(folder, 'admin.key');
  writeFileSync(file, 'hunter2\n');
  chmodSync(file, 0o400);
  const env = { HTTP_HOST: '0.0.0.0', INITIAL_ADMIN_KEY_FILE: file };
  await expect(start(env)).rejects.toThrow('INITIAL_ADMIN_KEY_FILE holds no key');
  rmSync(file);
  const secret = `rl_00c0ffee_${'0123456789abcdef'.repeat(4)}`;
  writeFileSync(file, `${secret}\n`);
  const api = { url: await start(env) };
  expect((await read(api, '/api/v1/calls', shown(secret))).status).toBe(200);
});

test('INITIAL_ADMIN_KEY_FILE: no key is made that could not be written down', async () => {
  const file = join(folder, 'secrets', 'admin.key');
  const env = { HTTP_HOST: '0.0.0.0', INITIAL_ADMIN_KEY_FILE: file };
  await expect(start(env)).rejects.toThrow('INITIAL_ADMIN_KEY_FILE cannot be written, and no key was made');
  expect(await cli('list')).toBe('No key has been made.');
  mkdirSync(join(folder, 'secrets'));
  const api = { url: await start(env) };
  expect((await read(api, '/api/v1/calls', shown(readFileSync(file, 'utf8').trim()))).status).toBe(200);
});

test('INITIAL_ADMIN_KEY_FILE: an empty file that everybody may read is closed to them', async () => {
  const file = join(folder, 'admin.key');
  writeFileSync(file, '', { mode: 0o644 });
  await start({ HTTP_HOST: '0.0.0.0', INITIAL_ADMIN_KEY_FILE: file });
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test.each([
  [
    'a start that ends between the file and the key leaves a file the next one makes the key of',
    "raise ''away''",
    true,
  ],
  ['a key that was refused leaves no file that looks like one', 'return null', false],
])('INITIAL_ADMIN_KEY_FILE: %s', async (_what, refusal, stays) => {
  const file = join(folder, 'admin.key');
  const env = { HTTP_HOST: '0.0.0.0', INITIAL_ADMIN_KEY_FILE: file };
  const pool = testPool(database);
  await pool.query(`create function refuse() returns trigger language plpgsql as 'begin ${refusal}; end'`);
  await pool.query('create trigger refusing before insert on api_key for each row execute function refuse()');
  try {
    await expect(start(env)).rejects.toThrow();
    const written = existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
    expect(written !== null).toBe(stays);
    await pool.query('drop function refuse() cascade');
    const api = { url: await start(env) };
    const secret = readFileSync(file, 'utf8').trim();
    if (stays) expect(secret).toBe(written);
    expect((await read(api, '/api/v1/calls', shown(secret))).status).toBe(200);
  } finally {
    await pool.end();
  }
});
