/** An operator's decision takes hold without a restart: on what is read, on what is learned, on calls already recorded. */
import type { Running } from '../../src/main.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { portOf, Sender, startReceiver, until } from '../support/receiver.js';

type Json = Record<string, unknown>;

/** H is 19 s: nothing settles within a test. */
const SLOW_SENDER = { HEARTBEAT_INTERVAL_MS: '50' };
/** H is 300 ms: a call settles within a second. */
const QUICK_SENDER = {
  ...{ IVR_CALL_REPORT_RETRY: '1', IVR_CALL_REPORT_RETRY_INTERVAL: '0.2', RETRY_MARGIN_MS: '100' },
  ...{ HEARTBEAT_INTERVAL_MS: '50', LOSS_WINDOW_S: '1' },
};
const SLOW_MS = 30_000;

let database: TestDatabase;
let running: Running[];
let sender: Sender;

beforeEach(async () => {
  database = await testDatabase();
  sender = await Sender.open();
  running = [];
});

afterEach(async () => {
  sender.close();
  for (const one of running) await one.stop();
  await database.close();
});

async function start(settings: Readonly<Record<string, string>> = SLOW_SENDER): Promise<Running> {
  const receiver = await startReceiver(database, settings);
  running.push(receiver);
  return receiver;
}

function report(callId: string, serial: number, state: string, mark = ','): string {
  return [callId, serial, state, '442071234567', '442079876543', '1001', '7', 'Main menu'].join(mark);
}

async function decide({ http }: Running, mutation: string): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ query: `mutation { done: ${mutation} { key } }` });
  const answer = await fetch(`${http}/graphql`, { method: 'POST', headers, body });
  expect(await answer.json()).toMatchObject({ data: { done: { key: '127.0.0.1' } } });
}

async function callOf({ http }: Running, callId: string): Promise<Json> {
  const answer = await fetch(`${http}/api/v1/calls?callId=${callId}`);
  return ((await answer.json()) as { data: Json[] }).data[0] ?? {};
}

function quarantined(receiver: Running): number {
  return receiver.counts().datagrams.reduce((sum, { fate, count }) => sum + (fate === 'quarantined' ? count : 0), 0);
}

/** Sends reports one after another and waits for all acks. */
async function acked(receiver: Running, ...reports: readonly string[]): Promise<void> {
  const before = sender.acks.length;
  sender.send(portOf(receiver), ...reports);
  await sender.acked(before + reports.length);
}

test('a codec that is set is read by from the next datagram on, and the old one no longer', async () => {
  const receiver = await start();
  await acked(receiver, ...['a', 'b', 'c'].map((id) => report(id, 1, 'Ringing')));
  await decide(receiver, 'setSourceCodec(key: "127.0.0.1", codec: "delimited", delimiter: "|")');
  await acked(receiver, report('d', 1, 'Ringing', '|'));
  sender.send(portOf(receiver), report('e', 1, 'Ringing'));
  await until(() => quarantined(receiver) === 1);
  expect(sender.acks.slice(3)).toEqual(['d|1']);
});

test('a codec that is to be learned anew is, and is kept when the receiver starts again', async () => {
  const first = await start();
  await acked(first, ...['a', 'b', 'c'].map((id) => report(id, 1, 'Ringing')));
  await decide(first, 'relearnSource(key: "127.0.0.1")');
  await acked(first, ...['d', 'e', 'f'].map((id) => report(id, 1, 'Ringing', ';')));
  await first.stop();
  running = [];
  const second = await start();
  sender.send(portOf(second), report('g', 1, 'Ringing'));
  await until(() => quarantined(second) === 1);
  await acked(second, report('g', 1, 'Ringing', ';'));
});

test('a codec set at one receiver is read by at the other after its next pulse', async () => {
  const [one, other] = [await start(), await start()];
  await acked(one, ...['a', 'b', 'c'].map((id) => report(id, 1, 'Ringing')));
  await acked(other, report('d', 1, 'Ringing'));
  await decide(one, 'setSourceCodec(key: "127.0.0.1", codec: "delimited", delimiter: "|")');
  await until(() => {
    sender.send(portOf(other), report('e', 1, 'Ringing', '|'));
    return sender.acks.includes('e|1');
  });
  expect(sender.acks.slice(0, 4)).toEqual(['a,1', 'b,1', 'c,1', 'd,1']);
});

