import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { databaseFault } from '../../src/store/connect.js';
import { forgetFailure, migrate } from '../../src/store/migrate.js';
import { emptyDatabase, testPool, type TestDatabase } from '../support/database.js';

const RELEASED = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));
const LEDGER = '20261122000000_ledger';

let database: TestDatabase;
let pool: pg.Pool;
let folder: string;

beforeEach(async () => {
  database = await emptyDatabase();
  pool = testPool(database);
  folder = mkdtempSync(join(tmpdir(), 'ringledger-migrations-'));
  cpSync(RELEASED, folder, { recursive: true });
});

afterEach(async () => {
  await pool.end();
  await database.close();
  rmSync(folder, { recursive: true });
});

const fileOf = (name: string): string => join(folder, name, 'migration.sql');

function write(name: string, sql: string): void {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(fileOf(name), sql);
}

test('migrations are applied once, in the order of their names', async () => {
  write('20990101000000_b', 'insert into mark values (1)');
  write('20980101000000_a', 'create table mark (n integer)');
  const released = readdirSync(RELEASED, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  expect(await migrate(database.url, { folder })).toEqual([...released, '20980101000000_a', '20990101000000_b']);
  expect(await migrate(database.url, { folder })).toEqual([]);
});

test('receivers that start together migrate once', async () => {
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(database.url)));
  expect(applied.filter((names) => names.includes(LEDGER))).toHaveLength(1);
});

test('a migration that fails keeps nothing, says why, and stops every start until it is retried', async () => {
  write('20990101000000_bad', 'create table half (n integer); select 1 / 0');
  await expect(migrate(database.url, { folder })).rejects.toThrow(
    /20990101000000_bad failed and nothing of it was kept: division by zero.*migrate --retry/s,
  );
  expect((await pool.query(`select from pg_class where relname = 'half'`)).rowCount).toBe(0);
  await expect(migrate(database.url, { folder })).rejects.toThrow(/20990101000000_bad failed on .*migrate --retry/s);

  write('20990101000000_bad', 'create table half (n integer)');
  expect(await forgetFailure(database.url, '20990101000000_other')).toBe(false);
  expect(await forgetFailure(database.url, '20990101000000_bad')).toBe(true);
  expect(await migrate(database.url, { folder })).toEqual(['20990101000000_bad']);
});

test('a migration edited after it was applied stops the start, other line ends do not', async () => {
  await migrate(database.url, { folder });
  const sql = readFileSync(fileOf(LEDGER), 'utf8');
  writeFileSync(fileOf(LEDGER), sql.replaceAll('\n', '\r\n'));
  expect(await migrate(database.url, { folder })).toEqual([]);
  writeFileSync(fileOf(LEDGER), `${sql}-- edited\n`);
  await expect(migrate(database.url, { folder })).rejects.toThrow(`${LEDGER} was edited after it was applied`);
});

test('a database of a newer program stops the start', async () => {
  write('20990101000000_newer', 'create table newer (n integer)');
  await migrate(database.url, { folder });
  await expect(migrate(database.url)).rejects.toThrow('20990101000000_newer is not known here');
});

test('a start that was killed in the middle of a migration leaves nothing behind', async () => {
  await migrate(database.url, { folder });
  write('20990101000000_slow', 'create table slow (n integer); select pg_sleep(60)');
  const killed = expect(migrate(database.url, { folder })).rejects.toThrow('went away during the migration');
  let cut = 0;
  while (cut === 0) {
    const { rowCount } = await pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()
         and datname = current_database()`,
    );
    cut = rowCount ?? 0;
  }
  await killed;
  write('20990101000000_slow', 'create table slow (n integer)');
  expect(await migrate(database.url, { folder })).toEqual(['20990101000000_slow']);
});

test('a database that is away is waited for, then named without its password', async () => {
  const url = 'postgresql://someone:hunter2@127.0.0.1:1/ledger';
  const before = performance.now();
  const error: unknown = await migrate(url, { waitMs: 400 }).catch((reason: unknown) => reason);
  expect(performance.now() - before).toBeGreaterThan(400);
  expect(String(error)).toMatch(/The database 127\.0\.0\.1:1\/ledger did not answer/);
  expect(String(error)).not.toContain('hunter2');
});

test('whoever waits for a database is told so at once, and a signal ends the waiting', async () => {
  const told: string[] = [];
  const stop = new AbortController();
  const tell = (sentence: string): void => {
    told.push(sentence);
    stop.abort();
  };
  const url = 'postgresql://someone:hunter2@127.0.0.1:1/ledger';
  const waiting = migrate(url, { waitMs: Number.POSITIVE_INFINITY, tell, signal: stop.signal });
  await expect(waiting).rejects.toThrow('did not answer');
  expect(told).toEqual(['Waiting for the database 127.0.0.1:1/ledger (ECONNREFUSED).']);
});

test('a port that is not a database is given up on in words', async () => {
  const server = createServer((socket) => socket.end('SSH-2.0-no\r\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const url = `postgresql://someone:hunter2@127.0.0.1:${String(port)}/ledger`;
  await expect(migrate(url, { waitMs: 100 })).rejects.toThrow(/^The database 127\.0\.0\.1:\d+\/ledger/);
  server.close();
});

test.each([
  ['28P01', 'refused the user or the password'],
  ['3D000', 'has no database of the name'],
  ['53100', 'has a full disk'],
])('SQLSTATE %s is a sentence', (code, words) => {
  const sentence = databaseFault(Object.assign(new Error('x'), { code }), 'postgresql://u:hunter2@db/ledger');
  expect(sentence).toContain(`The database db:5432/ledger ${words}`);
  expect(sentence).not.toContain('hunter2');
});
