/** The posts of a switch (the HTTP twin) over real HTTP and PostgreSQL: every state, its times, copies, counts. */
import type pg from 'pg';
import type { Running } from '../../src/main.js';
import { type TestDatabase, testDatabase, testPool } from '../support/database.js';
import { portOf, Sender, startReceiver, until } from '../support/receiver.js';
import { insertQuarantine } from '../support/rows.js';
import { postUrl, stateOf, Switch } from '../support/switch.js';

let database: TestDatabase;
let pool: pg.Pool;
let receiver: Running;
let pbx: Switch;

beforeEach(async () => {
  database = await testDatabase();
  pool = testPool(database);
  receiver = await startReceiver(database, { TWIN_PORT: '0', TWIN_ALLOWED_SOURCES: 'pbx=127.0.0.1' });
  pbx = new Switch(postUrl(receiver));
});

afterEach(async () => {
  pbx.close();
  await receiver.stop();
  await pool.end();
  await database.close();
});

type Call = Record<string, unknown> & { readonly id: string };

async function calls(): Promise<Call[]> {
  const answer = await fetch(`${receiver.http}/api/v1/calls?sort=-firstSeenAt`);
  return ((await answer.json()) as { data: Call[] }).data;
}

async function timelineOf({ id }: Call): Promise<Record<string, unknown>[]> {
  const answer = await fetch(`${receiver.http}/api/v1/calls/${id}`);
  return ((await answer.json()) as { notifications: Record<string, unknown>[] }).notifications;
}

