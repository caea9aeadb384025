/** docs/bi.md followed as written, through a driver in place of psql: its command, its steps, its ten questions. */
import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { jest } from '@jest/globals';
import pg from 'pg';
import { biCommand } from '../../src/cli/bi.js';
import { type TestDatabase, testDatabase, testPool } from '../support/database.js';
import { insertCall, insertGap, insertSource, RINGING, type Row, time } from '../support/rows.js';

const PAGE = readFileSync(new URL('../../docs/bi.md', import.meta.url), 'utf8');
const STEPS = [...PAGE.matchAll(/```sql\n(.*?)```/gs)].map((found) => found[1] ?? '');
const QUESTIONS = [...PAGE.matchAll(/^### (\d+\. [^\n]*)\n```sql\n(.*?)```/gms)].map(
  ([, title = '', sql = '']): readonly [string, string] => [title, sql],
);
// Roles are the cluster's, which other tests use too.
const LOGIN = `metabase_${randomBytes(4).toString('hex')}`;

let database: TestDatabase;
let pool: pg.Pool;
let reader: pg.Client;

/** What the command prints to standard output. */
async function run(...words: string[]): Promise<string> {
  const printed = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  const told = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  const before = process.env['DATABASE_URL'];
  process.env['DATABASE_URL'] = database.url;
  try {
    await biCommand().parseAsync(words, { from: 'user' });
    return printed.mock.calls.flat().join('\n');
  } finally {
    if (before === undefined) delete process.env['DATABASE_URL'];
    else process.env['DATABASE_URL'] = before;
    printed.mockRestore();
    told.mockRestore();
  }
}

const MISSED: Row = {
  disposition: 'not_answered',
  disposition_basis: 'proven',
  answered_at: null,
  talk_ms: null,
  ring_ms: 20_000,
};

beforeAll(async () => {
  database = await testDatabase();
  pool = testPool(database);
  await insertSource(pool);
  const caller = { caller_number: '+442071234512', menu_id: '7', menu_name: 'Sales' };
  await insertCall(pool, { ...caller, first_seen_at: time(0) });
  await insertCall(pool, { ...caller, first_seen_at: time(1), ...MISSED });
  await insertCall(pool, { ...caller, first_seen_at: time(30), talk_ms: 90_000, ended_at: time(32) });
  await insertCall(pool, { menu_id: '8', first_seen_at: time(0, 20_000), ...MISSED, caller_number: '4930111222333' });
  await insertCall(pool, {
    ...{ menu_id: '8', first_seen_at: time(1_500), disposition: 'unknown', disposition_basis: null, answered_at: null },
    ...{ talk_ms: null, talk_ms_max: 600_000, ring_ms: null, ringing_at: null },
  });
  await insertCall(pool, { ...RINGING, first_seen_at: time(1_600), caller_number: null });
  // Two days on, callers that are not known: one call nobody took, and one that was answered and whose Bye was lost.
  const anonymous = { menu_id: '9', caller_number: null, ended_at: null, end_provenance: 'presumed', talk_ms: null };
  const presumed_ended_at = time(3_010);
  await insertCall(pool, { ...MISSED, ...anonymous, first_seen_at: time(3_000), presumed_ended_at });
  await insertCall(pool, { ...anonymous, first_seen_at: time(3_000), presumed_ended_at, talk_ms_min: 0 });
  await insertGap(pool, { opened_at: time(1_500), estimated_lost: 0.25 });
  const url = new URL(database.url);
  url.password = await run('grant', '--login', LOGIN);
  url.username = LOGIN;
  await run('recount');
  // Values as PostgreSQL writes them: a date is no instant.
  const types = {
    getTypeParser:
      () =>
      (value: string): string =>
        value,
  };
  reader = new pg.Client({ connectionString: url.toString(), types });
  await reader.connect();
}, 60_000);
afterAll(async () => {
  await reader.end();
  await pool.query(`drop role ${LOGIN}`);
  await pool.end();
  await database.close();
}, 20_000);

/** Rows as a table: the values of a row with spaces between. */
async function table(sql: string): Promise<readonly string[]> {
  const { rows } = await reader.query<Record<string, unknown>>(sql);
  return rows.map((row) => Object.values(row).map(String).join(' '));
}

const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  '1': ['2026-03-01 4 2 2 0', '2026-03-02 2 0 0 1', '2026-03-03 2 1 1 0'],
  '2': ['7 Sales 3 66.7', '9 null 2 50.0', '8 null 2 0.0', 'null null 1 null'],
  '3': ['13 2 2 0', '14 0 0 1', '15 1 1 0'],
  '4': ['7 2 60.0 30 90', '8 0 null null null', '9 0 null null null', 'null 0 null null null'],
  '5': ['answered 3 5000 5000', 'not_answered 3 20000 20000'],
  '6': ['2026-03-01 2 2', '2026-03-02 1 0'],
  '8': ['2026-03-01 2', '2026-03-02 1'],
  '9': ['2026-03-02 ivr state possible open 1 0.25'],
  '10': ['ivr an OK may be missing 1 0 1 0 10.0', 'ivr no Bye was seen 2 1 0 1 null'],
};

test('the page asks ten questions', () => {
  expect(QUESTIONS.map(([title]) => Number(title.split('.')[0]))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test.each(QUESTIONS)('%s', async (title, sql) => {
  const rows = await table(sql);
  const [number = ''] = title.split('.');
  // The key of question 7 is made with a secret of the database's own.
  if (number === '7') expect(rows).toEqual([expect.stringMatching(/^4930\*{5}33 [0-9a-f]{24} 1$/)]);
  // Days of the ringing call end now.
  else if (number === '8') expect(rows.slice(0, 2)).toEqual(ANSWERS[number]);
  else expect(rows).toEqual(ANSWERS[number]);
});

test('every statement of the page runs as the login it makes', async () => {
  for (const sql of STEPS) await expect(reader.query(sql)).resolves.toBeDefined();
  expect(STEPS.length).toBe(13);
});
