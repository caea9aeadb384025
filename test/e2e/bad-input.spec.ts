/**
 * Bad input over real sockets, one kind a row: never an ack unless stored, never a crash, and the bytes are in quarantine
 * with reason and source. At the end of every test law 3 holds: received = what became of each.
 */
import type pg from 'pg';
import type { Running } from '../../src/main.js';
import { type TestDatabase, testDatabase, testPool } from '../support/database.js';
import { portOf, Sender, startReceiver, until } from '../support/receiver.js';

/** Half a second each on an idle machine, but many real round trips. */
const SLOW_MS = 30_000;

type Json = Record<string, unknown>;

let database: TestDatabase;
let receiver: Running;
let senders: Sender[] = [];

beforeEach(async () => {
  database = await testDatabase();
});

afterEach(async () => {
  expectIdentity();
  for (const sender of senders) sender.close();
  senders = [];
  await receiver.stop();
  await database.close();
});

async function open(address?: string): Promise<Sender> {
  const sender = await Sender.open(address);
  senders.push(sender);
  return sender;
}

function report(callId: string, serial: number | string, state: string, caller = '442071234567'): string {
  return `${callId},${String(serial)},${state},${caller},442079876543,1001,7,Main menu`;
}

/** How many datagrams met one of these fates; `source` and `reason` narrow it. */
function countOf(fates: readonly string[], source?: string, reason?: string): number {
  return receiver
    .counts()
    .datagrams.filter((line) => source === undefined || line.source === source)
    .filter((line) => reason === undefined || line.reason === reason)
    .reduce((sum, { fate, count }) => sum + (fates.includes(fate) ? count : 0), 0);
}

/** Law 3: what was received is acked because it was stored, or has a fate with a reason, or is under way. */
function expectIdentity(): void {
  const { transport, inFlight } = receiver.counts();
  const stored = countOf(['first', 'duplicate', 'conflict']);
  const fated = stored + countOf(['quarantined', 'refused']);
  expect({ fated: fated + inFlight, answered: transport.answered, failed: transport.failed }).toEqual({
    ...{ fated: transport.received - transport.refused.source - transport.refused.stopping },
    ...{ answered: stored, failed: 0 },
  });
}

async function rest(path: string): Promise<Json> {
  return (await (await fetch(`${receiver.http}/api/v1/${path}`)).json()) as Json;
}

async function listed(path: string): Promise<readonly Json[]> {
  return (await rest(path))['data'] as Json[];
}

async function withPool<T>(use: (pool: pg.Pool) => Promise<T>): Promise<T> {
  const pool = testPool(database, 1);
  try {
    return await use(pool);
  } finally {
    await pool.end();
  }
}

/** What arrives, and where it ends: a reason of quarantine before and after the source's codec is locked, or `stored`. */
interface Row {
  readonly what: string;
  readonly bytes: string | Uint8Array;
  readonly unlocked: string;
  readonly locked: string;
}

