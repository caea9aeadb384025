import fc from 'fast-check';
import { withAckForm } from '../ack.js';
import { notationOf } from '../settings/notation.js';
import { ackFor, parseAs, rankParses } from './rank.js';

const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString());

test('what holds stands first with a score of 1, its fields and the ack it would send', () => {
  const [best, second] = rankParses(Buffer.from('a1|2|OK|10|20||5|Sales\r\n'));
  expect(best).toMatchObject({
    settings: { codec: 'delimited', delimiter: '|', charset: 'utf-8' },
    parsed: { ok: true },
    fields: { callId: 'a1', serial: '2', state: 'OK', menuName: 'Sales' },
    score: 1,
    shortfalls: [],
  });
  expect(text(best?.ack ?? null)).toBe('a1|2\r\n');
  expect(second?.score).toBe(0);
});

test('a reading that splits says of every field what fails, and how much holds', () => {
  expect(rankParses(Buffer.from('a1,2,Hold,1x0,20,,5,Sales'))[0]).toMatchObject({
    score: 6 / 8,
    parsed: { ok: false, reason: 'number' },
    shortfalls: [
      { field: 'callerNumber', reason: 'number', detail: 'Caller Number is no number' },
      { field: 'state', reason: 'state', detail: 'Call State is none that is known' },
    ],
    ack: null,
  });
});

test('a reading that does not split says why', () => {
  const json = rankParses(Buffer.from('a1,2,OK,10,20,,5,Sales')).find(({ settings }) => settings.codec === 'json');
  expect(json).toMatchObject({ score: 0, fields: null, shortfalls: [{ field: null, reason: 'syntax' }] });
});

test.each([
  [
    'XML with a document type',
    '<!DOCTYPE r><r><CallID>a</CallID><SN>1</SN><State>OK</State><Caller>10</Caller><Callee>20</Callee></r>',
    'xml',
    7 / 8,
    'a document type, which is refused',
  ],
  [
    'XML with attributes and a comment',
    '<r CallID="a" SN="1" State="OK" Caller="1" Callee="2"><!-- x --></r>',
    'xml',
    7 / 8,
    'a comment, which is refused',
  ],
  [
    'JSON with a comma too many',
    '{"CallID":"a","SN":1,"State":"OK","Caller":"1","Callee":"2",}',
    'json',
    7 / 8,
    /^no flat JSON object/,
  ],
  [
    'JSON within JSON',
    '{"report":{"CallID":"a","SN":1,"State":"OK","Caller":"1"}}',
    'json',
    7 / 8,
    /^no flat JSON object/,
  ],
  ['key=value without one', 'CallID=a;SN=1;State=OK;Caller=10;MenuID=5', 'key_value:;', 7 / 8, 'without Callee Number'],
  ['key=value without two', 'CallID=a&State=Hold&Caller=10&Callee=20', 'key_value:&', 6 / 8, 'without Serial Number'],
])('%s is read as what it is, its own fault first', (_, datagram, codec, score, fault) => {
  const [best] = rankParses(Buffer.from(datagram));
  expect(best).toMatchObject({ score, parsed: { ok: false }, fields: null, ack: null });
  expect(best === undefined ? null : notationOf(best.settings)).toBe(codec);
  expect(best?.shortfalls[0]).toMatchObject({
    field: null,
    detail: typeof fault === 'string' ? fault : (expect.stringMatching(fault) as string),
  });
});

test.each(['||', '::', ' ~ ', '\x01', '$@!', '/'])(
  'the delimiter %j, which detection does not try, is suggested',
  (delimiter) => {
    const datagram = ['a1', '2', 'OK', '10', '20', '30', '5', 'Sales'].join(delimiter);
    const [best] = rankParses(Buffer.from(datagram));
    expect(best?.score).toBe(1);
    expect(text(best?.ack ?? null)).toBe(['a1', '2'].join(best?.settings.delimiter ?? ''));
  },
);

test.each([
  ['quoted:,', '"a","1","OK","10","20","30","5","Sales, north"'],
  ['xml', '<r CallID="a" SN="1" State="OK" Caller="10" Callee="20"/>'],
  ['length_prefixed:1be', '\x01a\x011\x02OK\x0210\x0220\0\x015\x01x'],
  ['length_prefixed:2be', '\0\x01a\0\x011\0\x02OK\0\x0210\0\x0220\0\0\0\x015\0\x01x'],
  [
    'length_prefixed:4le',
    ['a', '1', 'OK', '10', '20', '', '5', 'x'].map((one) => `${String.fromCharCode(one.length)}\0\0\0${one}`).join(''),
  ],
  ['fixed:6,3,4,4,4,6,3,8', 'a     1  OK  10  20  1001  5  Sales   '],
  ['fixed:6,3,4,4,4,6,3,13', 'a\0\0\0\0\x001\0\0OK\0\x0010\0\x0020\0\x001001\0\x005\0\0Sales, north\0'],
])('%s, which is set and never guessed, stands first for what it reads', (notation, datagram) => {
  const [best] = rankParses(Buffer.from(datagram, 'latin1'));
  expect(best).toMatchObject({ score: 1, parsed: { ok: true } });
  expect(best === undefined ? null : notationOf(best.settings)).toBe(notation);
});

test('both charsets are tried where the bytes are no ASCII, or the one that is asked for', () => {
  const charsetsOf = (charset?: 'gb18030'): Set<string> =>
    new Set(rankParses(Buffer.from('a,1,OK,10,20,,5,中文'), charset).map(({ settings }) => settings.charset));
  expect([...charsetsOf()].sort()).toEqual(['gb18030', 'utf-8']);
  expect([...charsetsOf('gb18030')]).toEqual(['gb18030']);
});

const comma = { codec: 'delimited', delimiter: ',', charset: 'utf-8' } as const;
const datagram = Buffer.from('a1,2,OK,10,20,,5,Sales\r\n');

test.each([
  ['the mirror', null, 'a1,2\r\n'],
  ['another delimiter', { delimiter: '|' }, 'a1|2\r\n'],
  ['another terminator', { terminator: 'nul' }, 'a1,2\0'],
  ['no terminator', { terminator: 'none' }, 'a1,2'],
  ['the serial alone', { content: 'serial' }, '2\r\n'],
  ['the Call ID alone', { content: 'call_id', terminator: 'lf' }, 'a1\n'],
  ['the other way round', { content: 'serial_call_id' }, '2,a1\r\n'],
  ['the whole request', { content: 'echo' }, 'a1,2,OK,10,20,,5,Sales\r\n'],
] as const)('an ack in the form: %s', (_, form, expected) => {
  expect(text(ackFor(datagram, comma, form))).toBe(expected);
});

test('an ack that its form would make longer than the request mirrors it', () => {
  const mirror = { codec: 'delimited', callId: 'a', serial: '1', delimiter: ',', terminator: '' } as const;
  expect(withAckForm(mirror, { delimiter: '|' }, Buffer.from('123'))).toEqual({ ...mirror, ack: 'a|1' });
  expect(withAckForm(mirror, { delimiter: '||' }, Buffer.from('123'))).toBe(mirror);
});

test('no bytes make it throw, and scores fall', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const scores = rankParses(bytes).map(({ score }) => score);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
      expect(parseAs(bytes, { codec: 'json' }, 'utf-8').settings.codec).toBe('json');
    }),
    { numRuns: 300 },
  );
});
