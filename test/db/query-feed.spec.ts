/** How far a feed can be trusted, and what copies say about acks: "no calls" and "not heard from" must differ. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import type { Settings } from '../../src/notification.js';
import { readFeed } from '../../src/query/feed.js';
import { GAPS_QUERY, QUARANTINE_QUERY, SOURCES_QUERY } from '../../src/query/filters.js';
import { readGaps } from '../../src/query/gaps.js';
import { readParameters } from '../../src/query/parameters.js';
import { readQuarantine } from '../../src/query/quarantine.js';
import { readSettings } from '../../src/query/settings.js';
import { readSource, readSources } from '../../src/query/sources.js';
import { type TestDatabase, testDatabase, testPool, testPrisma } from '../support/database.js';
import {
  insertEvidence,
  insertGap,
  insertQuarantine,
  insertReceiver,
  insertSettings,
  insertSource,
  notification,
  type Row,
  time,
} from '../support/rows.js';

const SETTINGS: Settings = {
  ...{ retry: 6, intervalMs: 3_000, marginMs: 1_000 },
  ...{ staleRingingMs: 300_000, staleAnsweredMs: 14_400_000, lossWindowMs: 300_000 },
};

let database: TestDatabase;
let pool: pg.Pool;
let db: PrismaClient;

beforeAll(async () => {
  database = await testDatabase();
  pool = testPool(database);
  db = testPrisma(database);
}, 60_000);
afterAll(async () => {
  await db.$disconnect();
  await pool.end();
  await database.close();
}, 20_000);
beforeEach(async () => {
  await pool.query('truncate source, receiver, gap, quarantine, settings, notification, call_evidence');
});

const EVER = { from: null, to: null, sources: null };
const statusOf = async (asOf = time(0)): Promise<unknown> =>
  (await readFeed(db, EVER, asOf.getTime())).map(({ source, status, heldBackBy }) => [source, status, heldBackBy]);

test('gaps of a source are counted up to 10,000, of any time and of a period', async () => {
  await insertReceiver(pool, {});
  await insertSource(pool, {});
  await insertGap(pool, { status: 'lost' });
  const gaps = async (from: Date | null): Promise<unknown> =>
    (await readFeed(db, { ...EVER, from: from?.getTime() ?? null }, time(0).getTime())).map((one) => one.gaps);
  expect([await gaps(null), await gaps(time(-600)), await gaps(time(600))]).toEqual([[1], [1], [0]]);
  await pool.query(`insert into gap select (jsonb_populate_record(gap, jsonb_build_object('id', gen_random_uuid()))).*
    from gap, generate_series(1, 10000)`);
  expect([await gaps(null), await gaps(time(-600))]).toEqual([[10_000], [10_000]]);
});

describe('the feed of a source', () => {
  const RUNNING: readonly Row[] = [{}];
  /** Its rhythm is learned. */
  const RHYTHMIC = { silent_after_ms: 90_000 };
  const CASES: readonly (readonly [string, string, { source?: Row; receivers?: readonly Row[]; gap?: Row }])[] = [
    ['was heard just now', 'receiving', {}],
    ['was heard 5 minutes ago', 'receiving', { source: { last_heard_at: time(-5) } }],
    ['was not heard for longer', 'silent', { source: { last_heard_at: time(-5, -1) } }],
    [
      'was not heard for hours, which its rhythm allows',
      'receiving',
      { source: { last_heard_at: time(-300), ...RHYTHMIC } },
    ],
    [
      'is in a silence its rhythm does not allow',
      'silent',
      { source: { last_heard_at: time(-4), ...RHYTHMIC }, gap: { kind: 'silence', to_at: null, deadline_at: null } },
    ],
    [
      'was in a silence that was broken',
      'receiving',
      { source: { last_heard_at: time(-1), ...RHYTHMIC }, gap: { kind: 'silence', to_at: time(-1) } },
    ],
    ['was never heard', 'never', { source: { last_heard_at: null } }],
    ['was never heard, and no receiver runs', 'never', { source: { last_heard_at: null }, receivers: [] }],
    ['has an open gap of a call', 'receiving', { gap: { kind: 'state' } }],
    ['has an open outage', 'impaired', { gap: { kind: 'outage', to_at: null, opened_at: time(-600) } }],
    [
      'had an outage until 5 minutes ago',
      'impaired',
      { gap: { kind: 'outage', status: 'explained', to_at: time(-5) } },
    ],
    ['had an outage long ago', 'receiving', { gap: { kind: 'outage', status: 'explained', opened_at: time(-6) } }],
    ['has an overflow just now', 'impaired', { gap: { kind: 'overflow', status: 'lost' } }],
    ['has a quarantine just now', 'impaired', { gap: { kind: 'quarantine', status: 'explained' } }],
    ['had been heard, but no receiver runs', 'impaired', { receivers: [] }],
    ['had been heard, but every receiver has stopped', 'impaired', { receivers: [{ stopped_at: time(-1) }] }],
    [
      'had been heard, but every receiver was killed 10 s ago',
      'impaired',
      { receivers: [{ beat_at: time(0, -10_000) }] },
    ],
    [
      'had a receiver that was killed behind',
      'receiving',
      { receivers: [{}, { durable_through: time(-9), beat_at: time(-9) }] },
    ],
    ['has a receiver 10 s behind', 'receiving', { receivers: [{ durable_through: time(0, -10_000) }] }],
    [
      'has a receiver further behind',
      'impaired',
      { receivers: [{}, { durable_through: time(0, -10_001), name: 'slow' }] },
    ],
    [
      'had a receiver that stopped behind',
      'receiving',
      { receivers: [{}, { durable_through: time(-9), stopped_at: time(-9) }] },
    ],
  ];
  test.each(CASES)('that %s is %s', async (_case, status, { source = {}, receivers = RUNNING, gap }) => {
    await insertSource(pool, source);
    for (const receiver of receivers) await insertReceiver(pool, receiver);
    if (gap !== undefined) await insertGap(pool, { opened_at: time(-1), ...gap, from_at: time(-700) });
    const slow = receivers.some(({ name }) => name === 'slow') ? 'slow' : null;
    expect(await statusOf()).toEqual([['ivr', status, slow]]);
  });

  test('that nobody knows is answered for when asked for: never heard', async () => {
    await insertReceiver(pool);
    await insertSource(pool);
    const feed = await readFeed(db, { ...EVER, sources: ['typo', 'ivr'] }, time(0).getTime());
    expect(feed.map(({ source, status }) => [source, status])).toEqual([
      ['ivr', 'receiving'],
      ['typo', 'never'],
    ]);
  });

  test('counts the open and lost gaps that overlap the asked period', async () => {
    await insertReceiver(pool);
    await insertSource(pool);
    await insertSource(pool, { key: 'other' });
    for (const status of ['open', 'lost', 'filled', 'explained'])
      await insertGap(pool, { status, from_at: time(10), to_at: time(20), opened_at: time(20) });
    await insertGap(pool, { from_at: time(30), to_at: null, opened_at: time(30) });
    const gaps = async (from: Date | null, to: Date | null): Promise<unknown> => {
      const period = { from: from?.getTime() ?? null, to: to?.getTime() ?? null, sources: null };
      return (await readFeed(db, period, time(40).getTime())).map((feed) => feed.gaps);
    };
    expect(await gaps(null, null)).toEqual([3, 0]);
    expect(await gaps(time(0), time(10))).toEqual([0, 0]);
    expect(await gaps(time(0), time(10, 1))).toEqual([2, 0]);
    expect(await gaps(time(20), time(30))).toEqual([2, 0]);
    expect(await gaps(time(20, 1), time(30))).toEqual([0, 0]);
    expect(await gaps(time(500), null)).toEqual([1, 0]);
  });
});

