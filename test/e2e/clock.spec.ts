/**
 * A machine's clock that is stepped: under a running receiver, and between two runs of one. Guards against negative times,
 * a notification no partition takes, and a gap called lost before its time.
 */
import { jest } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/clock.js';
import { parseConfig } from '../../src/config.js';
import { Log } from '../../src/log.js';
import { openReceiver, type Receiver } from '../../src/main.receiver.js';
import { Database } from '../../src/store/database.js';
import { PgSourceSettingsStore } from '../../src/store/sources/source-settings.js';
import { type TestDatabase, testDatabase, testPool, testPrisma } from '../support/database.js';
import { Sender, until } from '../support/receiver.js';

const SLOW_MS = 90_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let on: TestDatabase;
let folder: string;
let sender: Sender;
let close: (() => Promise<void>)[];

beforeEach(async () => {
  close = [];
  folder = mkdtempSync(join(tmpdir(), 'ringledger-clock-'));
  on = await testDatabase();
  sender = await Sender.open();
}, SLOW_MS);

afterEach(async () => {
  sender.close();
  for (const one of close.reverse()) await one();
  await on.close();
  rmSync(folder, { recursive: true, force: true });
}, SLOW_MS);

/** A receiver whose machine's clock is wrong by so much; H is 4 s. */
async function start(offMs: number): Promise<{ port: number; stop: () => Promise<void> }> {
  const config = {
    ...parseConfig({
      ...{ UDP_HOST: '127.0.0.1', LOG_LEVEL: 'fatal', LOG_FORMAT: 'json', DATA_DIR: folder },
      ...{ IVR_CALL_REPORT_RETRY: '3', IVR_CALL_REPORT_RETRY_INTERVAL: '1', RETRY_MARGIN_MS: '1000' },
      HEARTBEAT_INTERVAL_MS: '100',
    }),
    reportPort: 0,
  };
  const clock = systemClock();
  const database = new Database({ url: on.url, connectionsMax: 4 });
  await database.connect();
  const off = { now: () => clock.now() + offMs };
  const receiver: Receiver = await openReceiver(config, database, off, new Log(config));
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    await receiver.stop();
    await database.disconnect();
  };
  close.push(stop);
  return { port: receiver.sockets[0]?.port ?? 0, stop };
}

const report = (callId: string, serial: number, state: string): string =>
  `${callId},${String(serial)},${state},442071234567,442079876543,,7,Main`;

async function tell(port: number, ...texts: readonly string[]): Promise<void> {
  const before = sender.acks.length;
  sender.send(port, ...texts);
  await sender.acked(before + texts.length);
}

/** An operator's word that serials count the source's notifications. */
async function pinPerSource(): Promise<void> {
  const prisma = testPrisma(on, 1);
  const decision = { at: Date.now(), by: 'operator' };
  await new PgSourceSettingsStore(prisma).pinMeaning('127.0.0.1', 'per_source', 1, decision);
  await prisma.$disconnect();
}

async function rows<T extends object>(sql: string): Promise<readonly T[]> {
  const pool = testPool(on, 1);
  try {
    return (await pool.query<T>(sql)).rows;
  } finally {
    await pool.end();
  }
}

/** No time of a record is before the one it follows, whatever the clock did. */
async function expectNoNegativeTime(): Promise<void> {
  expect(
    await rows(
      `select call_id from call where least(ring_ms, ring_ms_min, ring_ms_max, talk_ms, talk_ms_min, talk_ms_max) < 0
       or ringing_at > answered_at or answered_at > ended_at or ringing_at > ended_at`,
    ),
  ).toEqual([]);
}

test('a step under a running receiver moves no stamp', () => {
  const clock = systemClock();
  const before = clock.now();
  for (const stepMs of [-HOUR_MS, 40 * DAY_MS]) {
    const wall = Date.now();
    const stepped = jest.spyOn(Date, 'now').mockReturnValue(wall + stepMs);
    expect(clock.now() - before).toBeGreaterThanOrEqual(0);
    expect(clock.now() - before).toBeLessThan(5_000);
    stepped.mockRestore();
  }
});

test(
  'an hour back between two runs: what comes is stored, its holes are found, and nothing stored is called lost',
  async () => {
    const first = await start(0);
    await tell(first.port, report('open', 1, 'Ringing'), report('a', 2, 'Ringing'), report('a', 3, 'Bye'));
    await pinPerSource();
    await until(
      async () => (await rows('select from source where processed_through is not null')).length === 1,
      10_000,
    );
    await first.stop();
    const second = await start(-HOUR_MS);
    await tell(second.port, report('open', 4, 'OK'), report('open', 5, 'Bye'), report('b', 6, 'Ringing'));
    await tell(second.port, report('b', 8, 'Bye'));
    const serials = `select from_serial, to_serial, status from gap where kind = 'serial'`;
    await until(async () => (await rows(`${serials} and status = 'lost'`)).length > 0, 30_000);
    expect(await rows(serials)).toEqual([{ from_serial: '7', to_serial: '7', status: 'lost' }]);
    expect(await rows('select serial from notification')).toHaveLength(7);
    await expectNoNegativeTime();
  },
  SLOW_MS,
);

test.each([HOUR_MS, 40 * DAY_MS, -40 * DAY_MS])(
  'a step of %i ms between two runs costs no ack and no partition',
  async (stepMs) => {
    const first = await start(0);
    await tell(first.port, report('open', 1, 'Ringing'));
    await first.stop();
    const second = await start(stepMs);
    await tell(second.port, report('open', 2, 'OK'), report('open', 3, 'Bye'));
    await tell(second.port, report('new', 1, 'Ringing'), report('new', 2, 'OK'), report('new', 3, 'Bye'));
    expect(await rows('select serial from notification')).toHaveLength(6);
    expect(await rows('select from notification_default')).toEqual([]);
    expect(await rows(`select state, disposition from call where call_id = 'new'`)).toEqual([
      { state: 'ended', disposition: 'answered' },
    ]);
    await expectNoNegativeTime();
  },
  SLOW_MS,
);

test(
  'a day of partitions is 24 hours where a time zone has 23 or 25',
  async () => {
    const [{ name } = { name: '' }] = await rows<{ name: string }>('select current_database() as name');
    await rows(`alter database ${name} set timezone to 'Europe/Berlin'`);
    for (const night of ['2027-03-28T00:59:58Z', '2027-10-31T00:59:58Z']) {
      const receiver = await start(Date.parse(night) - Date.now());
      await tell(receiver.port, report(night.slice(0, 10), 1, 'Ringing'));
      await receiver.stop();
    }
    const bounds = await rows<{ hours: number }>(
      `select extract(epoch from (said[2]::timestamptz - said[1]::timestamptz))::float8 / 3600 as hours
       from pg_inherits join pg_class on pg_class.oid = inhrelid,
         regexp_match(pg_get_expr(relpartbound, pg_class.oid), 'FROM \\(''(.*)''\\) TO \\(''(.*)''\\)') as said
       where inhparent = 'notification'::regclass and said is not null`,
    );
    expect(bounds.length).toBeGreaterThan(14);
    expect(bounds.filter(({ hours }) => hours !== 24)).toEqual([]);
    expect(await rows('select from notification_default')).toEqual([]);
  },
  SLOW_MS,
);
