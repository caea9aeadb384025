/** `ringledger bi grant` as a role that owns the database and may make roles, and is no superuser: on a PostgreSQL of its own, which asks for passwords. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { grantBi } from '../../src/store/bi/grant.js';
import { type Embedded, startEmbedded } from '../../src/store/embedded/embedded.js';
import { migrate } from '../../src/store/migrate.js';

const SETTINGS = { fsync: 'off', full_page_writes: 'off', shared_buffers: '32MB', log_statement: 'ddl' };
const ASKED = 'local all ringledger trust\nlocal all all scram-sha-256\n';
const OWNER_PASSWORD = 'the owner of the ledger';
const NO = { code: '42501' };

let folder: string;
let embedded: Embedded;
let superuser: pg.Client;
let ledger: string;

function urlOf(name: string, password: string): string {
  const url = new URL(embedded.url);
  [url.pathname, url.username, url.password] = ['/ledger', name, password];
  return url.toString();
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

async function asked<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connected(url);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Makes the login by the owner, or gives it a new password. */
async function granted(name: string, clear = false): Promise<string> {
  return urlOf(name, (await grantBi(ledger, { name, clear })) ?? '');
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringledger-grant-'));
  embedded = await startEmbedded(folder, { settings: SETTINGS });
  superuser = await connected(embedded.url);
  await superuser.query(`create role owner login createrole password '${OWNER_PASSWORD}'`);
  await superuser.query('create database ledger owner owner');
  const { rows } = await superuser.query<{ hba_file: string }>('show hba_file');
  writeFileSync(rows[0]?.hba_file ?? '', ASKED);
  await superuser.query('select pg_reload_conf()');
  ledger = urlOf('owner', OWNER_PASSWORD);
  await migrate(ledger);
}, 120_000);
afterAll(async () => {
  await superuser.end();
  await embedded.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

test('CREATEROLE is enough, again and again, and the login reads bi and nothing else', async () => {
  const first = await granted('metabase');
  const second = await granted('metabase');
  await expect(connected(first)).rejects.toMatchObject({ code: '28P01' });
  await asked(second, async (reader) => {
    await expect(reader.query('select from bi.calls')).resolves.toBeDefined();
    await reader.query('set default_transaction_read_only = off');
    await expect(reader.query('select from public.call')).rejects.toMatchObject(NO);
    await expect(reader.query('create table public.mine ()')).rejects.toMatchObject(NO);
    await expect(reader.query('create table bi.mine ()')).rejects.toMatchObject(NO);
  });
});

test('a view of a later version is read without a new grant, also where a superuser ran the last one', async () => {
  const reader = await granted('grafana');
  await grantBi(urlOf('ringledger', ''), null);
  await asked(ledger, (client) => client.query('create view bi.later as select 1 as one'));
  const read = asked(reader, (client) => client.query('select one from bi.later'));
  await expect(
    read.finally(() => asked(ledger, (client) => client.query('drop view bi.later'))),
  ).resolves.toMatchObject({ rowCount: 1 });
});

test('what a superuser gave a login its owner does not leave it with', async () => {
  await granted('auditor');
  await grantBi(urlOf('ringledger', ''), { name: 'auditor', clear: true });
  await expect(grantBi(ledger, { name: 'auditor', clear: false })).rejects.toThrow(/admin option/);
  await grantBi(urlOf('ringledger', ''), { name: 'auditor', clear: false });
  const { rows } = await superuser.query(`select pg_has_role('auditor', 'ringledger_bi_clear', 'member') as clear`);
  expect(rows).toEqual([{ clear: false }]);
});

test('the log of PostgreSQL has every statement, and no password', async () => {
  const password = new URL(await granted('superset')).password;
  const log = readFileSync(join(folder, 'postgres.log'), 'utf8');
  expect(log).toContain('alter role superset login');
  expect(log).not.toContain(password);
});

test.each(['superuser', 'createrole', 'createdb', 'replication', 'bypassrls'])(
  'a reader with %s is not taken for one',
  async (attribute) => {
    await superuser.query(`create role more login ${attribute} in role ringledger_bi`);
    await expect(granted('more')).rejects.toThrow(/or more than one/);
    await superuser.query('drop role more');
  },
);

test('the owner itself is no reader, though PostgreSQL made it a member of the roles it made', async () => {
  await expect(granted('owner')).rejects.toThrow(/is no reader/);
  await superuser.query('alter role owner nocreaterole');
  await expect(grantBi(urlOf('ringledger', ''), { name: 'owner', clear: false })).rejects.toThrow(/is no reader/);
  await expect(granted('late')).rejects.toThrow(/may not make roles/);
  await superuser.query('alter role owner createrole');
});