describe('a source', () => {
  const read = (): ReturnType<typeof readSource> => readSource(db, 'ivr', SETTINGS, time(0).getTime());

  test.each([
    ['no notification', [], null, 'unknown'],
    ['single copies', [1, 1, 1], 1, 'ok'],
    ['a retry now and then', [1, 1, 2], 4 / 3, 'ok'],
    ['retries of every other', [1, 2, 2, 1], 1.5, 'degraded'],
    ['half of all tries', [3, 4], 3.5, 'failing'],
    ['every try', [7, 7], 7, 'failing'],
  ])('of which %s came shows how its acks do', async (_case, copies, average, health) => {
    await insertSource(pool);
    for (const count of copies)
      await insertEvidence(pool, randomUUID(), [notification(1, 'ringing', time(-10), count)]);
    expect(await read()).toMatchObject({ copiesPerNotification: average, ackHealth: health });
  });

  test.each([
    ['once each', 1, 0, 'understood'],
    ['until the last try', 5, 18_000, 'not_understood'],
    ['twice, 3 s apart', 2, 3_000, 'late'],
  ])('of which all came %s tells what is wrong with its acks', async (_case, copies, apartMs, diagnosis) => {
    await insertSource(pool);
    const one = notification(1, 'ringing', time(-10), copies);
    const came = { ...one, lastAt: one.firstAt + apartMs };
    for (let n = 0; n < 20; n++) await insertEvidence(pool, randomUUID(), [came]);
    expect(await read()).toMatchObject({ ackDiagnosis: diagnosis });
  });

  test('is not judged by notifications whose retries may still come, nor by those of yesterday', async () => {
    await insertSource(pool);
    await insertEvidence(pool, randomUUID(), [notification(1, 'ringing', time(0, -18_000))]);
    await insertEvidence(pool, randomUUID(), [notification(1, 'ringing', time(-1441))]);
    expect(await read()).toMatchObject({ copiesPerNotification: null, ackHealth: 'unknown', ackDiagnosis: 'unknown' });
  });

  test('comes in pages by key, and is null when nobody knows it', async () => {
    for (const key of ['b', 'A', '192.0.2.7', 'ä', 'a']) await insertSource(pool, { key });
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const query = readParameters(SOURCES_QUERY, { limit: '2', cursor });
      const page = await readSources(db, query, SETTINGS, time(0).getTime());
      seen.push(...page.data.map(({ key }) => key));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect([...seen].sort()).toEqual(['192.0.2.7', 'A', 'a', 'b', 'ä']);
    expect(await readSource(db, 'nobody', SETTINGS, 0)).toBeNull();
  });
});

