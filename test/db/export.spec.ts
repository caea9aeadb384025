/** What an export writes, from real PostgreSQL. docs/needs.md 11, 12 and 16: large exports, daylight saving, CSV injection with the + of a number kept. */
import { randomUUID } from 'node:crypto';
import { getEventListeners } from 'node:events';
import type pg from 'pg';
import { Access } from '../../src/access/access.js';
import { Forbidden } from '../../src/access/denied.js';
import { ALL_COLUMNS } from '../../src/query/export/contract.js';
import { connectionTo } from '../../src/query/export/cursor.js';
import { Exports } from '../../src/query/export/exports.js';
import { BadParameters } from '../../src/query/faults.js';
import { elsewhere, type TestDatabase, testDatabase, testPool } from '../support/database.js';
import { insertCall, time } from '../support/rows.js';

const CLEAR = Access.open('::1');
const MASKED = new Access({
  holder: { ...CLEAR.holder, kind: 'key', name: 'bi (rl_1)', prefix: 'rl_1' },
  scopes: ['export'],
  sources: null,
});
const STAYS = new AbortController().signal;
const TOKEN = 'mark-0123456789abcdef';

let database: TestDatabase;
let pool: pg.Pool;
let exports: Exports;

beforeAll(async () => {
  database = await testDatabase();
  pool = testPool(database);
  exports = new Exports(connectionTo(database.url));
});

afterAll(async () => {
  await exports.stop();
  await pool.end();
  await database.close();
});

beforeEach(async () => {
  await pool.query('truncate call');
});

async function text(raw: Record<string, unknown>, access = CLEAR, from = exports): Promise<string> {
  const found = await from.open(access, raw, STAYS);
  let whole = '';
  for await (const piece of found.pieces) whole += piece;
  await found.close();
  return whole;
}

async function thousands(calls: number): Promise<void> {
  await pool.query(
    `insert into call (call_key, id, settled, source_key, call_id, state, first_seen_at, late, conflict, notification_count,
       duplicate_count, missing_count, revision, updated_at, awaits_facts)
     select gen_random_uuid(), gen_random_uuid(), i % 3 > 0, 'ivr', 'c-' || i, 'ringing', $1::timestamptz + (i / 4) * interval '1 s',
       false, false, 1, 0, 0, 1, $1, false from generate_series(1, $2) i`,
    [time(0), calls],
  );
}

test('CSV has a header, CRLF, nothing for what is unknown, and quotes where RFC 4180 wants them', async () => {
  await insertCall(pool, { call_id: 'a,b', menu_name: 'Say "hi"\nthen wait', menu_id: '', forward_number: null });
  const columns = 'callId,menuId,menuName,forwardNumber,state,talkMs,late,firstSeenAt,answeredAtEarliest';
  expect(await text({ columns })).toBe(
    'callId,menuId,menuName,forwardNumber,state,talkMs,late,firstSeenAt,answeredAtEarliest\r\n' +
      '"a,b","","Say ""hi""\nthen wait",,ended,30000,false,2026-03-01T12:00:00.000Z,\r\n',
  );
  expect(await text({ columns: 'state', bom: 'true' })).toBe('\uFEFFstate\r\nended\r\n');
});

test.each([
  ['+442071234567', '+442071234567'],
  ['+44 20', `"'+44 20"`],
  ['+1+cmd', `"'+1+cmd"`],
  ['-1', `"'-1"`],
  ['=HYPERLINK("x")', `"'=HYPERLINK(""x"")"`],
  ['@SUM(A1)', `"'@SUM(A1)"`],
  ['\t=1', `"'\t=1"`],
  ['＝1', `"'＝1"`],
  ['442071234567', '442071234567'],
  [' 44', '" 44"'],
])('a spreadsheet that opens CSV runs nothing of %p', async (number, cell) => {
  await insertCall(pool, { caller_number: number });
  expect(await text({ columns: 'callerNumber,state' })).toBe(`callerNumber,state\r\n${cell},ended\r\n`);
});

