/** History and active calls on real PostgreSQL: what each filter and sort gives. */
import type pg from 'pg';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { readActive } from '../../src/query/active.js';
import { gapsOf, notificationsOf, readCall } from '../../src/query/call.js';
import { readCalls } from '../../src/query/calls.js';
import { ACTIVE_QUERY, CALLS_QUERY } from '../../src/query/filters.js';
import { readParameters } from '../../src/query/parameters.js';
import { type TestDatabase, testDatabase, testPool, testPrisma } from '../support/database.js';
import { insertCall, insertEvidence, insertGap, notification, RINGING, type Row, time } from '../support/rows.js';

const H = 19_000;

let database: TestDatabase;
let pool: pg.Pool;
let db: PrismaClient;
const names = new Map<string, string>();
const keys = new Map<string, string>();

/** Every call has a name here, so that a table of expectations reads. */
const CALLS: Readonly<Record<string, Row>> = {
  long: { first_seen_at: time(0), caller_number: '442071234567', talk_ms: 3_000_000_000, ended_at: time(60_000) },
  short: { first_seen_at: time(1), caller_number: '442075551234', callee_number: '900', talk_ms: 1_000, menu_id: '7' },
  percent: { first_seen_at: time(2), caller_number: '44%20', callee_number: '44_0', talk_ms: 0, menu_id: '8' },
  back: {
    first_seen_at: time(3),
    caller_number: '44\\20',
    forward_number: '+15550001111',
    source_key: 'other',
    revision: 3,
  },
  lost: {
    ...{
      first_seen_at: time(4),
      call_id: 'lost-call',
      settled: false,
      disposition: 'unknown',
      disposition_basis: null,
      end_provenance: 'presumed',
    },
    ...{ answered_at: null, ended_at: null, presumed_ended_at: time(9), talk_ms: null, ring_ms: null },
  },
  missed: {
    first_seen_at: time(5),
    disposition: 'not_answered',
    disposition_basis: 'proven',
    answered_at: null,
    talk_ms: null,
    call_id: 'C-5',
  },
  ringing: { ...RINGING, first_seen_at: time(6), stale_at: time(11), caller_number: null, callee_number: null },
  talking: {
    ...RINGING,
    first_seen_at: time(7),
    stale_at: time(247),
    state: 'answered',
    answered_at: time(7, 4_000),
    ring_ms: 4_000,
  },
};

beforeAll(async () => {
  database = await testDatabase();
  pool = testPool(database);
  db = testPrisma(database);
  for (const [name, row] of Object.entries(CALLS)) {
    const { id, callKey } = await insertCall(pool, row);
    names.set(id, name);
    keys.set(name, callKey);
  }
  await insertGap(pool, {
    call_key: keys.get('lost'),
    opened_at: time(9),
    from_at: time(4, -H),
    deadline_at: time(9, H),
  });
  await insertGap(pool, { call_key: keys.get('missed'), opened_at: time(5), status: 'filled' });
}, 60_000);
afterAll(async () => {
  await db.$disconnect();
  await pool.end();
  await database.close();
});

async function shown(asked: Record<string, unknown>): Promise<readonly (string | undefined)[]> {
  const { data } = await readCalls(db, readParameters(CALLS_QUERY, asked));
  return data.map(({ id }) => names.get(id));
}