/** Counts of the posts' source, by fate and reason. */
function counted(): Record<string, number> {
  const own = receiver.counts().datagrams.filter(({ source }) => source === 'http:pbx');
  return Object.fromEntries(own.map(({ fate, reason, count }) => [reason === '' ? fate : `${fate} ${reason}`, count]));
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

test('every state of a call is answered when stored, and the record takes the times the switch gives', async () => {
  const start = Date.now() - 60_000;
  const states = [-18, -7, -8, -9, -10, -11, -12, -13];
  for (const [index, state] of states.entries()) {
    const eventTime = start + index * 1_000;
    expect(await pbx.post(stateOf(1, state, eventTime))).toEqual({ status: 200, retCode: 0 });
  }
  const [call, ...others] = await calls();
  expect(others).toEqual([]);
  expect(call).toMatchObject({
    ...{ source: 'http:pbx', callId: '1', state: 'ended', disposition: 'answered', dispositionBasis: 'reported' },
    ...{ callerNumber: '441632960001', calleeNumber: '441632960002', late: false, conflict: false },
    ...{ ringingAt: iso(start + 3_000), answeredAt: iso(start + 6_000), endedAt: iso(start + 7_000) },
    ...{ answeredAtEarliest: iso(start + 6_000), endedAtEarliest: iso(start + 7_000) },
    ...{ ringMs: 3_000, talkMs: 1_000, talkMsMin: 1_000, talkMsMax: 1_000, notificationCount: 8 },
  });
  const notifications = call === undefined ? [] : await timelineOf(call);
  expect(notifications.map(({ state, stateRaw }) => [state, stateRaw])).toEqual([
    ...[
      ['early:-18', '-18'],
      ['early:-7', '-7'],
      ['early:-8', '-8'],
      ['183', '-9'],
      ['183', '-10'],
    ],
    ...[
      ['ringing', '-11'],
      ['ok', '-12'],
      ['bye', '-13'],
    ],
  ]);
  expect(notifications.map(({ serial }) => serial)).toContain(`eventTime=${String(start + 6_000)}`);
});

test.each([
  ['H.323', [-1, -2, -3, -4, -5, -6, -13]],
  ['SIP', [-7, -8, -9, -10, -11, -12, -13]],
])('the states of an %s leg make an answered call', async (_protocol, states) => {
  const start = Date.now() - 10_000;
  for (const [index, state] of states.entries()) await pbx.post(stateOf(5, state, start + index * 100));
  expect(await calls()).toMatchObject([{ disposition: 'answered', talkMs: 100, notificationCount: 7 }]);
});

test('the source is one of its own, and what it names beside the call is kept as it came', async () => {
  const udp = await Sender.open();
  udp.send(portOf(receiver), '1,1,Ringing,441632960001,441632960002,,1,Menu');
  await udp.acked(1);
  udp.close();
  const body = stateOf(1, -11, Date.now());
  await pbx.post(body);
  const sources = async (): Promise<Record<string, unknown>[]> => {
    const answer = await fetch(`${receiver.http}/api/v1/sources`);
    return ((await answer.json()) as { data: Record<string, unknown>[] }).data;
  };
  // Last receipts are written once a pulse.
  await until(async () => (await sources()).every(({ feed }) => feed === 'receiving'));
  expect(await sources()).toMatchObject([
    { key: '127.0.0.1', addresses: ['127.0.0.1'], codec: null },
    {
      key: 'http:pbx',
      name: 'http:pbx',
      addresses: ['http:127.0.0.1'],
      codec: 'http_twin',
      locked: true,
      feed: 'receiving',
    },
  ]);
  expect(await calls()).toHaveLength(2);
  const { rows } = await pool.query<{ payload: Buffer }>(
    `select payload from notification where source_key = 'http:pbx'`,
  );
  expect(rows.map(({ payload }) => payload.toString())).toEqual([body]);
});

test('its configured name is not changed by a mutation, which the next start would undo', async () => {
  await pbx.post(stateOf(1, -9, Date.now()));
  await until(async () => (await pool.query(`select from source where key = 'http:pbx'`)).rowCount === 1);
  const answer = await fetch(`${receiver.http}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: 'mutation { renameSource(key: "http:pbx", name: "exchange") { name } }' }),
  });
  expect(JSON.stringify(await answer.json())).toContain('is configured in UDP_ALLOWED_SOURCES or TWIN_ALLOWED_SOURCES');
  expect((await pool.query('select name from source')).rows).toEqual([{ name: 'http:pbx' }]);
});

test('two posts of one event are one notification, both answered; a third that says something else is a conflict', async () => {
  const at = Date.now();
  const body = stateOf(7, -12, at);
  expect([await pbx.post(body), await pbx.post(body)]).toEqual([
    { status: 200, retCode: 0 },
    { status: 200, retCode: 0 },
  ]);
  expect(await pbx.post(stateOf(7, -12, at, { calleeE164: '441632960009' }))).toEqual({ status: 200, retCode: 0 });
  expect(counted()).toEqual({ first: 1, duplicate: 1, conflict: 1 });
  expect(await calls()).toMatchObject([{ conflict: true, calleeNumber: '441632960002' }]);
});

test.each([
  ['ahead of its receipt', 3_600_000],
  ['days before its receipt', -3 * 86_400_000],
  ['in seconds instead of ms', -1_760_000_000_000],
])('an eventTime %s is ignored, the receipt counts, and the record is late', async (_what, byMs) => {
  const sentAt = Date.now();
  expect(await pbx.post(stateOf(9, -13, sentAt + byMs))).toEqual({ status: 200, retCode: 0 });
  const [call] = await calls();
  expect(call).toMatchObject({ late: true, endedAtEarliest: null, endedAt: call?.['firstSeenAt'] });
  expect(Math.abs(Date.parse(String(call?.['endedAt'])) - sentAt)).toBeLessThan(5_000);
});

test('posts that come in the wrong order give the same record as in the right one', async () => {
  const start = Date.now() - 30_000;
  const bodies = [-7, -11, -12, -13].map((state, index) => stateOf(11, state, start + index * 5_000));
  for (const body of bodies.toReversed()) await pbx.post(body);
  expect(await calls()).toMatchObject([
    { ringingAt: iso(start + 5_000), answeredAt: iso(start + 10_000), ringMs: 5_000, talkMs: 5_000, late: false },
  ]);
});

test('received = stored + copies + quarantined, by source, whatever the type of the body says', async () => {
  const at = Date.now();
  const replies = await Promise.all([
    ...[
      undefined,
      {},
      { 'content-type': 'application/json' },
      { 'content-type': 'application/x-www-form-urlencoded' },
    ].map((headers, index) => pbx.post(stateOf(20 + index, -11, at), headers)),
    ...['', 'hello', '{"callId":1}', stateOf(30, -11, NaN), stateOf(31, -11, at, { callerE164: 'alice' })].map((body) =>
      pbx.post(body),
    ),
    pbx.post(Buffer.from([0x7b, 0xff, 0xfe, 0x7d])),
    pbx.post('x'.repeat(20_000)),
  ]);
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200, 400, 400, 400, 400, 400, 400, 413]);
  expect(replies.map(({ retCode }) => retCode)).toEqual([0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2]);
  expect(counted()).toEqual({
    ...{ first: 4, 'quarantined empty': 1, 'quarantined syntax': 1, 'quarantined fields': 1, 'quarantined serial': 1 },
    ...{ 'quarantined number': 1, 'quarantined charset': 1, 'quarantined oversized': 1 },
  });
  expect(receiver.counts().posts).toMatchObject({ requests: 11, taken: 11, acknowledged: 4, failed: 0, inFlight: 0 });
  const { rows } = await pool.query<{ reason: string; kept: number; length: number }>(
    `select reason, length(bytes) as kept, length from quarantine where source_key = 'http:pbx' and reason in ('oversized', 'syntax')`,
  );
  expect(rows).toEqual(
    expect.arrayContaining([
      { reason: 'oversized', kept: 8_192, length: 20_000 },
      { reason: 'syntax', kept: 5, length: 5 },
    ]),
  );
});

test('posts in quarantine that can be read by now are replayed; one that was cut stays', async () => {
  const at = Date.now() - 5_000;
  await pbx.post(stateOf(40, -11, at));
  const own = { source_key: 'http:pbx', received_at: new Date(at), last_received_at: new Date(at) };
  const bytes = Buffer.from(stateOf(40, -13, at + 1_000));
  await insertQuarantine(pool, { ...own, reason: 'rejected', bytes, length: bytes.length });
  await pbx.post('x'.repeat(20_000));
  const query = 'mutation { replayQuarantine(key: "http:pbx") { looked stored unreadable { reason count } } }';
  const headers = { 'content-type': 'application/json', 'apollo-require-preflight': '1' };
  const answer = await fetch(`${receiver.http}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
  expect(await answer.json()).toMatchObject({
    data: { replayQuarantine: { looked: 2, stored: 1, unreadable: [{ reason: 'oversized', count: 1 }] } },
  });
  expect(await calls()).toMatchObject([{ callId: '40', state: 'ended', endedAt: iso(at + 1_000) }]);
});
