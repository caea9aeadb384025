/** The numbers of a source that are read in E.164, change by change. */
import type pg from 'pg';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { readNumbers } from '../../src/store/sources/number-forms.js';
import { type TestDatabase, testDatabase, testPool, testPrisma } from '../support/database.js';
import { WRITTEN } from '../support/changing.js';
import { insertCall, insertSource } from '../support/rows.js';

/** More than one statement looks at. */
const CHANGES = 20_500;

let database: TestDatabase;
let pool: pg.Pool;
let prisma: PrismaClient;

beforeAll(async () => {
  database = await testDatabase();
  pool = testPool(database);
  prisma = testPrisma(database);
}, 60_000);
afterAll(async () => {
  await prisma.$disconnect();
  await pool.end();
  await database.close();
}, 20_000);

test('a transaction that holds more than a page of them is read to its end', async () => {
  await insertSource(pool, { number_rules: '{"country":"GB","rewrites":[]}', number_rules_version: 1 });
  const read = (_rules: unknown, number: string): string => `+${number}`;
  await readNumbers(prisma, read);
  await insertCall(pool, { callee_number: null });
  // As so many calls that one batch changed.
  await pool.query(
    `with ${WRITTEN}, one as (select * from call)
     insert into call_change select change.* from one, written, generate_series(1, $1::integer) as n,
       jsonb_populate_record(null::call_change, to_jsonb(one) || jsonb_build_object(
         'tx', tx, 'at', now(), 'superseded', false, 'revision', n, 'caller_number', (442000000000 + n)::text)) as change`,
    [CHANGES],
  );
  await readNumbers(prisma, read);
  const { rows } = await pool.query(
    'select count(*)::int as read, bool_and(numbers_through > 0) as through from number_form, source',
  );
  expect(rows).toEqual([{ read: CHANGES, through: true }]);
});
