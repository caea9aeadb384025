/**
 * What a receiver drops is declared: datagrams the kernel had no room for while the loop stood still, and those refused for want
 * of room. Before this, nothing in the ledger said that anything was missing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Running } from '../../src/main.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { portOf, Sender, startReceiver, until } from '../support/receiver.js';

const SLOW_MS = 60_000;
const QUICK = {
  ...{ IVR_CALL_REPORT_RETRY: '2', IVR_CALL_REPORT_RETRY_INTERVAL: '0.5', RETRY_MARGIN_MS: '1000' },
  ...{ HEARTBEAT_INTERVAL_MS: '200', LOSS_WINDOW_S: '2', UDP_ALLOWED_SOURCES: 'one=127.0.0.1,other=127.0.0.2' },
};

interface Gap {
  readonly source: string;
  readonly kind: string;
  readonly certainty: string;
  readonly status: string;
  readonly from: string;
  readonly to: string;
  readonly estimatedLost: number | null;
  readonly detail: string;
}

let database: TestDatabase;
let receiver: Running | null;
let senders: Sender[];

beforeEach(async () => {
  database = await testDatabase();
  receiver = null;
  senders = [];
});

afterEach(async () => {
  for (const sender of senders) sender.close();
  await receiver?.stop();
  await database.close();
}, SLOW_MS);

async function start(settings: Readonly<Record<string, string>>): Promise<Running> {
  receiver = await startReceiver(database, { ...QUICK, ...settings });
  return receiver;
}

async function senderFrom(address: string): Promise<Sender> {
  const sender = await Sender.open(address);
  senders.push(sender);
  return sender;
}

function report(callId: string, serial: number, state: string): string {
  return `${callId},${String(serial)},${state},442071234567,442079876543,1001,7,Main menu`;
}

async function answer<T>({ http }: Running, path: string): Promise<T> {
  return (await (await fetch(`${http}/api/v1/${path}`)).json()) as T;
}

async function gapsOf(running: Running, kind: string): Promise<readonly Gap[]> {
  return (await answer<{ data: Gap[] }>(running, `gaps?kind=${kind}`)).data;
}

/** Both IVRs report a call, so that their codec is locked and their rows are stored. */
async function introduce(running: Running): Promise<readonly [Sender, Sender]> {
  const [one, other] = [await senderFrom('127.0.0.1'), await senderFrom('127.0.0.2')];
  for (const sender of [one, other]) {
    sender.send(portOf(running), report('a', 1, 'Ringing'), report('a', 2, 'OK'), report('a', 3, 'Bye'));
    await sender.acked(3);
  }
  return [one, other];
}

/** Nothing in this process runs for so long: neither the receiver's loop nor anything of the test. */
function stop(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test(
  'what the kernel dropped while the loop stood still is an overflow of every source, and the standstill an outage',
  async () => {
    const running = await start({ UDP_RECEIVE_BUFFER_BYTES: '4096' });
    const [one] = await introduce(running);
    const before = Date.now();
    const burst = Array.from({ length: 300 }, (_, index) => report(`b-${String(index)}`, 1, 'Ringing'));
    one.send(portOf(running), ...burst);
    stop(1_000);
    await until(async () => (await gapsOf(running, 'overflow')).length === 2, 10_000);
    const gaps = await gapsOf(running, 'overflow');
    expect(gaps.map(({ source, certainty }) => [source, certainty]).sort()).toEqual([
      ['one', 'possible'],
      ['other', 'possible'],
    ]);
    const [, dropped = '0', arrived = '0'] =
      /^(\d+) of (\d+) .*dropped by the kernel/.exec(gaps[0]?.detail ?? '') ?? [];
    const { received } = running.counts().transport;
    expect(Number(dropped)).toBe(306 - received);
    expect(Number(dropped)).toBeGreaterThan(100);
    expect(Number(arrived)).toBeGreaterThanOrEqual(Number(dropped));
    for (const { from, to } of gaps) {
      expect(Date.parse(to)).toBeGreaterThanOrEqual(before);
      expect(Date.parse(from)).toBeLessThanOrEqual(before + 1_000);
    }
    // A busy machine may have stood still before, too.
    const outages = (await gapsOf(running, 'outage')).filter(({ to }) => Date.parse(to) > before);
    expect(outages.map(({ certainty }) => certainty)).toEqual(['possible', 'possible']);
    expect(outages[0]?.detail).toMatch(/^the receive loop stood still for \d{4,} ms/);
    // Lists of the time say so, and both close once H has passed: nothing that serials show is missing.
    const feed = async (): Promise<readonly { gaps: number; status: string }[]> =>
      (await answer<{ feed: { gaps: number; status: string }[] }>(running, 'calls')).feed;
    // A source was heard when a beat has said so, and beats stood still as well.
    await until(async () => (await feed()).every(({ status }) => status === 'impaired'), 10_000);
    expect((await feed()).map(({ gaps: overlapping }) => overlapping >= 2)).toEqual([true, true]);
    await until(async () => (await gapsOf(running, 'overflow')).every(({ status }) => status === 'explained'), 10_000);
  },
  SLOW_MS,
);

test(
  'what was refused for want of room is an overflow of its source alone, with what it may have cost',
  async () => {
    const running = await start({ INGEST_QUEUE_MAX: '5', INGEST_BATCH_MAX: '5' });
    const [one] = await introduce(running);
    const burst = Array.from({ length: 60 }, (_, index) => report(`c-${String(index)}`, 1, 'Ringing'));
    one.send(portOf(running), ...burst);
    await until(async () => (await gapsOf(running, 'overflow')).length > 0, 10_000);
    await sleep(500);
    const gaps = await gapsOf(running, 'overflow');
    expect(gaps.map(({ source }) => source)).toEqual(['one']);
    const refused = running.counts().datagrams.find(({ reason }) => reason === 'queue_full')?.count ?? 0;
    expect(gaps[0]?.detail).toMatch(
      new RegExp(`^${String(refused)} of \\d+ datagram\\(s\\) refused \\(queue_full\\); n .* n q = `),
    );
    expect(gaps[0]?.estimatedLost).not.toBeNull();
  },
  SLOW_MS,
);

test('a receiver that reads everything declares nothing', async () => {
  const running = await start({});
  await introduce(running);
  await sleep(1_000);
  expect(await gapsOf(running, 'overflow')).toEqual([]);
});