const KB = 'k'.repeat(1_024);
const ROWS: readonly Row[] = [
  { what: 'a word', bytes: 'hello', unlocked: 'undetected', locked: 'fields' },
  { what: 'random bytes', bytes: Buffer.from('e5a1f30b6cd2', 'hex'), unlocked: 'charset', locked: 'charset' },
  { what: 'a report cut off', bytes: 'x,1,OK,44207', unlocked: 'undetected', locked: 'fields' },
  { what: 'half a JSON report', bytes: '{"callId":"x","serialNumber":1,', unlocked: 'undetected', locked: 'fields' },
  { what: 'nothing', bytes: '', unlocked: 'empty', locked: 'empty' },
  { what: 'a line end alone', bytes: '\r\n', unlocked: 'empty', locked: 'empty' },
  { what: 'a NUL in the Call ID', bytes: report('a\0b', 1, 'OK'), unlocked: 'nul', locked: 'nul' },
  { what: 'UTF-16', bytes: Buffer.from(report('x', 1, 'OK'), 'utf16le'), unlocked: 'nul', locked: 'nul' },
  {
    what: 'bytes of neither charset',
    bytes: Buffer.concat([Buffer.from(report('x', 1, 'OK')), Buffer.from([0xff, 0xfe, 0xff])]),
    ...{ unlocked: 'charset', locked: 'charset' },
  },
  {
    what: 'two reports in one datagram',
    bytes: `${report('x', 1, 'OK')}\n${report('y', 1, 'OK')}`,
    unlocked: 'undetected',
    locked: 'syntax',
  },
  {
    what: 'more than UDP_MAX_DATAGRAM_BYTES',
    bytes: report('x', 1, 'OK') + ' '.repeat(2_000),
    unlocked: 'oversized',
    locked: 'oversized',
  },
  { what: 'a state nobody knows', bytes: report('x', 1, 'Parked'), unlocked: 'undetected', locked: 'stored' },
  { what: 'no state', bytes: report('x', 1, ''), unlocked: 'undetected', locked: 'state' },
  { what: 'no Call ID', bytes: report('', 1, 'OK'), unlocked: 'undetected', locked: 'call_id' },
  { what: 'a Call ID of 1 kB', bytes: report(KB, 1, 'OK'), unlocked: 'undetected', locked: 'call_id' },
  { what: 'no serial', bytes: report('x', '', 'OK'), unlocked: 'undetected', locked: 'serial' },
  { what: 'a serial that is no number', bytes: report('x', 'one', 'OK'), unlocked: 'stored', locked: 'stored' },
  { what: 'a serial of 70 digits', bytes: report('x', '7'.repeat(70), 'OK'), unlocked: 'undetected', locked: 'serial' },
  { what: 'a number with letters', bytes: report('x', 1, 'OK', 'alice'), unlocked: 'undetected', locked: 'number' },
  { what: 'a ninth field', bytes: `${report('x', 1, 'OK')},extra`, unlocked: 'stored', locked: 'stored' },
  { what: 'a Menu Name of 1 kB', bytes: report('x', 1, 'OK') + KB, unlocked: 'undetected', locked: 'menu' },
  {
    what: 'two ways to read it',
    bytes: 'x,1,OK,442,443,5,7,m|1|OK|5|6|7|8|n',
    unlocked: 'ambiguous',
    locked: 'stored',
  },
];

describe.each(['unlocked', 'locked'] as const)('of a source whose codec is %s', (stage) => {
  test(
    'each kind is kept with its bytes, its reason and its source, or stored; only what is stored is acked',
    async () => {
      receiver = await startReceiver(database, { UDP_MAX_DATAGRAM_BYTES: '1500', QUARANTINE_MAX: '100' });
      for (const [index, row] of ROWS.entries()) {
        const source = `127.0.2.${String(index + 1)}`;
        const sender = await open(source);
        const firsts = stage === 'locked' ? ['1', '2', '3'] : [];
        sender.send(portOf(receiver), ...firsts.map((id) => report(`lock-${id}`, 1, 'Ringing')));
        await sender.acked(firsts.length);
        sender.send(portOf(receiver), row.bytes);
        await until(() => countOf(['first', 'quarantined', 'refused'], source) === firsts.length + 1);
        const kept = (await listed(`quarantine?source=${source}`)).map(({ reason, bytesBase64, length }) => {
          return { reason, bytesBase64, length };
        });
        const bytes = Buffer.from(row.bytes);
        const expected = { reason: row[stage], bytesBase64: bytes.toString('base64'), length: bytes.length };
        const oversized = { ...expected, bytesBase64: bytes.subarray(0, 1_500).toString('base64') };
        const stored = row[stage] === 'stored';
        expect({ what: row.what, kept, acks: sender.acks.length - firsts.length }).toEqual({
          what: row.what,
          kept: stored ? [] : [row[stage] === 'oversized' ? oversized : expected],
          acks: stored ? 1 : 0,
        });
      }
      expect((await fetch(`${receiver.http}/health/live`)).status).toBe(200);
    },
    SLOW_MS,
  );
});

test(
  'an ambiguous datagram locks nothing, and the next clear ones are read',
  async () => {
    receiver = await startReceiver(database);
    const sender = await open();
    sender.send(portOf(receiver), 'x,1,OK,442,443,5,7,m|1|OK|5|6|7|8|n');
    await until(() => countOf(['quarantined'], '127.0.0.1', 'ambiguous') === 1);
    sender.send(portOf(receiver), report('a', 1, 'OK'));
    expect(await sender.acked(1)).toEqual(['a,1']);
  },
  SLOW_MS,
);

test(
  'an address that is not allowed is neither answered nor kept, and is counted',
  async () => {
    receiver = await startReceiver(database, { UDP_ALLOWED_SOURCES: 'office=127.0.2.0/24' });
    const [office, stranger] = [await open('127.0.2.1'), await open('127.0.3.1')];
    stranger.send(portOf(receiver), report('s', 1, 'OK'), 'garbage');
    office.send(portOf(receiver), report('o', 1, 'OK'));
    await office.acked(1);
    await until(() => receiver.counts().transport.refused.source === 2);
    expect(stranger.acks).toEqual([]);
    expect((await listed('sources')).map(({ key }) => key)).toEqual(['office']);
    expect(await listed('quarantine')).toEqual([]);
  },
  SLOW_MS,
);

