/** The migrations, the schema and Prisma's own CLI agree; guards against a schema that was changed without its migration. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CALL_STATES, DISPOSITION_BASES, DISPOSITIONS, END_PROVENANCES } from '../../src/notification.js';
import { GAP_CERTAINTIES, GAP_KINDS, GAP_STATUSES, SERIAL_MEANINGS } from '../../src/notification.js';
import { testDatabase, testPool, type TestDatabase } from '../support/database.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SLOW_MS = 120_000;

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
});

afterAll(async () => {
  await database.close();
});

async function prisma(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['node_modules/prisma/build/index.js', ...args], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: database.url },
  });
  return stdout;
}

test(
  "Prisma's CLI finds our migrations applied",
  async () => {
    expect(await prisma('migrate', 'status')).toContain('Database schema is up to date');
  },
  SLOW_MS,
);

test(
  'the migrated database is the one schema.prisma declares',
  async () => {
    const sql = await prisma(
      'migrate',
      'diff',
      '--from-config-datasource',
      '--to-schema',
      'prisma/schema.prisma',
      '--script',
    );
    const statements = sql.split('\n').filter((line) => line !== '' && !line.startsWith('--'));
    expect(statements).toEqual([]);
  },
  SLOW_MS,
);

test.each([
  ['call_state_check', CALL_STATES],
  ['call_disposition_check', DISPOSITIONS],
  ['call_disposition_basis_check', DISPOSITION_BASES],
  ['call_end_provenance_check', END_PROVENANCES],
  ['gap_kind_check', GAP_KINDS],
  ['gap_certainty_check', GAP_CERTAINTIES],
  ['gap_status_check', GAP_STATUSES],
  ['source_serial_meaning_check', SERIAL_MEANINGS],
])('%s allows the values the program knows and no other', async (name, values) => {
  const pool = testPool(database);
  const { rows } = await pool.query<{ rule: string }>(
    'select pg_get_constraintdef(oid) as rule from pg_constraint where conname = $1 and conparentid = 0',
    [name],
  );
  await pool.end();
  expect(rows[0]?.rule.match(/'[^']*'/g)).toEqual(values.map((value) => `'${value}'`));
});

test('every table says what its key holds', async () => {
  const pool = testPool(database);
  const { rows } = await pool.query<{ name: string }>(
    `select relname as name from pg_class
     where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and obj_description(oid) is null`,
  );
  await pool.end();
  expect(rows).toEqual([{ name: '_prisma_migrations' }]);
});
