/**
 * Every way an IVR may write, over real sockets: the bytes sent stand here as captured, and the ack is compared byte for
 * byte; each source is an address of its own, so that each format is detected and locked from nothing, or set by an
 * operator where it is never guessed.
 */
import type { Running } from '../../src/main.js';
import { encodeText } from '../../src/wire/text/gb18030.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { type Format, FORMATS } from '../support/formats.js';
import { portOf, Sender, startReceiver, until } from '../support/receiver.js';

/** The contract's Call, all of it. */
const CALL_FIELDS = `id source callId state disposition dispositionBasis callerNumber callerE164 calleeNumber calleeE164 forwardNumber
  menuId menuName firstSeenAt ringingAt ringingAtEarliest ringingCode answeredAt answeredAtEarliest endedAt endedAtEarliest
  presumedEndedAt endProvenance ringMs ringMsMin ringMsMax talkMs talkMsMin talkMsMax late conflict notificationCount
  duplicateCount missingCount settled revision updatedAt`;

type Json = Record<string, unknown>;

let database: TestDatabase;
let receiver: Running;

beforeAll(async () => {
  database = await testDatabase();
  receiver = await startReceiver(database, { HEARTBEAT_INTERVAL_MS: '100' });
});

afterAll(async () => {
  await receiver.stop();
  await database.close();
});

