/** From datagram to record over real sockets and real PostgreSQL: acks, counts, quarantine, restarts, outages. */
import type pg from 'pg';
import type { Running } from '../../src/main.js';
import { adminQuery } from '../support/cluster.js';
import { type TestDatabase, testDatabase, testPool } from '../support/database.js';
import { portOf, Sender, startReceiver, until } from '../support/receiver.js';

let database: TestDatabase;
let pool: pg.Pool;
let receiver: Running;
let sender: Sender;

beforeEach(async () => {
  database = await testDatabase();
  pool = testPool(database);
  pool.on('error', () => undefined);
  sender = await Sender.open();
});

afterEach(async () => {
  sender.close();
  await receiver.stop();
  await pool.end();
  await database.close();
});

function report(callId: string, serial: number | string, state: string, rest = '1001,7,Main menu'): string {
  return `${callId},${String(serial)},${state},442071234567,442079876543,${rest}`;
}

async function count(sql: string): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(`select count(*)::integer as n from ${sql}`);
  return rows[0]?.n ?? NaN;
}

function totalOf(fates: readonly string[], running = receiver): number {
  return running.counts().datagrams.reduce((sum, line) => sum + (fates.includes(line.fate) ? line.count : 0), 0);
}

test('a call is acked state by state, and a read begun after the last ack shows it whole', async () => {
  receiver = await startReceiver(database);
  for (const [index, state] of ['Ringing(180)', 'OK', 'Bye'].entries()) {
    sender.send(portOf(receiver), report('a@ivr', index + 1, state));
    await sender.acked(index + 1);
  }
  expect(sender.acks).toEqual(['a@ivr,1', 'a@ivr,2', 'a@ivr,3']);
  const answer = await fetch(`${receiver.http}/api/v1/calls`);
  const { data } = (await answer.json()) as { data: Record<string, unknown>[] };
  expect(data).toHaveLength(1);
  expect(data[0]).toMatchObject({
    ...{ callId: 'a@ivr', state: 'ended', disposition: 'answered', dispositionBasis: 'reported' },
    ...{ callerNumber: '442071234567', menuName: 'Main menu', notificationCount: 3, source: '127.0.0.1' },
  });
});

test('received = first + duplicate + conflict + quarantined + refused, with garbage of every kind mixed in', async () => {
  receiver = await startReceiver(database, { UDP_MAX_DATAGRAM_BYTES: '1024' });
  const garbage = [
    ...['', 'hello', '\u0000\u0000', 'a,b,c', report('', 1, 'OK'), report('x', '', 'OK')],
    ...[report('x', 1, 'OK').repeat(20), report('n', 1, 'OK').replace('442071234567', 'alice')],
    ...[Buffer.from([0xff, 0xfe, 0x2c, 0x80]), 'x'.repeat(1_500)],
  ];
  const calls = Array.from({ length: 50 }, (_, index) => `mixed-${String(index)}`);
  const good = calls.flatMap((id) => [report(id, 1, 'Ringing'), report(id, 1, 'Ringing'), report(id, 2, 'Bye')]);
  const disputed = report('mixed-0', 2, 'Bye', '1001,7,Another menu');
  sender.send(portOf(receiver), ...good);
  await sender.acked(good.length);
  sender.send(portOf(receiver), disputed, ...garbage);
  const sent = good.length + 1 + garbage.length;
  await until(() => totalOf(['first', 'duplicate', 'conflict', 'quarantined', 'refused']) === sent);
  const { transport, inFlight } = receiver.counts();
  expect({ received: transport.received, failed: transport.failed, inFlight }).toEqual({
    ...{ received: sent, failed: 0, inFlight: 0 },
  });
  expect([totalOf(['first']), totalOf(['duplicate']), totalOf(['conflict'])]).toEqual([100, 50, 1]);
  expect(totalOf(['quarantined'])).toBe(garbage.length);
  expect(await sender.acked(good.length + 1)).toHaveLength(good.length + 1);
  expect(await count('quarantine')).toBe(garbage.length);
  expect(await count('notification')).toBe(101);
});

