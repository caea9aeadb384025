import { QUARANTINE_REASONS } from './codec.js';
import { parseTwin } from './twin.js';

const POST = {
  ...{
    callId: 88,
    callState: -12,
    eventTime: 1_763_800_000_123,
    callerE164: '441632960001',
    calleeE164: '441632960002',
  },
  ...{ callerGatewayId: 'gw-a', calleeGatewayId: 'gw-b', callerIp: '192.0.2.1', calleeIp: '192.0.2.2' },
  ...{ callerLocalIp: '192.0.2.9', calleeLocalIp: '192.0.2.9', transactionId: 't-1', callIdentifier: 'a84b4c76@host' },
};

function post(over: Record<string, unknown> = {}): Uint8Array {
  return Buffer.from(JSON.stringify({ ...POST, ...over }));
}

function failureOf(body: string | Uint8Array): string {
  const parsed = parseTwin(typeof body === 'string' ? Buffer.from(body) : body);
  return parsed.ok ? 'stored' : parsed.reason;
}

test('a post is a report: its int is the Call ID, its eventTime stands for the serial it does not have', () => {
  expect(parseTwin(post())).toEqual({
    ok: true,
    report: {
      ...{ callId: '88', serial: 'eventTime=1763800000123', state: 'ok', stateRaw: '-12' },
      ...{
        callerNumber: '441632960001',
        calleeNumber: '441632960002',
        forwardNumber: null,
        menuId: null,
        menuName: null,
      },
    },
  });
});

test.each([
  [-1, 'early:-1'],
  [-2, 'early:-2'],
  [-3, 'early:-3'],
  [-4, '183'],
  [-5, 'ringing'],
  [-6, 'ok'],
  [-7, 'early:-7'],
  [-8, 'early:-8'],
  [-9, '183'],
  [-10, '183'],
  [-11, 'ringing'],
  [-12, 'ok'],
  [-13, 'bye'],
  [-18, 'early:-18'],
  [-14, 'other:-14'],
  [3, 'other:3'],
])('callState %i is %s, kept with its own number', (callState, state) => {
  expect(parseTwin(post({ callState }))).toMatchObject({ ok: true, report: { state, stateRaw: String(callState) } });
});

test.each([
  ['numbers beyond 2^53 keep their digits', post().toString().replace('88', '9007199254740993'), '9007199254740993'],
  ['numbers as text are taken as text', JSON.stringify({ ...POST, callId: '0088' }), '0088'],
  [
    'a member nobody knows is ignored, whatever it holds',
    JSON.stringify({ ...POST, sip: { codes: [1, 2.5e3, true] } }),
    '88',
  ],
  [
    'optional members may be missing',
    JSON.stringify({ ...POST, transactionId: undefined, callerGatewayId: null }),
    '88',
  ],
  ['case and separators of keys do not count', JSON.stringify(POST).replace('callId', 'Call_ID'), '88'],
  ['a byte order mark and a line end do not matter', `\uFEFF${JSON.stringify(POST)}\r\n`, '88'],
])('%s', (_title, body, callId) => {
  expect(parseTwin(Buffer.from(body))).toMatchObject({ ok: true, report: { callId } });
});

test('a withheld caller and an empty callee are stored as such', () => {
  expect(parseTwin(post({ callerE164: 'anonymous', calleeE164: null }))).toMatchObject({
    ok: true,
    report: { callerNumber: 'anonymous', calleeNumber: null },
  });
});

test('a gateway named in GB18030 is not held against the report', () => {
  const [before = '', after = ''] = JSON.stringify(POST).split('gw-a');
  const body = Buffer.concat([Buffer.from(before), Buffer.from([0xb1, 0xb1, 0xbe, 0xa9]), Buffer.from(after)]);
  expect(parseTwin(body)).toMatchObject({ ok: true, report: { callId: '88' } });
});

test.each([
  ['nothing', '', 'empty'],
  ['no JSON', 'callId=88&callState=-12', 'syntax'],
  ['half a JSON object', JSON.stringify(POST).slice(0, -9), 'syntax'],
  ['an array', JSON.stringify([POST]), 'syntax'],
  ['a number', '42', 'syntax'],
  ['null', 'null', 'syntax'],
  ['a number as JSON forbids it', JSON.stringify(POST).replace('88', '088'), 'syntax'],
  ['a member twice in one spelling', JSON.stringify(POST).replace('{', '{"callId" : "x",'), 'syntax'],
  ['a member twice', JSON.stringify(POST).replace('{', '{"call_id":1,'), 'syntax'],
  ['no callState', JSON.stringify({ ...POST, callState: undefined }), 'fields'],
  ['no eventTime', JSON.stringify({ ...POST, eventTime: undefined }), 'fields'],
  ['an object for a number', JSON.stringify({ ...POST, callerE164: { number: '1' } }), 'fields'],
  ['true for a number', JSON.stringify({ ...POST, calleeE164: true }), 'fields'],
  ['an empty callId', JSON.stringify({ ...POST, callId: null }), 'call_id'],
  ['a callId of 257 bytes', JSON.stringify({ ...POST, callId: 'x'.repeat(257) }), 'call_id'],
  ['an empty callState', JSON.stringify({ ...POST, callState: '' }), 'state'],
  ['an eventTime in words', JSON.stringify({ ...POST, eventTime: '2026-11-22T10:00:00Z' }), 'serial'],
  ['an eventTime before 1970', JSON.stringify({ ...POST, eventTime: -1 }), 'serial'],
  ['an eventTime with a fraction', JSON.stringify({ ...POST, eventTime: 1.5 }), 'serial'],
  ['an eventTime of the year 300000', JSON.stringify({ ...POST, eventTime: 9_400_000_000_000_000 }), 'serial'],
  ['words for a number', JSON.stringify({ ...POST, callerE164: 'alice' }), 'number'],
  ['half a surrogate pair', JSON.stringify(POST).replace('441632960001', '\\ud83d'), 'charset'],
  ['an escaped NUL in the callId', JSON.stringify({ ...POST, callId: 'a\u0000b' }), 'call_id'],
])('%s goes to quarantine', (_title, body, reason) => {
  expect(failureOf(body)).toBe(reason);
  expect(QUARANTINE_REASONS).toContain(reason);
});

test('bytes of no charset go to quarantine', () => {
  expect(failureOf(Buffer.from([0x7b, 0xff, 0xff, 0x7d]))).toBe('charset');
});

test('8 kB made to be hard to read cost no more than a millisecond or two each', () => {
  const hostile = [
    '"'.repeat(8_192),
    '\\"'.repeat(4_096),
    '['.repeat(8_192),
    '{"a":'.repeat(1_638),
    '1e'.repeat(4_096),
  ];
  const startedAt = performance.now();
  for (let round = 0; round < 20; round += 1) {
    for (const body of hostile) expect(failureOf(body)).toBe('syntax');
  }
  expect((performance.now() - startedAt) / 100).toBeLessThan(10);
});