async function rest(path: string): Promise<Json> {
  const answer = await fetch(`${receiver.http}/api/v1/${path}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Json;
}

/** The one call of a source under a Call ID, as the history shows it. */
async function callOf(source: string, callId: string): Promise<Json> {
  const { data } = await rest(`calls?source=${source}&callId=${encodeURIComponent(callId)}`);
  const [call, ...more] = data as Json[];
  expect(more).toEqual([]);
  return call ?? {};
}

async function overGraphql(id: unknown): Promise<unknown> {
  const query = `query ($id: ID!) { call(id: $id) { ${CALL_FIELDS} notifications { serial stateRaw copies } } }`;
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ query, variables: { id } });
  const answer = await fetch(`${receiver.http}/graphql`, { method: 'POST', headers, body });
  return ((await answer.json()) as { data: { call: unknown } }).data.call;
}

function countOf(source: string, fate: string): number {
  return receiver.counts().datagrams.find((line) => line.source === source && line.fate === fate)?.count ?? 0;
}

function bytesOf(format: Format, text: string): Uint8Array {
  return encodeText(text, format.charset ?? 'utf-8');
}

/** Sends one state, waits for its ack and compares it byte for byte. */
async function acked(sender: Sender, format: Format, callId: string, serial: number, state: string): Promise<void> {
  const before = sender.ackBytes.length;
  sender.send(portOf(receiver), bytesOf(format, format.request(callId, serial, state)));
  await sender.acked(before + 1);
  const expected = Buffer.from(bytesOf(format, format.ack(callId, serial))).toString('hex');
  expect(sender.ackBytes.slice(before)).toEqual([expected]);
}

const CASES = FORMATS.map((format, index) => ({ format, name: format.name, source: `127.0.1.${String(index + 1)}` }));
const LIFE = [
  ['Ringing(180)', 'ringing'],
  ['OK', 'answered'],
  ['Bye', 'ended'],
] as const;

/** An operator's decision needs the source, and the source a datagram, which goes to quarantine. */
async function setFor(source: string, sender: Sender, format: Format): Promise<void> {
  if (format.set === undefined) return;
  sender.send(portOf(receiver), bytesOf(format, format.request('x', 1, 'Ringing')));
  await until(async () => (await fetch(`${receiver.http}/api/v1/sources/${source}`)).status === 200);
  const query = `mutation { setSourceCodec(key: "${source}", ${format.set}) { codec } }`;
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${receiver.http}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
  expect(await answer.json()).toMatchObject({ data: { setSourceCodec: { codec: format.codec } } });
  expect([countOf(source, 'quarantined'), sender.ackBytes]).toEqual([1, []]);
}

describe.each(CASES)('$name', ({ format, source }) => {
  let sender: Sender;
  beforeAll(async () => {
    sender = await Sender.open(source);
    await setFor(source, sender, format);
  });
  afterAll(() => {
    sender.close();
  });

  test('each state is acked in the very bytes of the request, and a read begun then shows it', async () => {
    for (const [index, [state, stands]] of LIFE.entries()) {
      await acked(sender, format, 'a~1@ivr', index + 1, state);
      expect((await callOf(source, 'a~1@ivr'))['state']).toBe(stands);
    }
    const call = await callOf(source, 'a~1@ivr');
    expect(call).toMatchObject({
      ...{ state: 'ended', disposition: 'answered', dispositionBasis: 'reported', ringingCode: '180', conflict: false },
      ...{ callerNumber: '442071234567', calleeNumber: '442079876543', forwardNumber: '1001', menuId: '7' },
      ...{ menuName: format.menuName ?? 'Main menu', notificationCount: 3, duplicateCount: 0 },
    });
    expect((await rest('calls/active'))['count']).toBe(0);
  });

  test('REST and GraphQL say the same of it', async () => {
    const { notifications, gaps, ...call } = await rest(`calls/${String((await callOf(source, 'a~1@ivr'))['id'])}`);
    expect(gaps).toEqual([]);
    const timeline = (notifications as Json[]).map(({ serial, stateRaw, copies }) => ({ serial, stateRaw, copies }));
    expect(await overGraphql(call['id'])).toEqual({ ...call, notifications: timeline });
    expect(timeline.map(({ stateRaw }) => stateRaw)).toEqual(['Ringing(180)', 'OK', 'Bye']);
  });

  test('copies are acked again and counted, and change nothing else of the call', async () => {
    const before = await callOf(source, 'a~1@ivr');
    for (const [index, [state]] of LIFE.entries()) await acked(sender, format, 'a~1@ivr', index + 1, state);
    const { duplicateCount, ...after } = await callOf(source, 'a~1@ivr');
    expect(duplicateCount).toBe(3);
    expect(after).toEqual({
      ...Object.fromEntries(Object.entries(before).filter(([field]) => field !== 'duplicateCount')),
      updatedAt: after['updatedAt'],
      ...(before['settled'] === after['settled'] ? {} : { settled: after['settled'], revision: after['revision'] }),
    });
    expect([countOf(source, 'first'), countOf(source, 'duplicate')]).toEqual([3, 3]);
  });

  test('an OK that comes after its Bye makes the call answered, and late', async () => {
    await acked(sender, format, 'b~2@ivr', 1, 'Ringing');
    await acked(sender, format, 'b~2@ivr', 3, 'Bye');
    expect((await callOf(source, 'b~2@ivr'))['disposition']).not.toBe('answered');
    await acked(sender, format, 'b~2@ivr', 2, 'OK');
    const call = await callOf(source, 'b~2@ivr');
    expect(call).toMatchObject({ state: 'ended', disposition: 'answered', dispositionBasis: 'reported', late: true });
    expect(call['talkMs']).toBeGreaterThanOrEqual(0);
  });

  test('the format is locked after three datagrams, and its charset and codec are told', async () => {
    const told = async (): Promise<Json> => rest(`sources/${source}`);
    await until(async () => (await told())['locked'] === true);
    expect((await told())['codec']).toBe(format.codec);
    expect((await told())['charset']).toBe(format.charset ?? 'utf-8');
  });
});

test('every datagram sent was stored and answered once, but for those that came before their codec was set', () => {
  const { transport, datagrams, inFlight } = receiver.counts();
  const total = datagrams.reduce((sum, { count }) => sum + count, 0);
  const answered = FORMATS.length * 9;
  const before = FORMATS.filter(({ set }) => set !== undefined).length;
  expect({ total, answered: transport.answered, unanswered: transport.unanswered, inFlight }).toEqual({
    ...{ total: answered + before, answered, unanswered: before, inFlight: 0 },
  });
});
