/** The hourly and daily figures behind schema bi are what counting all calls again gives, whatever happened in which order. */
import type pg from 'pg';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { type Random, seeded } from '../../src/simulator/sender/random.js';
import { keepOnce, keepRollups } from '../../src/store/bi/keeper.js';
import { noteAllHours } from '../../src/store/bi/recount.js';
import { CHANGED, type Change, changesOf, WRITTEN } from '../support/changing.js';
import { type TestDatabase, testDatabase, testPool, testPrisma } from '../support/database.js';
import { neighboursDone } from '../support/neighbours.js';
import { insertCall, RINGING, type Row, time } from '../support/rows.js';

let database: TestDatabase;
let pool: pg.Pool;
let db: PrismaClient;
let write: Change;

beforeAll(async () => {
  database = await testDatabase();
  pool = testPool(database);
  db = testPrisma(database);
  write = await changesOf(pool);
}, 60_000);
afterAll(async () => {
  await db.$disconnect();
  await pool.end();
  await database.close();
}, 20_000);
beforeEach(async () => {
  await pool.query('truncate call, call_change, call_hour, call_day, call_peak, rollup_due');
});

const NOW = time(5_000);
async function keep(): Promise<boolean> {
  await neighboursDone(pool);
  return keepOnce(db, () => NOW.getTime());
}

/** What bi shows and what a recount gives, as texts; equal when the figures are right. */
async function compared(view: 'hourly' | 'daily'): Promise<readonly [unknown, unknown]> {
  const sums = `calls::int, answered, not_answered, unknown, open, presumed_ended, unsettled, rung, talk_calls, talk_ms::int,
    ring_calls, ring_ms::int, late, conflict, missing::int`;
  const [begin, key] = view === 'hourly' ? ['hour_start', 'hour'] : ["day::timestamp at time zone 'UTC'", 'day'];
  const order = 'order by 1, 2, 3';
  const shown = await pool.query(`select ${begin} as begin, source, menu_id, ${sums} from bi.${view} ${order}`);
  const again = await pool.query(
    `select date_trunc('${key}', first_seen_at, 'UTC') as begin, source_key as source, menu_id, count(*)::int as calls,
       count(*) filter (where disposition = 'answered')::int as answered,
       count(*) filter (where disposition = 'not_answered')::int as not_answered,
       count(*) filter (where disposition = 'unknown')::int as unknown,
       count(*) filter (where state <> 'ended')::int as open,
       count(*) filter (where end_provenance = 'presumed')::int as presumed_ended,
       count(*) filter (where not settled)::int as unsettled, count(ringing_at)::int as rung,
       count(talk_ms)::int as talk_calls, coalesce(sum(talk_ms), 0)::int as talk_ms,
       count(ring_ms)::int as ring_calls, coalesce(sum(ring_ms), 0)::int as ring_ms,
       count(*) filter (where late)::int as late, count(*) filter (where conflict)::int as conflict,
       sum(missing_count)::int as missing
     from call group by 1, 2, 3 ${order}`,
  );
  return [shown.rows, again.rows];
}

/** Until every change can be told: autovacuum's transactions keep them back too. */
async function told(): Promise<void> {
  const waiting =
    'select from call_change, change_base where tx >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint + ahead';
  while ((await pool.query(`${waiting} limit 1`)).rowCount !== 0) await new Promise((next) => setTimeout(next, 20));
}

async function expectRight(): Promise<void> {
  await told();
  expect(await keep()).toBe(true);
  for (const view of ['hourly', 'daily'] as const) {
    const [shown, again] = await compared(view);
    expect(shown).toEqual(again);
  }
}

interface Known {
  readonly callKey: string;
  readonly id: string;
}

async function begin(row: Row): Promise<Known> {
  const known = await insertCall(pool, row);
  await write('update call set changed_tx = (select tx from written) where id = $1 returning *', [known.id]);
  return known;
}

/** As a re-cut takes an id away: with a last revision. */
async function takeAway(id: string): Promise<void> {
  await pool.query(`with ${WRITTEN} update call set ${CHANGED} where id = $1`, [id]);
  await write('delete from call where id = $1 returning *', [id], true);
}

