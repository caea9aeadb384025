/**
 * Paging does not drift. Whatever the sort and the page size, the pages put together are the list, without
 * repeats or holes, while calls are inserted; calls of one instant and calls without the value are told apart by id.
 */
import fc from 'fast-check';
import type pg from 'pg';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { readActive } from '../../src/query/active.js';
import { readCalls } from '../../src/query/calls.js';
import type { CallRow } from '../../src/query/contract.js';
import { CALLS_QUERY, GAPS_QUERY } from '../../src/query/filters.js';
import { readGaps } from '../../src/query/gaps.js';
import type { Page } from '../../src/query/page.js';
import { readParameters } from '../../src/query/parameters.js';
import { type TestDatabase, testDatabase, testPool, testPrisma } from '../support/database.js';
import { insertCall, insertGap, RINGING, type Row, time } from '../support/rows.js';

const CALLS = 60;
const SORTS = ['firstSeenAt', 'endedAt', 'talkMs'].flatMap((name) => [name, `-${name}`]);

let database: TestDatabase;
let pool: pg.Pool;
let db: PrismaClient;
let original: ReadonlySet<string>;

/** Few distinct values, so that ties and nulls fall on page borders. */
function variety(index: number): Row {
  const first = time(index % 4);
  if (index % 5 === 0) return { ...RINGING, first_seen_at: first, stale_at: time(1000) };
  const talk_ms = index % 3 === 0 ? null : (index % 4) * 1_000;
  const ended = { answered_at: null, ended_at: index % 7 === 0 ? null : time(5 + (index % 3)), talk_ms };
  return {
    first_seen_at: first,
    ...ended,
    presumed_ended_at: index % 7 === 0 ? time(6) : null,
    settled: index % 2 === 0,
  };
}

beforeAll(async () => {
  database = await testDatabase();
  pool = testPool(database);
  db = testPrisma(database);
  const ids: string[] = [];
  for (let index = 0; index < CALLS; index += 1) {
    ids.push((await insertCall(pool, variety(index))).id);
    await insertGap(pool, { opened_at: time(index % 4) });
  }
  original = new Set(ids);
}, 60_000);
afterAll(async () => {
  await db.$disconnect();
  await pool.end();
  await database.close();
}, 20_000);

/** Every page of a list, with something done between two pages. */
async function allPages<Row>(
  read: (cursor: string | undefined) => Promise<Page<Row>>,
  between: () => Promise<void>,
): Promise<readonly Row[]> {
  const all: Row[] = [];
  let cursor: string | undefined;
  do {
    const page = await read(cursor);
    all.push(...page.data);
    cursor = page.nextCursor ?? undefined;
    if (cursor !== undefined) await between();
  } while (cursor !== undefined);
  return all;
}

const history = (sort: string, limit: number, filter: object) => (cursor: string | undefined) =>
  readCalls(db, readParameters(CALLS_QUERY, { ...filter, sort, limit, cursor }));

/** The sort key as a reader of the contract would take it from the record. */
function keyOf(call: CallRow, sort: string): number | null {
  if (sort.endsWith('talkMs')) return call.talkMs;
  const at = sort.endsWith('endedAt') ? (call.endedAt ?? call.presumedEndedAt) : call.firstSeenAt;
  return at?.getTime() ?? null;
}

/** In order of the key, then of the id, both in the sort's direction; without a key last. */
function inOrder(calls: readonly CallRow[], sort: string): boolean {
  const way = sort.startsWith('-') ? -1 : 1;
  return calls.slice(1).every((call, index) => {
    const before = calls[index];
    if (before === undefined) return false;
    const [a, b] = [keyOf(before, sort), keyOf(call, sort)];
    if (a !== b) return b === null || (a !== null && way * (b - a) > 0);
    return before.id < call.id === way > 0;
  });
}

test('pages of history put together are history, in any sort and page size, while calls come in', async () => {
  const asked = fc.record({
    sort: fc.constantFrom(...SORTS),
    limit: fc.integer({ min: 1, max: 40 }),
    filter: fc.constantFrom(
      {},
      { settled: true },
      { state: 'ended' },
      { by: 'firstSeenAt', from: time(1).toISOString() },
    ),
    inserted: fc.integer({ min: 0, max: 1000 }),
  });
  await fc.assert(
    fc.asyncProperty(asked, async ({ sort, limit, filter, inserted }) => {
      const whole = (await history(sort, 500, filter)(undefined)).data;
      const before = new Set(whole.map(({ id }) => id));
      const added: string[] = [];
      const paged = await allPages(history(sort, limit, filter), async () => {
        if (added.length < 5) added.push((await insertCall(pool, variety(inserted + added.length))).id);
      });
      expect(new Set(paged.map(({ id }) => id)).size).toBe(paged.length);
      expect(paged.filter(({ id }) => before.has(id)).map(({ id }) => id)).toEqual(whole.map(({ id }) => id));
      expect(inOrder(paged, sort)).toBe(true);
      await pool.query('delete from call where not (id = any($1))', [[...original]]);
    }),
    { numRuns: 60, endOnFailure: true },
  );
}, 120_000);

test('pages of active calls and of gaps put together are the lists', async () => {
  for (const limit of [1, 3, 7, 11, 12, 13]) {
    const active = await allPages(
      (cursor) => readActive(db, readParameters(CALLS_QUERY, { limit, cursor }), time(20).getTime()),
      () => Promise.resolve(),
    );
    expect(new Set(active.map(({ id }) => id)).size).toBe(CALLS / 5);
    expect(active).toHaveLength(CALLS / 5);
    const gaps = await allPages(
      (cursor) => readGaps(db, readParameters(GAPS_QUERY, { limit, cursor })),
      () => Promise.resolve(),
    );
    expect(new Set(gaps.map(({ id }) => id)).size).toBe(CALLS);
    expect(gaps).toHaveLength(CALLS);
  }
});

test('every row of a page has a cursor of its own, after which the rest of the list follows', async () => {
  for (const sort of SORTS) {
    const page = await history(sort, 500, {})(undefined);
    for (const index of [0, 17, 44, 58]) {
      const row = page.data[index];
      if (row === undefined) throw new Error('the list is shorter than was written');
      const rest = await history(sort, 500, {})(page.cursorOf(row));
      expect(rest.data.map(({ id }) => id)).toEqual(page.data.slice(index + 1).map(({ id }) => id));
    }
  }
});