describe('history', () => {
  const at = (minutes: number): string => time(minutes).toISOString();
  const ROWS: readonly (readonly [Record<string, unknown>, string])[] = [
    [{}, 'talking ringing missed lost back percent short long'],
    [{ sort: 'firstSeenAt' }, 'long short percent back lost missed ringing talking'],
    [{ sort: '-endedAt' }, 'long lost missed back percent short talking ringing'],
    [{ sort: 'endedAt' }, 'short percent back missed lost long ringing talking'],
    [{ sort: '-talkMs', state: 'ended' }, 'long back short percent'],
    [{ sort: 'talkMs', minTalkMs: '0' }, 'percent short back long'],
    [{ from: at(1), to: at(3) }, 'percent short'],
    [{ from: at(1), to: time(1, 1).toISOString() }, 'short'],
    [{ by: 'endedAt', from: at(9), to: at(10) }, 'lost'],
    [{ by: 'endedAt', from: at(10) }, 'long'],
    [{ by: 'answeredAt', from: at(7) }, 'talking'],
    [{ by: 'ringingAt', to: at(1) }, 'long'],
    [{ state: ['ringing', 'answered'] }, 'talking ringing'],
    [{ disposition: 'unknown' }, 'lost'],
    [{ caller: '442071234567' }, 'missed lost long talking'],
    [{ caller: '44207555*' }, 'short'],
    [{ caller: '44%*' }, 'percent'],
    [{ callee: '44_0' }, 'percent'],
    [{ callee: '44_*' }, 'percent'],
    [{ caller: '44\\*' }, 'back'],
    [{ caller: '*5551*' }, 'short'],
    [{ caller: ['*7555123*', '44%20'], menuId: ['7', '8'] }, 'percent short'],
    [{ forward: '+1555*' }, 'back'],
    [{ menuId: '7' }, 'short'],
    [{ source: 'other' }, 'back'],
    [{ source: ['other', 'nobody'] }, 'back'],
    [{ callId: 'C-5', source: 'ivr' }, 'missed'],
    [{ minTalkMs: '2147483648' }, 'long'],
    [{ minTalkMs: '1', maxTalkMs: '1000' }, 'short'],
    [{ maxTalkMs: '0' }, 'percent'],
    [{ minRingMs: '4000', maxRingMs: '4999' }, 'talking'],
    [{ dispositionBasis: ['proven', 'inferred'] }, 'missed'],
    [{ endProvenance: 'presumed' }, 'lost'],
    [{ minRevision: '2' }, 'back'],
    [{ maxRevision: '1', settled: 'true' }, 'missed percent short long'],
    [{ q: '5551' }, 'short'],
    [{ q: ' 1555' }, 'back'],
    [{ q: 'lost-' }, 'lost'],
    [{ q: '44_0' }, 'percent'],
    [{ hasGaps: 'true' }, 'lost'],
    [{ hasGaps: 'false', settled: 'false' }, 'talking ringing'],
    [{ settled: 'true', sort: 'firstSeenAt' }, 'long short percent back missed'],
  ];
  const SORTED = new Set(['sort']);
  test.each(ROWS)('%j gives %s', async (asked, expected) => {
    const found = await shown(asked);
    if (Object.keys(asked).some((name) => SORTED.has(name))) {
      const places = expected.split(' ');
      // Calls without a talk or an end stand last, in the order of their ids, which are new in every run.
      const ordered = asked['sort'] === '-talkMs' ? 4 : String(asked['sort']).endsWith('endedAt') ? 6 : places.length;
      expect(found.slice(0, ordered)).toEqual(places.slice(0, ordered));
      if (asked['sort'] !== '-talkMs') expect([...found].sort()).toEqual([...places].sort());
    } else expect([...found].sort()).toEqual(expected.split(' ').sort());
  });

  test('need 12: several numbers in one filter: a hundred, each exactly, by prefix or by part', async () => {
    const caller = Array.from({ length: 98 }, (_, index) => String(900_000 + index));
    expect((await shown({ caller: [...caller, '44%*', '*75551*'], sort: 'firstSeenAt' })).join(' ')).toBe(
      'short percent',
    );
  });

  test('free text finds a call by its id', async () => {
    const [id] = [...names].find(([, name]) => name === 'missed') ?? [];
    expect(await shown({ q: id })).toEqual(['missed']);
  });

  test('need 9: totals are optional, because they are slow: told only when asked, exact or as an estimate', async () => {
    await pool.query('analyze call');
    const totalOf = async (asked: Record<string, unknown>): Promise<unknown> =>
      (await readCalls(db, readParameters(CALLS_QUERY, asked))).total;
    expect(await totalOf({ limit: '2' })).toBeNull();
    expect(await totalOf({ limit: '2', count: 'exact' })).toEqual({ calls: 8, basis: 'exact' });
    expect(await totalOf({ limit: '2', count: 'exact', settled: 'true' })).toEqual({ calls: 5, basis: 'exact' });
    expect(await totalOf({ limit: '2', count: 'estimate' })).toEqual({ calls: 8, basis: 'estimate' });
    expect(await totalOf({ limit: '9', count: 'estimate', state: 'ringing' })).toEqual({ calls: 1, basis: 'exact' });
  });

  test('a cursor goes on whether or not the total is asked for', async () => {
    const first = await readCalls(db, readParameters(CALLS_QUERY, { limit: '7', count: 'exact' }));
    const second = await readCalls(db, readParameters(CALLS_QUERY, { limit: '7', cursor: first.nextCursor }));
    expect(second.data.map(({ id }) => names.get(id))).toEqual(['long']);
  });

  test('the newest call comes first unless told otherwise', async () => {
    expect((await shown({})).join(' ')).toBe('talking ringing missed lost back percent short long');
  });

  test('a talk of 35 days and one of 0 ms are exact; an unknown one is null', async () => {
    const { data } = await readCalls(db, readParameters(CALLS_QUERY, { sort: 'firstSeenAt' }));
    expect(data.map(({ talkMs }) => talkMs)).toEqual([3_000_000_000, 1_000, 0, 30_000, null, null, null, null]);
  });

  test('a session in another time zone reads and filters the same instants', async () => {
    await pool.query(`alter database ${new URL(database.url).pathname.slice(1)} set timezone to 'Asia/Kathmandu'`);
    const elsewhere = testPrisma(database);
    try {
      const query = readParameters(CALLS_QUERY, { from: time(5).toISOString(), to: time(6).toISOString() });
      const { data } = await readCalls(elsewhere, query);
      expect(data.map(({ firstSeenAt, updatedAt }) => [firstSeenAt, updatedAt])).toEqual([[time(5), time(5)]]);
    } finally {
      await elsewhere.$disconnect();
    }
  });
});