/** One random thing that happens to calls: the first revision, an answer, an end, settling, an earlier first receipt, a re-cut. */
async function happen(random: Random, calls: Known[]): Promise<void> {
  const first = time(random.below(4_000), random.below(60_000));
  const call = calls.length === 0 ? undefined : random.pick(calls);
  const kind = call === undefined ? 0 : random.below(7);
  if (call === undefined || kind <= 1) {
    const row = {
      first_seen_at: first,
      menu_id: random.pick(['7', '8', null]),
      source_key: random.pick(['ivr', 'other']),
    };
    calls.push(await begin({ ...RINGING, ...row }));
    return;
  }
  const update = (assignments: string, ...values: unknown[]): Promise<void> =>
    write(`update call set ${assignments}, ${CHANGED} where id = $1 returning *`, [call.id, ...values]);
  if (kind === 2) await update("disposition = 'unknown', state = 'ended', end_provenance = 'presumed', late = true");
  if (kind === 3)
    await update("disposition = 'answered', state = 'ended', talk_ms = $2, ring_ms = 4000", random.below(90_000));
  if (kind === 4) await update('settled = true, missing_count = 1');
  if (kind === 5) await update('first_seen_at = $2, ringing_at = $2, menu_id = $3', first, random.pick(['8', '9']));
  if (kind === 6) {
    await takeAway(call.id);
    calls.splice(calls.indexOf(call), 1);
  }
}

test.each(['a', 'b', 'c'])(
  'random changes, late revisions, re-cuts and deletions leave them right: seed %s',
  async (seed) => {
    const random = seeded(seed, 'rollups');
    const calls: Known[] = [];
    for (let step = 0; step < 120; step++) {
      await happen(random, calls);
      if (random.chance(0.05)) await expectRight();
    }
    await expectRight();
  },
  60_000,
);

test('an hour that loses its last call has no row', async () => {
  const call = await begin({ first_seen_at: time(0), menu_id: '7' });
  await expectRight();
  await takeAway(call.id);
  await expectRight();
  expect((await pool.query('select from bi.daily')).rowCount).toBe(0);
});

test('a change that commits after later ones have been counted is counted when it does', async () => {
  const late = await begin({ first_seen_at: time(0), menu_id: '7' });
  await expectRight();
  const slow = await pool.connect();
  try {
    await slow.query('begin');
    await slow.query('select pg_current_xact_id()');
    await begin({ first_seen_at: time(100) });
    await write(`update call set menu_id = '9', ${CHANGED} where id = $1 returning *`, [late.id], false, slow);
    await keep();
    await slow.query('commit');
  } finally {
    slow.release();
  }
  await expectRight();
  expect((await pool.query('select menu_id from bi.hourly order by hour_start')).rows).toEqual([
    { menu_id: '9' },
    { menu_id: null },
  ]);
});

test('a call whose former revision is a year old leaves the hour it was in', async () => {
  const call = await begin({ first_seen_at: time(0) });
  await keep();
  await pool.query("update call_change set at = at - interval '1 year'");
  await write(`update call set first_seen_at = $2, ${CHANGED} where id = $1 returning *`, [call.id, time(600)]);
  await expectRight();
});

test('what was written by other means is counted once it is asked for', async () => {
  await insertCall(pool, { first_seen_at: time(0) });
  await keep();
  expect((await pool.query('select from bi.hourly')).rowCount).toBe(0);
  await noteAllHours(db);
  await expectRight();
});

test('percentiles of ringing are exact, and null in an hour where nothing rang', async () => {
  for (const ring of [1_000, 2_000, 3_000, 50_000]) await begin({ first_seen_at: time(1), ring_ms: ring });
  await begin({ first_seen_at: time(70), ring_ms: null });
  await expectRight();
  const { rows } = await pool.query(
    'select ring_ms_p50::int as half, ring_ms_p95::int as most from bi.hourly order by hour_start',
  );
  expect(rows).toEqual([
    { half: 2_000, most: 50_000 },
    { half: null, most: null },
  ]);
});

test('two keepers at once count each change once', async () => {
  for (let minute = 0; minute < 40; minute++) await begin({ first_seen_at: time(minute * 50) });
  await Promise.all([keep(), keep(), keep()]);
  await expectRight();
});

test('a keeper that never gets its turn names the role that has the lock', async () => {
  const reader = await pool.connect();
  await reader.query('select pg_advisory_lock(72707401)');
  const told: unknown[] = [];
  const keeper = keepRollups(
    db,
    { now: () => NOW.getTime() },
    () => false,
    (fault) => told.push(fault),
    1,
  );
  try {
    while (told.length === 0) await new Promise((next) => setTimeout(next, 5));
    expect(String(told[0])).toMatch(/10 rounds in a row left something to count; process \d+ \(ringledger\) holds/);
  } finally {
    await keeper.stop();
    await reader.query('select pg_advisory_unlock(72707401)');
    reader.release();
  }
});
