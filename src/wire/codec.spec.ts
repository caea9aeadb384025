import fc from 'fast-check';
import { CHARSETS, CODEC_NAMES, encodeAck, parse } from './codec.js';
import type { Charset, CodecSettings } from './codec.js';
import { BYTE_ORDERS, LENGTH_BYTES } from './reading.js';
import { detect } from './detect/detect.js';
import { KEY_SPELLINGS, encodeReport } from './encode.js';
import type { KeySpelling, WireFields, WireFormat } from './encode.js';
import { UNLOCKED, readDatagram } from './detect/lock.js';
import { parseAck } from './parse-ack.js';

const TERMINATORS = ['', '\0', '\n', '\r\n'] as const;
const DELIMITERS = [',', '|', ';', '\t', '^', '||', '、'];

/** Text of any script without control characters, surrogates or private use, outer blanks off. */
const text = fc
  .string({ unit: 'binary', maxLength: 40 })
  .map((value) => value.replace(/[\p{Cc}\p{Cs}\p{Co}]/gu, '').trim());
const word = (without: string): fc.Arbitrary<string> =>
  fc.oneof(text, fc.stringMatching(/^[!-~]{1,30}$/)).map(
    (value) =>
      Array.from(value)
        .filter((character) => !without.includes(character))
        .join('')
        .trim() || '0',
  );