describe('active calls', () => {
  const active = async (asOf: Date, asked: Record<string, unknown> = {}): Promise<unknown> => {
    const { data, count } = await readActive(db, readParameters(ACTIVE_QUERY, asked), asOf.getTime());
    return [count, ...data.map(({ id }) => names.get(id))];
  };

  test('are those that ring or talk', async () => {
    expect(await active(time(10))).toEqual([2, 'talking', 'ringing']);
  });

  test('are no longer active at the instant they are presumed ended, whether or not the sweep has said so', async () => {
    expect(await active(time(11, -1))).toEqual([2, 'talking', 'ringing']);
    expect(await active(time(11))).toEqual([1, 'talking']);
    expect(await active(time(247))).toEqual([0]);
  });

  test('take the filters of history, and are counted beyond the page', async () => {
    expect(await active(time(10), { state: 'ringing' })).toEqual([1, 'ringing']);
    expect(await active(time(10), { limit: '1' })).toEqual([2, 'talking']);
    expect(await active(time(10), { state: 'ended' })).toEqual([0]);
  });
});

describe('calls that share a Call ID', () => {
  test('divide the notifications by the time of receipt, and the gaps by the receipt they are reckoned from', async () => {
    const first = await insertCall(pool, { first_seen_at: time(100), call_id: 'shared' });
    const second = await insertCall(pool, { first_seen_at: time(102), call_key: first.callKey, call_id: 'shared' });
    await insertEvidence(pool, first.callKey, [
      notification(1, 'ringing', time(100)),
      notification(2, 'ok', time(100, 9_000), 3),
      notification(1, 'ok', time(102)),
      notification(2, 'bye', time(103)),
    ]);
    // No Bye of the first call: its gap ends long after the second began.
    const noBye = await insertGap(pool, {
      ...{ call_key: first.callKey, opened_at: time(340), from_at: time(100, -H), to_at: time(340) },
      deadline_at: time(340, H),
    });
    // No Ringing of the second call: its gap begins before the second did.
    const noRinging = await insertGap(pool, {
      ...{ call_key: first.callKey, opened_at: time(102), from_at: time(102, -H), to_at: time(102) },
      deadline_at: time(102, H),
    });
    const both = [first.id, second.id];
    const timelines = await notificationsOf(db, both, H);
    expect(both.map((id) => timelines.get(id)?.map(({ state, copies }) => `${state} ${String(copies)}`))).toEqual([
      ['ringing 1', 'ok 3'],
      ['ok 1', 'bye 1'],
    ]);
    const gaps = await gapsOf(db, both);
    expect(both.map((id) => gaps.get(id)?.map((gap) => gap.id))).toEqual([[noBye], [noRinging]]);
    expect((await readCall(db, second.id))?.callId).toBe('shared');
  });
});
