/** Serials that jump or fall back, over real sockets: one bounded gap in the ledger, however many serials it spans. */
import type { Running } from '../../src/main.js';
import { type TestDatabase, testDatabase, testPool } from '../support/database.js';
import { portOf, Sender, startReceiver, until } from '../support/receiver.js';

const SLOW_MS = 30_000;

type Json = Record<string, unknown>;

let database: TestDatabase;
let receiver: Running;
let sender: Sender;

beforeEach(async () => {
  database = await testDatabase();
  sender = await Sender.open();
});

afterEach(async () => {
  sender.close();
  await receiver.stop();
  await database.close();
});

function report(callId: string, serial: number, state: string): string {
  return `${callId},${String(serial)},${state},442071234567,442079876543,1001,7,Main menu`;
}

async function rest(path: string): Promise<Json> {
  return (await (await fetch(`${receiver.http}/api/v1/${path}`)).json()) as Json;
}

async function listed(path: string): Promise<readonly Json[]> {
  return (await rest(path))['data'] as Json[];
}

/** H is 300 ms, so that a hole closes within the test. */
const QUICK = {
  ...{ IVR_CALL_REPORT_RETRY: '1', IVR_CALL_REPORT_RETRY_INTERVAL: '0.2', RETRY_MARGIN_MS: '100' },
  ...{ HEARTBEAT_INTERVAL_MS: '50' },
};

/** Whole calls with consecutive serials from `from` on; returns the next serial. */
async function calls(count: number, from: number): Promise<number> {
  let serial = from;
  for (let index = 0; index < count; index++) {
    const before = sender.acks.length;
    const id = `c-${String(serial)}`;
    for (const state of ['Ringing', 'OK', 'Bye']) sender.send(portOf(receiver), report(id, serial++, state));
    await sender.acked(before + 3);
  }
  return serial;
}

/** Starts, and sends calls until their serials are known to count the source's notifications; returns the next serial. */
async function learned(): Promise<number> {
  receiver = await startReceiver(database, QUICK);
  const next = await calls(25, 1_000);
  await until(async () => (await rest('sources/127.0.0.1'))['serialMeaning'] === 'per_source', 10_000);
  return next;
}

async function gapRows(): Promise<number> {
  const pool = testPool(database, 1);
  const { rows } = await pool.query('select 1 from gap');
  await pool.end();
  return rows.length;
}

const serialGaps = (): Promise<readonly Json[]> => listed('gaps?kind=serial');

test(
  'a number for each call counts calls, and is not called constant while that cannot be seen yet',
  async () => {
    receiver = await startReceiver(database, { ...QUICK, RETRY_MARGIN_MS: '4000' });
    for (let number = 1_000; number < 1_030; number++) {
      const before = sender.acks.length;
      for (const state of ['Ringing', 'OK', 'Bye']) {
        sender.send(portOf(receiver), report(`c-${String(number)}`, number, state));
      }
      await sender.acked(before + 3);
    }
    await until(async () => (await rest('sources/127.0.0.1'))['serialMeaning'] === 'call_number', 20_000);
    const changes = (await listed('sources/127.0.0.1/changes')).filter(({ field }) => field === 'serialMeaning');
    expect(changes).toMatchObject([{ before: 'unknown', after: 'call_number' }]);
  },
  SLOW_MS,
);

test(
  'a jump by a million is one gap with both ends, not a million rows',
  async () => {
    const next = await learned();
    await calls(3, next + 1_000_000);
    await until(async () => (await serialGaps()).some(({ status }) => status === 'lost'));
    const [gap, ...more] = await serialGaps();
    expect({ gap, more }).toMatchObject({
      gap: {
        ...{ fromSerial: String(next), toSerial: String(next + 999_999), status: 'lost', certainty: 'possible' },
        estimatedLost: null,
      },
      more: [],
    });
    expect(await gapRows()).toBeLessThan(5);
  },
  SLOW_MS,
);

test(
  'serials that fall back are one open-ended gap, and what follows is received as before',
  async () => {
    const next = await learned();
    await calls(4, 1);
    await until(async () => (await serialGaps()).length > 0);
    expect((await serialGaps()).map(({ fromSerial, toSerial }) => ({ fromSerial, toSerial }))).toEqual([
      { fromSerial: String(next), toSerial: null },
    ]);
    expect((await listed('calls?callId=c-1'))[0]).toMatchObject({ state: 'ended', disposition: 'answered' });
  },
  SLOW_MS,
);