test('copies of one unreadable datagram are one quarantined row, and the rows are bounded', async () => {
  receiver = await startReceiver(database, { QUARANTINE_MAX: '3' });
  for (const text of ['one', 'two', 'two', 'two', 'three', 'four', 'five']) sender.send(portOf(receiver), text);
  await until(() => totalOf(['quarantined']) === 7);
  const { rows } = await pool.query<{ text: string; copies: number }>(
    `select convert_from(bytes, 'UTF8') as text, copies from quarantine order by received_at, id`,
  );
  expect(rows).toHaveLength(3);
  expect(rows.at(-1)).toEqual({ text: 'five', copies: 1 });
  expect(sender.acks).toEqual([]);
});

test('after a restart a copy is a duplicate, and the source keeps its codec and its key', async () => {
  receiver = await startReceiver(database);
  sender.send(portOf(receiver), ...['1', '2', '3'].map((id) => report(id, 1, 'Ringing').replaceAll(',', '|')));
  await sender.acked(3);
  await receiver.stop();
  receiver = await startReceiver(database, { UDP_ALLOWED_SOURCES: 'office=127.0.0.0/8' });
  sender.send(portOf(receiver), report('1', 1, 'Ringing').replaceAll(',', '|'), report('4', 1, 'Ringing'));
  await sender.acked(4);
  await until(() => totalOf(['quarantined']) === 1);
  expect(sender.acks).toEqual(['1|1', '2|1', '3|1', '1|1']);
  expect(totalOf(['duplicate'])).toBe(1);
  const { rows } = await pool.query('select key, name, addresses, locked from source');
  expect(rows).toEqual([{ key: '127.0.0.1', name: 'office', addresses: ['127.0.0.1'], locked: true }]);
});

test('addresses under one configured name are one source', async () => {
  receiver = await startReceiver(database, { UDP_ALLOWED_SOURCES: 'office=127.0.0.0/30' });
  const other = await Sender.open('127.0.0.2');
  sender.send(portOf(receiver), report('s', 1, 'Ringing'));
  await sender.acked(1);
  other.send(portOf(receiver), report('s', 2, 'Bye'));
  await other.acked(1);
  other.close();
  const { rows } = await pool.query('select key, name, addresses from source');
  expect(rows).toEqual([{ key: 'office', name: 'office', addresses: ['127.0.0.1', '127.0.0.2'] }]);
  expect(await count('call')).toBe(1);
});

test('while the database is away acks come from the spool, and afterwards all of it is stored', async () => {
  receiver = await startReceiver(database);
  const name = new URL(database.url).pathname.slice(1);
  const admin = new URL(database.url);
  admin.pathname = '/postgres';
  sender.send(portOf(receiver), report('before', 1, 'Ringing'));
  await sender.acked(1);
  await adminQuery(admin.href, `alter database ${name} allow_connections false`);
  await adminQuery(admin.href, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
  sender.send(portOf(receiver), report('during', 1, 'Ringing'));
  await sender.acked(2);
  expect(sender.acks).toEqual(['before,1', 'during,1']);
  expect([receiver.counts().inFlight, receiver.spool().depth]).toEqual([1, 1]);
  await adminQuery(admin.href, `alter database ${name} allow_connections true`);
  await until(() => totalOf(['first']) === 2, 10_000);
  expect(await count('notification')).toBe(2);
});

test('a stop in the middle of a burst acks what it took in, and everything acked is there', async () => {
  receiver = await startReceiver(database);
  const burst = Array.from({ length: 2_000 }, (_, index) => report(`burst-${String(index)}`, 1, 'Ringing'));
  sender.send(portOf(receiver), ...burst);
  await sender.acked(1);
  await receiver.stop();
  const { transport, inFlight } = receiver.counts();
  expect(inFlight).toBe(0);
  expect(transport.answered).toBe(totalOf(['first']));
  const { rows: stored } = await pool.query<{ ack: string }>(
    `select call_id || ',' || serial as ack from notification`,
  );
  expect(stored).toHaveLength(transport.answered);
  expect(stored.map(({ ack }) => ack)).toEqual(expect.arrayContaining(sender.acks));
  const { rows } = await pool.query<{ stopped: boolean }>('select stopped_at is not null as stopped from receiver');
  expect(rows).toEqual([{ stopped: true }]);
});
