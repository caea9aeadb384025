/** The posts of a switch when something is wrong: who may post, what holds a connection, overload, no database, a stop. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type pg from 'pg';
import type { Running } from '../../src/main.js';
import { adminQuery } from '../support/cluster.js';
import { type TestDatabase, testDatabase, testPool } from '../support/database.js';
import { startReceiver, until } from '../support/receiver.js';
import { postUrl, stateOf, Switch } from '../support/switch.js';

let database: TestDatabase;
let pool: pg.Pool;
let receiver: Running;
let pbx: Switch;

beforeAll(async () => {
  database = await testDatabase();
  pool = testPool(database);
  pool.on('error', () => undefined);
}, 60_000);

afterEach(async () => {
  pbx.close();
  await receiver.stop();
});

afterAll(async () => {
  await pool.end();
  await database.close();
});

async function open(settings: Readonly<Record<string, string>> = {}): Promise<void> {
  receiver = await startReceiver(database, { TWIN_PORT: '0', ...settings });
  pbx = new Switch(postUrl(receiver));
}

/** The Call IDs stored, of those that begin so. */
async function storedIds(prefix: number): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query<{ id: string }>(`select call_id as id from notification where call_id like $1`, [
    `${String(prefix)}%`,
  ]);
  return new Set(rows.map(({ id }) => id));
}

test('200 calls posted at once over as many connections are each answered once, stored once and recorded whole', async () => {
  await open();
  const many = new Switch(postUrl(receiver, 'vos/any/prefix/CallStateReport/?x=1'), 200);
  const start = Date.now() - 20_000;
  const bodies = Array.from({ length: 200 }, (_, call) =>
    [-12, -13].map((state, index) => stateOf(1_000 + call, state, start + index * 1_000)),
  );
  const replies = await Promise.all([...bodies, ...bodies.slice(0, 50)].flat().map((body) => many.post(body)));
  many.close();
  expect(replies.filter(({ retCode }) => retCode === 0)).toHaveLength(500);
  const counted = receiver.counts().datagrams.map(({ source, fate, count }) => [source, fate, count]);
  expect(counted).toEqual([
    ['http:127.0.0.1', 'first', 400],
    ['http:127.0.0.1', 'duplicate', 100],
  ]);
  const { rows } = await pool.query(
    `select count(*)::integer as calls, sum(notification_count)::integer as notifications, min(talk_ms)::integer as talk
     from call where disposition = 'answered'`,
  );
  expect(rows).toEqual([{ calls: 200, notifications: 400, talk: 1_000 }]);
});

test('an address that may not post is cut off unread, and counted', async () => {
  await open({ TWIN_ALLOWED_SOURCES: 'pbx=192.0.2.7' });
  await expect(pbx.post(stateOf(1, -11, Date.now()))).rejects.toThrow();
  expect(receiver.counts().posts).toMatchObject({ requests: 0, taken: 0, refused: { source: 1 } });
  expect(receiver.counts().datagrams).toEqual([]);
});

test('another path or method is answered unread, and never as if it were stored', async () => {
  await open({ TWIN_PATH: 'State' });
  const other = new Switch(postUrl(receiver, 'State/CallStateReport'));
  expect(await other.post(stateOf(1, -11, Date.now()))).toEqual({ status: 404, retCode: 2 });
  other.close();
  expect(await pbx.post(stateOf(1, -11, Date.now()))).toEqual({ status: 404, retCode: 2 });
  const got = await fetch(postUrl(receiver, 'vos/State'));
  expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST']);
  const answer = await fetch(postUrl(receiver, 'vos/State'), { method: 'POST', body: stateOf(1, -11, Date.now()) });
  expect([answer.status, await answer.text()]).toEqual([200, '{"retCode":0}']);
  expect(receiver.counts().posts).toMatchObject({ requests: 4, taken: 1, refused: { path: 2, method: 1 } });
});