const number = fc.stringMatching(/^\+?[0-9*#]{0,20}$/);

const format: fc.Arbitrary<WireFormat> = fc.record({
  codec: fc.constantFrom(...CODEC_NAMES),
  delimiter: fc.constantFrom(...DELIMITERS),
  charset: fc.constantFrom(...CHARSETS),
  terminator: fc.constantFrom(...TERMINATORS),
  trailingDelimiter: fc.boolean(),
  keys: fc.constantFrom(...(Object.keys(KEY_SPELLINGS) as KeySpelling[])),
  numbers: fc.boolean(),
  quoted: fc.boolean(),
  attributes: fc.boolean(),
  declaration: fc.boolean(),
  lengthBytes: fc.constantFrom(...LENGTH_BYTES),
  byteOrder: fc.constantFrom(...BYTE_ORDERS),
  widths: fc.constant([160, 124, 124, 24, 24, 24, 160, 200]),
  padding: fc.constantFrom('blank', 'nul'),
});

const DELIMITER_CHARACTERS = DELIMITERS.join('');
const fields: fc.Arbitrary<WireFields> = fc.record({
  callId: word(DELIMITER_CHARACTERS),
  serial: fc.oneof(fc.bigInt({ min: 0n, max: 10n ** 30n }).map(String), word(DELIMITER_CHARACTERS)),
  state: fc.oneof(fc.constantFrom('Ringing(180)', 'OK', 'Bye', '-11', '200'), word(DELIMITER_CHARACTERS)),
  callerNumber: number,
  calleeNumber: number,
  forwardNumber: number,
  menuId: word(DELIMITER_CHARACTERS),
  menuName: text,
});

const SHORT_ENOUGH = 60;
const message = fc
  .record({ fields, format })
  // A last field that ends in the delimiter and one with a delimiter after it are the same bytes.
  .filter(({ fields: { menuName }, format: { delimiter = ',' } }) => !menuName.endsWith(delimiter.charAt(0)))
  .filter(({ fields: { serial, state } }) =>
    [serial, state].every((value) => Buffer.byteLength(value) <= SHORT_ENOUGH),
  );

const orNull = (value: string): string | null => (value === '' ? null : value);

describe('round trips', () => {
  test('what an IVR writes is what is read, in every codec, charset, delimiter, key spelling and terminator', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const parsed = parse(encodeReport(sent.fields, sent.format), sent.format);
        expect(parsed).toMatchObject({
          ok: true,
          report: {
            callId: sent.fields.callId,
            serial: sent.fields.serial,
            stateRaw: sent.fields.state,
            callerNumber: orNull(sent.fields.callerNumber),
            calleeNumber: orNull(sent.fields.calleeNumber),
            forwardNumber: orNull(sent.fields.forwardNumber),
            menuId: orNull(sent.fields.menuId),
            menuName: orNull(sent.fields.menuName),
          },
        });
      }),
      { numRuns: 2000 },
    );
  });

  test('the IVR finds its Call ID and serial in the ack, which is no longer than its request', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const request = encodeReport(sent.fields, sent.format);
        const parsed = parse(request, sent.format);
        const ack = parsed.ok ? encodeAck(parsed.mirror) : Buffer.alloc(0);
        expect(ack.length).toBeLessThanOrEqual(request.length);
        expect(parseAck(ack, sent.format)).toEqual({ callId: sent.fields.callId, serial: sent.fields.serial });
      }),
      { numRuns: 2000 },
    );
  });

  /** A report that detection would accept, in a format whose delimiter it tries. */
  const known = message.map(({ fields: sent, format: how }) => ({
    sent: { ...sent, state: 'OK', callerNumber: '2001' },
    how: { ...how, delimiter: how.delimiter?.length === 1 && how.delimiter !== '、' ? how.delimiter : ',' },
  }));
  const isGuessed = ({ codec, quoted }: WireFormat): boolean =>
    codec === 'key_value' || codec === 'json' || codec === 'xml' || (codec === 'delimited' && quoted !== true);

  test('a known report is detected as what it is, or refused as ambiguous, never read as another', () => {
    fc.assert(
      fc.property(
        known.filter(({ how }) => isGuessed(how)),
        ({ sent, how }) => {
          const detection = detect(encodeReport(sent, how), how.charset);
          const outcome = detection.ok ? [detection.settings.codec, detection.report.callId] : detection.reason;
          expect([[how.codec, sent.callId], 'ambiguous']).toContainEqual(outcome);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('binary, quoted fields and delimiters of several characters are never guessed, only set', () => {
    const several = message.map(({ fields: sent, format: how }) => ({
      sent: { ...sent, state: 'OK', callerNumber: '2001' },
      how: { ...how, codec: 'delimited', delimiter: '||', quoted: false } as const,
    }));
    fc.assert(
      fc.property(
        fc.oneof(
          several,
          known.filter(({ how }) => !isGuessed(how)),
        ),
        ({ sent, how }) => {
          const bytes = encodeReport(sent, how);
          expect(detect(bytes, how.charset).ok).toBe(false);
          expect(parse(bytes, how)).toMatchObject({ ok: true, report: { callId: sent.callId } });
        },
      ),
      { numRuns: 1000 },
    );
  });
});

const settings: fc.Arbitrary<CodecSettings> = format;

/** Datagrams that were cut, flipped or padded on the way. */
const damaged = fc
  .tuple(message, fc.nat(), fc.nat({ max: 255 }), fc.nat(), fc.boolean())
  .map(([sent, at, value, length, cut]) => {
    const bytes = Uint8Array.from(encodeReport(sent.fields, sent.format));
    bytes[at % bytes.length] = value;
    return { bytes: cut ? bytes.subarray(0, length % (bytes.length + 1)) : bytes, settings: sent.format };
  });

const arbitrary = fc.record({ bytes: fc.uint8Array({ maxLength: 600 }), settings });

/** Without blanks: the ack leaves out those around a JSON colon. */
const bare = (bytes: string): string => bytes.replace(/[ \t\r\n]/g, '');

test('no bytes make it throw, and no ack is longer than its request or holds what was not in it', () => {
  fc.assert(
    fc.property(fc.oneof(damaged, arbitrary), ({ bytes, settings: how }) => {
      const parsed = parse(bytes, how);
      if (parsed.ok) {
        const received = bare(Buffer.from(bytes).toString('latin1'));
        expect(encodeAck(parsed.mirror).length).toBeLessThanOrEqual(bytes.length);
        expect(received).toContain(bare(parsed.mirror.callId));
        expect(received).toContain(bare(parsed.mirror.serial));
        expect(Object.values(parsed.report).some((value) => String(value).includes('\0'))).toBe(false);
      } else {
        expect(parsed.detail).not.toBe('');
      }
    }),
    { numRuns: 3000 },
  );
});

test('no bytes make detection or a lock throw', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(damaged, arbitrary), { maxLength: 5 }), (datagrams) => {
      let lock = UNLOCKED;
      for (const { bytes } of datagrams) {
        lock = readDatagram(bytes, lock).lock;
      }
      expect(lock.agreed).toBeLessThanOrEqual(3);
    }),
    { numRuns: 500 },
  );
});