test('gaps are found by every property, and by overlap of [from, to)', async () => {
  await insertGap(pool, {
    from_at: time(10),
    to_at: time(20),
    opened_at: time(20),
    kind: 'serial',
    certainty: 'certain',
    call_id: 'C',
  });
  await insertGap(pool, { from_at: time(15), to_at: null, opened_at: time(15), kind: 'silence', source_key: 'other' });
  const kinds = async (asked: Record<string, unknown>): Promise<string> =>
    (await readGaps(db, readParameters(GAPS_QUERY, asked))).data.map(({ kind }) => kind).join(' ');
  const at = (minutes: number): string => time(minutes).toISOString();
  expect(await kinds({})).toBe('serial silence');
  expect(await kinds({ to: at(10) })).toBe('');
  expect(await kinds({ from: at(10), to: at(11) })).toBe('serial');
  expect(await kinds({ from: at(21) })).toBe('silence');
  expect(await kinds({ source: 'other' })).toBe('silence');
  expect(await kinds({ kind: ['serial', 'outage'] })).toBe('serial');
  expect(await kinds({ certainty: 'possible', status: 'open' })).toBe('silence');
  expect(await kinds({ callId: 'C' })).toBe('serial');
  expect(await kinds({ status: 'lost' })).toBe('');
});

test('quarantined bytes come back exactly, however many', async () => {
  const bytes = Buffer.from(Array.from({ length: 1000 }, (_, index) => index % 256));
  await insertQuarantine(pool, { bytes, received_at: time(1) });
  await insertQuarantine(pool, { bytes: Buffer.alloc(0), reason: 'empty', received_at: time(2), source_key: 'other' });
  const read = async (asked: Record<string, unknown>): Promise<readonly (string | null)[]> =>
    (await readQuarantine(db, readParameters(QUARANTINE_QUERY, asked))).data.map(({ bytesBase64 }) => bytesBase64);
  expect(await read({})).toEqual(['', bytes.toString('base64')]);
  expect(await read({ reason: 'empty' })).toEqual(['']);
  expect(await read({ source: 'ivr', from: time(1).toISOString(), to: time(2).toISOString() })).toHaveLength(1);
});

test('the settings in force at an instant are the newest declared by then', async () => {
  expect(await readSettings(db, time(0).getTime())).toBeNull();
  await insertSettings(pool);
  await insertSettings(pool, { since: time(5), retry: 3 });
  expect(await readSettings(db, time(4).getTime())).toEqual(SETTINGS);
  expect(await readSettings(db, time(5).getTime())).toEqual({ ...SETTINGS, retry: 3 });
});