test('bytes that are no HTTP, and headers beyond 8 kB, are turned away and hold nothing', async () => {
  await open();
  const { port } = new URL(postUrl(receiver));
  for (const bytes of ['\u0000\u0001hello\r\n\r\n', `POST / HTTP/1.1\r\nx: ${'y'.repeat(9_000)}\r\n\r\n`]) {
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume().write(bytes);
    await once(socket, 'close');
  }
  expect(receiver.counts().posts).toMatchObject({ requests: 0, taken: 0, refused: { malformed: 2 } });
});

test('whoever sends slowly is cut off after seconds, and holds up nobody meanwhile', async () => {
  await open();
  const { port } = new URL(postUrl(receiver));
  const closed: Promise<unknown>[] = [];
  const slow = (begin: string): Socket => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume().write(begin);
    closed.push(once(socket, 'close'));
    return socket;
  };
  const sockets = [
    ...Array.from({ length: 20 }, () => slow('POST /CallStateReport HTTP/1.1\r\nhost: x\r\n')),
    ...Array.from({ length: 20 }, () =>
      slow('POST /CallStateReport HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{'),
    ),
  ];
  const dripping = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write('a');
  }, 500);
  const startedAt = performance.now();
  expect(await pbx.post(stateOf(2, -11, Date.now()))).toEqual({ status: 200, retCode: 0 });
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  await Promise.all(closed);
  clearInterval(dripping);
  expect(performance.now() - startedAt).toBeLessThan(20_000);
  await until(() => receiver.counts().posts?.refused.incomplete === 20);
  expect(receiver.counts().posts).toMatchObject({ requests: 21, taken: 1, refused: { malformed: 20, incomplete: 20 } });
}, 30_000);

test('while the database is away no post is answered 0 that is not kept, and afterwards all goes on', async () => {
  await open();
  const admin = new URL(database.url);
  const name = admin.pathname.slice(1);
  admin.pathname = '/postgres';
  const at = Date.now();
  expect(await pbx.post(stateOf(7_000, -11, at))).toEqual({ status: 200, retCode: 0 });
  await adminQuery(admin.href, `alter database ${name} allow_connections false`);
  await adminQuery(admin.href, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
  const ids = Array.from({ length: 30 }, (_, index) => 7_001 + index);
  const replies = await Promise.all(ids.map((id) => pbx.post(stateOf(id, -11, at))));
  await adminQuery(admin.href, `alter database ${name} allow_connections true`);
  // Answered 0 from the disk, or refused in words that are no 0: nothing else.
  for (const reply of replies) {
    expect([
      { status: 200, retCode: 0 },
      { status: 503, retCode: 1 },
    ]).toContainEqual(reply);
  }
  await until(async () => (await pbx.post(stateOf(7_999, -11, at))).retCode === 0);
  const answered = ids.filter((_, index) => replies[index]?.retCode === 0).map(String);
  await until(async () => {
    const stored = await storedIds(7);
    return answered.every((id) => stored.has(id));
  }, 10_000);
});

test('a stop in the middle of a burst answers what it took, and everything answered 0 is there', async () => {
  await open();
  const ids = Array.from({ length: 400 }, (_, index) => 8_000 + index);
  const at = Date.now();
  const burst = ids.map((id) => pbx.post(stateOf(id, -11, at)).catch(() => null));
  await until(() => (receiver.counts().posts?.acknowledged ?? 0) > 20);
  await receiver.stop();
  const replies = await Promise.all(burst);
  const answered = ids.filter((_, index) => replies[index]?.retCode === 0).map(String);
  expect(answered.length).toBeGreaterThan(20);
  expect(receiver.counts().posts).toMatchObject({ inFlight: 0, failed: 0 });
  const stored = await storedIds(8);
  expect(answered.filter((id) => !stored.has(id))).toEqual([]);
});

test('a port in use stops the start with a sentence that says what to set', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const port = String((taken.address() as AddressInfo).port);
  const refused = await open({ TWIN_PORT: port }).catch(String);
  taken.close();
  await open();
  expect(refused).toMatch(/is in use by another program.*TWIN_PORT/);
});