test.each([
  ...[
    'anonymous',
    '=cmd|x',
    '"a",b',
    ' x ',
    '',
    '@x\r\ny',
    '＋z',
    'a\u001fb',
    'a\\b',
    '\u0002',
    '(,)',
    '"',
    '""',
    '\\"',
    '\\\\',
    ')',
  ],
  ...['Меню, 菜单', 'a\tb', ',', '"),("', "it's", '{}', 'null', '\u0085'],
])('a text is given back as it is, whatever it holds, and what stands beside it: %p', async (menu) => {
  await insertCall(pool, { menu_id: menu, callee_number: null, menu_name: menu });
  const columns = 'menuId,calleeNumber,menuName,late,presumedEndedAt';
  expect(JSON.parse(await text({ format: 'ndjson', columns }))).toEqual({
    ...{ menuId: menu, menuName: menu },
    ...{ calleeNumber: null, late: false, presumedEndedAt: null },
  });
  const guard = /^[=@＋]/.test(menu) ? "'" : '';
  const [bare, quoted] = [menu, `"${guard}${menu.replaceAll('"', '""')}"`];
  const cell = /^$|[",\r\n]|^ | $|^[=@＋]/.test(menu) ? quoted : bare;
  expect(await text({ columns })).toBe(`${columns}\r\n${cell},,${cell},false,\r\n`);
});

test('without numbers:clear numbers are masked in both formats, and no filter finds by them', async () => {
  await insertCall(pool, { caller_number: '+442071234512' });
  const asked = { columns: 'callerNumber,calleeNumber' };
  expect(await text(asked, MASKED)).toBe('callerNumber,calleeNumber\r\n+4420*****12,1555*****11\r\n');
  expect(await text({ ...asked, format: 'ndjson' }, MASKED)).toBe(
    '{"callerNumber":"+4420*****12","calleeNumber":"1555*****11"}\n',
  );
  await expect(text({ caller: '4420*' }, MASKED)).rejects.toThrow(Forbidden);
});

test('times are those of UTC wherever the server stands and whatever DATABASE_URL asks', async () => {
  await insertCall(pool);
  const abroad = new Exports(connectionTo(await elsewhere(database)));
  try {
    expect(await text({ columns: 'firstSeenAt' }, CLEAR, abroad)).toBe('firstSeenAt\r\n2026-03-01T12:00:00.000Z\r\n');
  } finally {
    await abroad.stop();
  }
});

test('NDJSON is one Call a line, as REST shows it', async () => {
  const { id } = await insertCall(pool, { menu_name: 'café "\\ \u0001', first_seen_at: time(0, 120) });
  const whole = await text({ format: 'ndjson' });
  const call = JSON.parse(whole) as Record<string, unknown>;
  expect(Object.keys(call)).toEqual(ALL_COLUMNS);
  expect(call).toMatchObject({
    ...{ id, menuName: 'café "\\ \u0001', talkMs: 30_000, late: false, ringMsMax: null, presumedEndedAt: null },
    ...{ firstSeenAt: '2026-03-01T12:00:00.120Z', disposition: 'answered', revision: 1 },
  });
  expect(whole.split('\n')).toHaveLength(2);
});

test.each([
  ['Europe/Berlin', '2026-03-29T00:59:59.999Z', '2026-03-29T01:59:59.999+01:00'],
  ['Europe/Berlin', '2026-03-29T01:00:00.000Z', '2026-03-29T03:00:00.000+02:00'],
  ['Europe/Berlin', '2026-10-25T00:30:00.120Z', '2026-10-25T02:30:00.120+02:00'],
  ['Europe/Berlin', '2026-10-25T01:30:00.120Z', '2026-10-25T02:30:00.120+01:00'],
  ['Asia/Kathmandu', '2026-12-31T20:00:00.500Z', '2027-01-01T01:45:00.500+05:45'],
  ['America/St_Johns', '2026-01-01T00:00:01.000Z', '2025-12-31T20:30:01.000-03:30'],
  ['UTC', '2026-01-01T00:00:01.000Z', '2026-01-01T00:00:01.000Z'],
])('in %s %s is %s', async (tz, at, expected) => {
  await insertCall(pool, { first_seen_at: new Date(at) });
  expect(await text({ tz, columns: 'firstSeenAt' })).toBe(`firstSeenAt\r\n${expected}\r\n`);
});

test('every call is there once, in order, across blocks and partitions', async () => {
  await thousands(3_500);
  const ids = (await text({ columns: 'callId' })).split('\r\n').slice(1, -1);
  expect(new Set(ids).size).toBe(3_500);
  const times = (await text({ columns: 'firstSeenAt', sort: '-firstSeenAt' })).split('\r\n').slice(1, -1);
  expect(times).toEqual([...times].sort().reverse());
});

test('an export that goes on at a mark has what was missing and nothing twice', async () => {
  await thousands(25_000);
  const marked = await text({ columns: 'callId', marks: TOKEN });
  const pieces = marked.split(new RegExp(`^${TOKEN} (.*)\\n`, 'm'));
  const marks = pieces.filter((_, index) => index % 2 === 1).map((mark) => JSON.parse(mark) as object);
  expect(marks).toMatchObject([
    { rows: 10_000, end: false },
    { rows: 20_000, end: false },
    { rows: 25_000, end: true },
  ]);
  const { cursor } = marks[0] as { cursor: string };
  const rest = await text({ columns: 'callId', cursor });
  expect(`${pieces[0] ?? ''}${rest}`).toBe(await text({ columns: 'callId' }));
  await expect(text({ cursor, state: 'ended' })).rejects.toThrow(BadParameters);
});

test.each([
  [{ tz: 'Mars/Olympus' }, 'tz'],
  [{ tz: '+01:00' }, 'tz'],
  [{ columns: 'id,callr' }, 'columns'],
  [{ columns: 'id,id' }, 'columns'],
  [{ marks: 'short' }, 'marks'],
  [{ format: 'xml' }, 'format'],
  [{ limit: '5' }, 'limit'],
  [{ cursor: 'x' }, 'cursor'],
])('%p is refused', async (raw, parameter) => {
  await expect(exports.open(CLEAR, raw, STAYS)).rejects.toMatchObject({ faults: [{ parameter }] });
});

test('a fifth export at a time is told to come again, and one that is closed makes room', async () => {
  const open = await Promise.all(Array.from({ length: 4 }, () => exports.open(CLEAR, {}, STAYS)));
  await expect(exports.open(CLEAR, {}, STAYS)).rejects.toMatchObject({ name: 'TooMany', retryAfterS: 10 });
  await open[0]?.close();
  await (await exports.open(CLEAR, { callId: randomUUID() }, STAYS)).close();
  for (const one of open) await one.close();
});

test('an export that is over listens to nobody any more: the signal of a process outlives many', async () => {
  const { signal } = new AbortController();
  const open = await exports.open(CLEAR, {}, signal);
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  await open.close();
  await expect(exports.open(CLEAR, { tz: 'Mars/Olympus' }, signal)).rejects.toThrow(BadParameters);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('an export reads one snapshot: what is written meanwhile is not in it', async () => {
  await thousands(1_500);
  const found = await exports.open(CLEAR, { columns: 'callId' }, STAYS);
  await pool.query(`update call set call_id = 'changed'`);
  let whole = '';
  for await (const piece of found.pieces) whole += piece;
  await found.close();
  expect(whole).not.toContain('changed');
});