describe('parseAck is as strict as a sender that compares', () => {
  const comma: WireFormat = { codec: 'delimited', delimiter: ',', charset: 'utf-8', terminator: '\r\n' };
  const pairs: WireFormat = { codec: 'key_value', delimiter: '&', charset: 'utf-8', keys: 'snake' };
  const json: WireFormat = { codec: 'json', charset: 'utf-8', keys: 'camel' };
  const quoted: WireFormat = { codec: 'delimited', quoted: true, charset: 'utf-8' };
  const xml: WireFormat = { codec: 'xml', charset: 'utf-8' };
  const prefixed: WireFormat = { codec: 'length_prefixed', lengthBytes: 2, charset: 'utf-8' };
  const columns: WireFormat = { codec: 'fixed', widths: [4, 2, 2, 2, 2, 2, 2, 2], charset: 'utf-8' };

  test.each([
    ['a1,2\r\n', comma, { callId: 'a1', serial: '2' }],
    ['a1,2', comma, null],
    ['a1,2\n', comma, null],
    ['a1|2\r\n', comma, null],
    ['a1,2,OK\r\n', comma, null],
    ['', comma, null],
    ['call_id=a1&serial_number=2', pairs, { callId: 'a1', serial: '2' }],
    ['CallID=a1&SerialNumber=2', pairs, null],
    ['serial_number=2&call_id=a1', pairs, null],
    ['{"callId":"a1","serialNumber":2}', json, { callId: 'a1', serial: '2' }],
    ['{"CallID":"a1","SerialNumber":2}', json, null],
    ['{"callId":"a1"}', json, null],
    ['[]', json, null],
    ['"a""1","2"', quoted, { callId: 'a"1', serial: '2' }],
    ['<CallReport><CallID>a1</CallID><SerialNumber>2</SerialNumber></CallReport>', xml, { callId: 'a1', serial: '2' }],
    ['<CallReport CallID="a1" SerialNumber="2"/>', xml, null],
    ['<CallReport><CallID>a1</CallID></CallReport>', xml, null],
    ['\x00\x02a1\x00\x012', prefixed, { callId: 'a1', serial: '2' }],
    ['\x02\x00a1\x01\x002', prefixed, null],
    ['\x00\x02a1\x00\x012\n', prefixed, null],
    ['\x00\x02a1\x00', prefixed, null],
    ['a1  2 ', columns, { callId: 'a1', serial: '2' }],
    ['a1  2', columns, null],
    ['a1  2 \0', columns, null],
  ])('%j', (ack, how, expected) => {
    expect(parseAck(Buffer.from(ack), how)).toEqual(expected);
  });
});

test.each<[string, Charset]>([
  ['utf-8', 'utf-8'],
  ['GB18030', 'gb18030'],
])('a menu named in Chinese is read in %s', (_, charset) => {
  const how: WireFormat = { codec: 'delimited', delimiter: '|', charset };
  const sent = { callId: 'a', serial: '1', state: 'OK', callerNumber: '1', calleeNumber: '2', forwardNumber: '' };
  const bytes = encodeReport({ ...sent, menuId: '5', menuName: '客户服务' }, how);
  expect(parse(bytes, how)).toMatchObject({ report: { menuName: '客户服务' } });
});

test.each(['delimited', 'key_value', 'json', 'xml'] as const)(
  'an empty delimiter set for %s is as none set',
  (codec) => {
    const sent = { callId: 'a', serial: '1', state: 'OK', callerNumber: '1', calleeNumber: '2', forwardNumber: '' };
    const bytes = encodeReport({ ...sent, menuId: '5', menuName: 'x' }, { codec, charset: 'utf-8' });
    expect(parse(bytes, { codec, charset: 'utf-8', delimiter: '' })).toMatchObject({ ok: true });
  },
);
