/** Schema bi on real PostgreSQL: what each role sees, and that it sees nothing else. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { maskedNumber } from '../../src/log.mask.js';
import { grantBi, isLoginName } from '../../src/store/bi/grant.js';
import { type TestDatabase, testDatabase, testPool } from '../support/database.js';
import { insertCall, insertGap, insertSource, time } from '../support/rows.js';

const VIEWS = ['calls', 'notifications', 'gaps', 'hourly', 'daily', 'sources', 'menus'];
// Roles are the cluster's, which other tests use too.
const LOGIN = `reader_${randomBytes(4).toString('hex')}`;
const CLEAR_LOGIN = `${LOGIN}_clear`;

let database: TestDatabase;
let pool: pg.Pool;
let masked: pg.Client;
let clear: pg.Client;

async function loggedIn(name: string, seesNumbers: boolean): Promise<pg.Client> {
  const url = new URL(database.url);
  url.password = (await grantBi(database.url, { name, clear: seesNumbers })) ?? '';
  url.username = name;
  const client = new pg.Client({ connectionString: url.toString() });
  await client.connect();
  return client;
}

beforeAll(async () => {
  database = await testDatabase();
  pool = testPool(database);
  await insertSource(pool);
  await insertCall(pool, { first_seen_at: time(0), caller_number: '+442071234512' });
  await insertCall(pool, { first_seen_at: time(1), caller_number: '442071234512', callee_number: null });
  await insertCall(pool, { first_seen_at: time(2), caller_number: '+442079999912' });
  await insertGap(pool, { opened_at: time(5) });
  masked = await loggedIn(LOGIN, false);
  clear = await loggedIn(CLEAR_LOGIN, true);
}, 60_000);
afterAll(async () => {
  await Promise.all([masked.end(), clear.end()]);
  for (const name of [LOGIN, CLEAR_LOGIN]) await pool.query(`drop role ${name}`);
  await pool.end();
  await database.close();
}, 20_000);

async function refusal(client: pg.Client, sql: string): Promise<string> {
  try {
    const { rowCount } = await client.query(sql);
    return `answered with ${String(rowCount)} rows`;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('what a reader sees', () => {
  test('every view, and nothing of a number but its ends', async () => {
    for (const view of VIEWS) await expect(masked.query(`select * from ${view}`)).resolves.toBeDefined();
    const { rows } = await masked.query('select caller_number, callee_number from calls order by first_seen_at');
    expect(rows).toEqual([
      { caller_number: '+4420*****12', callee_number: '1555*****11' },
      { caller_number: '4420*****12', callee_number: null },
      { caller_number: '+4420*****12', callee_number: '1555*****11' },
    ]);
  });

  test('distinct callers can be counted by their keys, with and without a +, and keys are the same for both roles', async () => {
    const keys = 'select caller_key, callee_key from bi.calls order by first_seen_at';
    const { rows } = await masked.query<{ caller_key: string; callee_key: string | null }>(keys);
    expect(new Set(rows.map((row) => row.caller_key)).size).toBe(2);
    expect(rows[0]?.caller_key).toBe(rows[1]?.caller_key);
    expect(rows[0]?.caller_key).toMatch(/^[0-9a-f]{24}$/);
    expect(rows[1]?.callee_key).toBeNull();
    expect((await clear.query(keys)).rows).toEqual(rows);
  });

  test('a member of ringledger_bi_clear sees numbers', async () => {
    const { rows } = await clear.query("select id from calls where caller_number = '+442071234512'");
    expect(rows).toHaveLength(1);
  });

  test('a filter, a sort and an error of a masked number say no more than the mask', async () => {
    const found = await masked.query(
      "select from calls where caller_number like '%7123%' or caller_number = '+442071234512'",
    );
    expect(found.rowCount).toBe(0);
    const { rows } = await masked.query<{ caller_number: string }>(
      'select caller_number from calls where caller_number like \'+%\' order by caller_number collate "C", first_seen_at desc',
    );
    expect(rows.map((row) => row.caller_number)).toEqual(['+4420*****12', '+4420*****12']);
    await expect(masked.query('select caller_number::bigint from calls')).rejects.toThrow(/"\+?4420\*\*\*\*\*12"/);
    const plan = await masked.query<Record<'QUERY PLAN', string>>(
      "explain select * from calls where caller_number = '+442071234512'",
    );
    expect(plan.rows.some((row) => row['QUERY PLAN'].includes('Index Cond: (caller'))).toBe(false);
  });

  test('masks are those of REST', async () => {
    const numbers = [
      '+442071234512',
      '44',
      '900',
      '123456',
      '1234567',
      '+1234567',
      '12345678',
      '+99',
      'anonymous',
      '',
      '+',
      '12#34567890',
      ...['#31#4420', '*1#2#345', '*123456#', '+#1#23456', '#31#442071234512', '*#'],
    ];
    const { rows } = await pool.query<{ shown: string }>('select bi_masked(n) as shown from unnest($1::text[]) as n', [
      numbers,
    ]);
    expect(rows.map(({ shown }) => shown)).toEqual(numbers.map(maskedNumber));
  });
});

describe('what a reader is refused', () => {
  const NO = '42501';
  const REFUSED: readonly (readonly [string, string])[] = [
    ...[
      'call',
      'call_settled',
      'notification',
      'gap',
      'quarantine',
      'call_change',
      'source',
      'call_hour',
      '_prisma_migrations',
    ].map((table): readonly [string, string] => [`select * from public.${table}`, NO]),
    ['select * from public.bi_secret', NO],
    ['select inner_key from public.bi_secret limit 0', NO],
    ['delete from bi.calls', NO],
    ["update bi.sources set name = 'x'", NO],
    ['insert into bi.gaps (id) values (gen_random_uuid())', NO],
    ['create table public.mine ()', NO],
    ['create view bi.mine as select 1', NO],
    ['create schema mine', NO],
    ['create function bi.leak(text) returns boolean language sql return true', NO],
    ["select pg_read_file('postgresql.conf')", NO],
    ["copy (select 1) to program 'true'", NO],
    ["copy (select 1) to '/x'", NO],
    ['select * from pg_authid', NO],
    ['select * from pg_statistic', NO],
    ['select passwd from pg_shadow', NO],
    ['set role ringledger_bi_clear', NO],
    ['set session authorization ringledger_bi_clear', NO],
    ['select pg_terminate_backend(pid) from pg_stat_activity where usename <> current_user limit 1', NO],
    ["select lo_import('/etc/passwd')", NO],
    ['alter role current_user superuser', NO],
    ['grant ringledger_bi_clear to current_user', NO],
  ];
  test.each(REFUSED)('%s', async (sql, code) => {
    await masked.query('set default_transaction_read_only = off');
    expect(await refusal(masked, sql)).toBe(code);
    await masked.query('reset default_transaction_read_only');
  });

  test('the clear role is refused the same tables', async () => {
    expect(await refusal(clear, 'select * from public.call')).toBe(NO);
    expect(await refusal(clear, 'select * from public.bi_secret')).toBe(NO);
  });

  test('queries of others in pg_stat_activity, and the values statistics keep of numbers', async () => {
    const secret = `/* 442071234512 */ select pg_sleep(0.001)`;
    await pool.query(secret);
    const { rows } = await masked.query<{ text: string }>(
      "select coalesce(query, '') as text from pg_stat_activity where usename <> current_user",
    );
    expect(rows.filter(({ text }) => text !== '<insufficient privilege>' && text !== '')).toEqual([]);
    await pool.query('analyze call');
    expect((await masked.query("select from pg_stats where schemaname = 'public'")).rowCount).toBe(0);
  });

  test('a query is ended after the statement timeout, and sessions are read-only to begin with', async () => {
    const fresh = await loggedIn(LOGIN, false);
    try {
      const { rows } = await fresh.query<{ timeout: string; readOnly: string }>(
        `select current_setting('statement_timeout') as timeout, current_setting('transaction_read_only') as "readOnly"`,
      );
      expect(rows).toEqual([{ timeout: '1min', readOnly: 'on' }]);
    } finally {
      await fresh.end();
    }
  });
});

describe('the schema itself', () => {
  test('every view and every column has a comment', async () => {
    const { rows } = await pool.query(
      `select oid::regclass as view, attname as column from pg_class join pg_attribute on attrelid = oid
       where relnamespace = 'bi'::regnamespace and attnum >= 0 and coalesce(col_description(oid, attnum), '') = ''
       union all select oid::regclass, '' from pg_class where relnamespace = 'bi'::regnamespace and obj_description(oid) is null`,
    );
    expect(rows).toEqual([]);
  });

  test('holds the views it promises', async () => {
    const { rows } = await masked.query<{ name: string }>(
      "select relname as name from pg_class where relnamespace = 'bi'::regnamespace",
    );
    expect(rows.map(({ name }) => name).sort()).toEqual([...VIEWS].sort());
  });

  test('a period of calls is read by the index, views between or not', async () => {
    await masked.query('set enable_seqscan = off');
    const { rows } = await masked.query<Record<'QUERY PLAN', string>>(
      "explain select count(*) from calls where first_seen_at >= '2026-03-01' and first_seen_at < '2026-03-02'",
    );
    await masked.query('reset enable_seqscan');
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('Index Cond: ((first_seen_at');
  });
});

describe('granting', () => {
  test('may be done again: the login gets a new password and may be given less', async () => {
    const name = `${LOGIN}_again`;
    const first = await grantBi(database.url, { name, clear: true });
    const second = await grantBi(database.url, { name, clear: false });
    expect(second).not.toBe(first);
    const { rows } = await pool.query(`select pg_has_role($1, 'ringledger_bi_clear', 'member') as clear`, [name]);
    expect(rows).toEqual([{ clear: false }]);
    await pool.query(`drop role ${name}`);
  });

  test("turns nobody's own role into a reader", async () => {
    const name = `${LOGIN}_theirs`;
    await pool.query(`create role ${name} login`);
    await expect(grantBi(database.url, { name, clear: false })).rejects.toThrow(/is no reader of bi/);
    await pool.query(`drop role ${name}`);
  });

  test('by a role that may make none says so and changes nothing', async () => {
    const url = new URL(database.url);
    url.username = LOGIN;
    url.password = (await grantBi(database.url, { name: LOGIN, clear: false })) ?? '';
    await expect(grantBi(url.toString(), { name: `${LOGIN}_more`, clear: false })).rejects.toThrow(
      /may not make roles/,
    );
  });

  test('takes names that need no quotes and are not ours', () => {
    expect(['metabase', 'bi_2', '_x'].map(isLoginName)).toEqual([true, true, true]);
    expect(
      ['Postgres', 'postgres', 'pg_x', 'ringledger_bi', 'a-b', '', '1a', "x'; drop"].map(isLoginName),
    ).not.toContain(true);
  });
});