test(
  'quarantine keeps the newest QUARANTINE_MAX rows, and every datagram of a flood is counted',
  async () => {
    receiver = await startReceiver(database, { QUARANTINE_MAX: '20' });
    const sender = await open();
    for (let at = 0; at < 300; at += 50) {
      sender.send(portOf(receiver), ...Array.from({ length: 50 }, (_, index) => `garbage ${String(at + index)}`));
      await until(() => countOf(['quarantined']) === at + 50);
    }
    const kept = (await listed('quarantine')).map((row) =>
      Buffer.from(String(row['bytesBase64']), 'base64').toString(),
    );
    expect(kept).toEqual(Array.from({ length: 20 }, (_, index) => `garbage ${String(299 - index)}`));
    expect(sender.acks).toEqual([]);
  },
  SLOW_MS,
);

test(
  'quarantine is a gap of its source, and calls of that time do not count as unanswered',
  async () => {
    receiver = await startReceiver(database, { HEARTBEAT_INTERVAL_MS: '50' });
    const sender = await open();
    sender.send(portOf(receiver), report('q', 1, 'Ringing'), 'garbage', report('q', 2, 'Bye'));
    await sender.acked(2);
    await until(async () => (await listed('gaps?kind=quarantine')).length === 1);
    expect((await listed('gaps?kind=quarantine'))[0]).toMatchObject({
      certainty: 'possible',
      status: 'open',
      estimatedLost: 1,
    });
    const [call] = await listed('calls?callId=q');
    expect(call).toMatchObject({ state: 'ended', disposition: 'unknown' });
  },
  SLOW_MS,
);

test(
  'a queue that is full refuses, counts the refusals and acks the rest',
  async () => {
    receiver = await startReceiver(database, { INGEST_QUEUE_MAX: '5', INGEST_BATCH_MAX: '2' });
    const sender = await open();
    const burst = Array.from({ length: 120 }, (_, index) => report(`burst-${String(index)}`, 1, 'Ringing'));
    sender.send(portOf(receiver), ...burst);
    await until(() => countOf(['first', 'refused']) === burst.length);
    const [stored, refused] = [countOf(['first']), countOf(['refused'], '127.0.0.1', 'queue_full')];
    expect(stored + refused).toBe(burst.length);
    expect(refused).toBeGreaterThan(0);
    expect((await sender.acked(stored)).length).toBe(stored);
    const missing = burst.map((text) => text.split(',')[0] ?? '').filter((id) => !sender.acks.includes(`${id},1`));
    // What was refused is sent again, as an IVR does, until it fits.
    for (const id of missing) {
      sender.send(portOf(receiver), report(id, 1, 'Ringing'));
      await until(() => sender.acks.includes(`${id},1`));
    }
    expect(countOf(['duplicate', 'conflict'])).toBe(0);
  },
  SLOW_MS,
);

test(
  'a notification PostgreSQL refuses goes to quarantine as rejected, and none of its batch-mates',
  async () => {
    await withPool((pool) =>
      pool.query(`alter table notification add constraint no_poison check (caller_number <> '666')`),
    );
    receiver = await startReceiver(database);
    const sender = await open();
    const mates = Array.from({ length: 60 }, (_, index) => report(`mate-${String(index)}`, 1, 'Ringing'));
    const poison = [report('mate-7', 2, 'OK', '666'), report('bad', 1, 'Ringing', '666')];
    sender.send(portOf(receiver), ...mates.slice(0, 20), ...poison.slice(0, 1), ...mates.slice(20), ...poison.slice(1));
    await sender.acked(mates.length);
    await until(() => countOf(['quarantined'], '127.0.0.1', 'rejected') === poison.length);
    expect([...sender.acks].sort()).toEqual(mates.map((_, index) => `mate-${String(index)},1`).sort());
    const kept = (await listed('quarantine?reason=rejected')).map((row) =>
      Buffer.from(String(row['bytesBase64']), 'base64').toString(),
    );
    expect([...kept].sort()).toEqual([...poison].sort());
    expect(await listed('calls?callId=bad')).toEqual([]);
    expect((await listed('calls?callId=mate-7'))[0]).toMatchObject({ state: 'ringing', notificationCount: 1 });
  },
  SLOW_MS,
);
