/**
 * Every way an IVR may write, over real sockets: the bytes sent stand here as captured, and the ack is compared byte for
 * byte; each source is an address of its own, so that each format is detected and locked from nothing.
 */
import type { Running } from '../../src/main.js';
import { encodeText } from '../../src/wire/gb18030.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { portOf, Sender, startReceiver, until } from '../support/receiver.js';

/** A format: what it makes of one report, and the ack that mirrors it. */
interface Format {
  readonly name: string;
  readonly request: (callId: string, serial: number, state: string) => string;
  readonly ack: (callId: string, serial: number) => string;
  readonly charset?: 'gb18030';
  readonly menuName?: string;
}

const REST = ['442071234567', '442079876543', '1001', '7'];

/** The eight fields between delimiters, with what ends them. */
function delimited(name: string, mark: string, end = '', more: Partial<Format> & { mirrored?: string } = {}): Format {
  const { menuName = 'Main menu', mirrored = end } = more;
  return {
    name,
    request: (callId, serial, state) => [callId, serial, state, ...REST, menuName].join(mark) + end,
    ack: (callId, serial) => `${callId}${mark}${String(serial)}${mirrored}`,
    ...more,
  };
}

function keyValue(name: string, mark: string, end = ''): Format {
  return {
    name,
    request: (callId, serial, state) =>
      [
        ...[`CallID=${callId}`, `SN=${String(serial)}`, `CallState=${state}`, 'Caller=442071234567'],
        ...['CalleeNumber=442079876543', 'Forward=1001', 'MenuID=7', 'MenuName=Main menu'],
      ].join(mark) + end,
    ack: (callId, serial) => `CallID=${callId}${mark}SN=${String(serial)}${end}`,
  };
}

/** `write` gives the value of a serial as JSON. */
function json(name: string, keys: readonly string[], write: (serial: number) => string, end = ''): Format {
  const [id = '', sn = '', state = '', caller = '', callee = '', forward = '', menuId = '', menuName = ''] = keys;
  return {
    name,
    request: (callId, serial, text) =>
      `{"${id}": "${callId}", "${sn}" :${write(serial)}, "${state}":"${text}", "${caller}":"442071234567",` +
      ` "${callee}":442079876543, "${forward}":"1001", "${menuId}":7, "${menuName}":"Main menu"}${end}`,
    ack: (callId, serial) => `{"${id}":"${callId}","${sn}":${write(serial)}}${end}`,
  };
}

const CAMEL = ['callId', 'serialNumber', 'callState', 'callerNumber', 'calleeNumber', 'forwardNumber', 'menuId'];
const SPACED = ['Call ID', 'Serial', 'STATE', 'caller', 'CALLEE', 'forward_number', 'MENU-ID'];

const FORMATS: readonly Format[] = [
  delimited('commas', ','),
  delimited('pipes', '|'),
  delimited('semicolons', ';'),
  delimited('tabs', '\t'),
  delimited('carets', '^'),
  delimited('commas, ended by CR LF', ',', '\r\n'),
  delimited('pipes, ended by LF', '|', '\n'),
  delimited('commas, ended by NUL', ',', '\0'),
  delimited('commas, ended by LF and NUL', ',', '\n\0'),
  delimited('pipes, padded with NULs', '|', '\0\0\0\0\0\0', { mirrored: '\0' }),
  delimited('commas, one after the last field', ',', ',', { mirrored: '' }),
  delimited('commas, and some in the Menu Name', ',', '', { menuName: 'Sales, north, and support' }),
  delimited('commas, a Menu Name in UTF-8', ',', '', { menuName: '主菜单 – Menü' }),
  delimited('commas, a Menu Name in GB18030', ',', '', { menuName: '主菜单', charset: 'gb18030' }),
  // 亅 is 81 7C: its second byte is that of the delimiter.
  delimited('pipes, a Menu Name in GB18030 with the byte of a pipe', '|', '', {
    menuName: '亅主菜单',
    charset: 'gb18030',
  }),
  keyValue('key=value with ampersands', '&'),
  keyValue('key=value with commas', ','),
  keyValue('key=value, one a line', '\r\n', '\r\n'),
  json('JSON with text serials', [...CAMEL, 'menuName'], (serial) => `"${String(serial)}"`),
  json('JSON with serials beyond 2^53', [...CAMEL, 'menuName'], (serial) => `900719925474099${String(serial)}`),
  json('JSON with other spellings, ended by LF', [...SPACED, 'Menu Name'], String, '\n'),
];

/** The contract's Call, all of it. */
const CALL_FIELDS = `id source callId state disposition dispositionBasis callerNumber calleeNumber forwardNumber menuId
  menuName firstSeenAt ringingAt ringingAtEarliest ringingCode answeredAt answeredAtEarliest endedAt endedAtEarliest
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

describe.each(CASES)('$name', ({ format, source }) => {
  let sender: Sender;
  beforeAll(async () => {
    sender = await Sender.open(source);
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
    expect(gaps).toBeDefined();
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
    const codec = /JSON|key=value/.exec(format.name)?.[0];
    expect((await told())['codec']).toBe(codec === 'JSON' ? 'json' : codec === undefined ? 'delimited' : 'key_value');
    expect((await told())['charset']).toBe(format.charset ?? 'utf-8');
  });
});

test('every datagram sent was stored, and each was answered once', () => {
  const { transport, datagrams, inFlight } = receiver.counts();
  const total = datagrams.reduce((sum, { count }) => sum + count, 0);
  expect({ total, answered: transport.answered, unanswered: transport.unanswered, inFlight }).toEqual({
    ...{ total: FORMATS.length * 9, answered: FORMATS.length * 9, unanswered: 0, inFlight: 0 },
  });
});