test('an ack form that is set is answered in from the next datagram on, and outlives a restart', async () => {
  const first = await start();
  await acked(first, ...['a', 'b', 'c'].map((id) => report(id, 1, 'Ringing')));
  await decide(first, 'setSourceAckForm(key: "127.0.0.1", content: "serial", terminator: "lf")');
  await acked(first, report('d', 1, 'Ringing'));
  await first.stop();
  running = [];
  const second = await start();
  await acked(second, report('e', 2, 'Ringing'));
  await decide(second, 'setSourceAckForm(key: "127.0.0.1")');
  await acked(second, report('f', 3, 'Ringing'));
  expect(sender.acks.slice(3)).toEqual(['1\n', '2\n', 'f,3']);
});

test('a codec that was learned is recorded as such', async () => {
  const receiver = await start();
  await acked(receiver, ...['a', 'b', 'c'].map((id) => report(id, 1, 'Ringing', ';')));
  const changes = async (): Promise<Json[]> => {
    const answer = await fetch(`${receiver.http}/api/v1/sources/127.0.0.1/changes`);
    return ((await answer.json()) as { data: Json[] }).data;
  };
  await until(async () => (await changes()).length > 0);
  const told = (await changes()).map(({ by, field, before, after }) => [by, field, before, after]).sort();
  expect(told).toEqual([
    ['learned', 'codec', null, 'delimited:;'],
    ['learned', 'locked', 'false', 'true'],
  ]);
});

test('a meaning that is set folds the calls that are not settled again, as revisions', async () => {
  const receiver = await start();
  await acked(receiver, report('u', 1, 'Ringing'), report('u', 2, 'Bye'));
  expect(await callOf(receiver, 'u')).toMatchObject({ disposition: 'unknown', revision: expect.any(Number) as number });
  const before = Number((await callOf(receiver, 'u'))['revision']);
  await decide(receiver, 'setSourceSerialMeaning(key: "127.0.0.1", serialMeaning: per_call, serialBase: 1)');
  await until(async () => (await callOf(receiver, 'u'))['dispositionBasis'] === 'proven');
  expect(await callOf(receiver, 'u')).toMatchObject({ disposition: 'not_answered', revision: before + 1 });
  await decide(receiver, 'setSourceSerialMeaning(key: "127.0.0.1", serialMeaning: opaque)');
  await until(async () => (await callOf(receiver, 'u'))['disposition'] === 'unknown');
  await decide(receiver, 'setSourceSerialMeaning(key: "127.0.0.1", serialMeaning: per_call)');
  await until(async () => (await callOf(receiver, 'u'))['dispositionBasis'] === 'proven');
});

test('a meaning that is set is what the next notification is folded by', async () => {
  const receiver = await start();
  await acked(receiver, report('v', 1, 'Ringing'));
  await decide(receiver, 'setSourceSerialMeaning(key: "127.0.0.1", serialMeaning: per_call)');
  await until(async () => {
    const id = String(performance.now());
    await acked(receiver, report(id, 1, 'Ringing'), report(id, 2, 'Bye'));
    return (await callOf(receiver, id))['dispositionBasis'] === 'proven';
  });
});

test(
  'the first meaning holds from the first notification on: settled calls are folded again too, but not by the second',
  async () => {
    const receiver = await start(QUICK_SENDER);
    await acked(receiver, report('s', 1, 'Ringing'), report('s', 2, 'Bye'));
    await until(async () => (await callOf(receiver, 's'))['settled'] === true, 10_000);
    expect((await callOf(receiver, 's'))['dispositionBasis']).not.toBe('proven');
    await decide(receiver, 'setSourceSerialMeaning(key: "127.0.0.1", serialMeaning: per_call)');
    await until(async () => (await callOf(receiver, 's'))['dispositionBasis'] === 'proven', 10_000);
    await until(async () => (await callOf(receiver, 's'))['settled'] === true, 10_000);
    const proven = await callOf(receiver, 's');
    await decide(receiver, 'setSourceSerialMeaning(key: "127.0.0.1", serialMeaning: constant)');
    await acked(receiver, report('t', 1, 'Ringing'), report('t', 1, 'Bye'));
    await until(async () => (await callOf(receiver, 't'))['settled'] === true, 10_000);
    expect(await callOf(receiver, 's')).toEqual(proven);
  },
  SLOW_MS,
);
