import { encodeAck, parse } from '../codec.js';
import type { CodecSettings } from '../codec.js';
import { encodeText } from '../text/gb18030.js';

const FIELDS = ['a1', '2', 'OK', '10', '20', '', '5', 'Sales'];
const ONE: CodecSettings = { codec: 'length_prefixed', charset: 'utf-8' };
const WIDTHS = [6, 3, 4, 4, 4, 4, 2, 8];
const FIXED: CodecSettings = { codec: 'fixed', charset: 'utf-8', widths: WIDTHS };

/** Fields behind lengths of one byte. */
function prefixed(fields: readonly string[]): string {
  return fields.map((field) => String.fromCharCode(field.length) + field).join('');
}

function columns(fields: readonly string[], padding = ' '): string {
  return fields.map((field, at) => field.padEnd(WIDTHS[at] ?? 0, padding)).join('');
}

/** The ack of bytes written one character a byte, or the reason. */
function ack(datagram: string, settings: CodecSettings): string {
  const parsed = parse(Buffer.from(datagram, 'latin1'), settings);
  return parsed.ok ? Buffer.from(encodeAck(parsed.mirror)).toString('latin1') : `${parsed.reason}: ${parsed.detail}`;
}

describe('length_prefixed', () => {
  test('eight fields are one report; the ack repeats the first two with their lengths, and the terminator', () => {
    expect(parse(Buffer.from(prefixed(FIELDS)), ONE)).toMatchObject({
      ok: true,
      report: { callId: 'a1', serial: '2', state: 'ok', forwardNumber: null, menuId: '5', menuName: 'Sales' },
    });
    expect(ack(`${prefixed(FIELDS)}\r\n`, ONE)).toBe('\x02a1\x012\r\n');
  });

  test.each<[string, Partial<CodecSettings>, (length: number) => string]>([
    ['two bytes, highest first', { lengthBytes: 2 }, (length) => `\0${String.fromCharCode(length)}`],
    [
      'two bytes, lowest first',
      { lengthBytes: 2, byteOrder: 'little' },
      (length) => `${String.fromCharCode(length)}\0`,
    ],
    [
      'four bytes, highest first',
      { lengthBytes: 4, byteOrder: 'big' },
      (length) => `\0\0\0${String.fromCharCode(length)}`,
    ],
  ])('lengths of %s', (_, options, length) => {
    const write = (fields: readonly string[]): string => fields.map((field) => length(field.length) + field).join('');
    expect(ack(write(FIELDS), { ...ONE, ...options })).toBe(write(['a1', '2']));
  });

  test.each([
    ['nothing', '', 'empty: no bytes'],
    ['seven fields', prefixed(FIELDS.slice(0, 7)), 'fields: 7 whole fields where 8 belong'],
    ['a length beyond the end', prefixed(FIELDS).slice(0, -1), 'syntax: the length of field 8 reaches beyond the end'],
    ['a ninth field', prefixed([...FIELDS, 'x']), 'syntax: something after the eighth field'],
    ['text', 'a1,2,OK,10,20,,5,Sales', 'syntax: the length of field 1 reaches beyond the end'],
    ['a NUL in a field', prefixed(['a\x001', ...FIELDS.slice(1)]), 'nul: a NUL byte before the end of a field'],
    [
      'a line break in a field',
      prefixed([...FIELDS.slice(0, 7), 'a\nb']),
      'syntax: a line break or another control character inside',
    ],
    ['bytes that are no UTF-8', prefixed([...FIELDS.slice(0, 7), '\xff']), 'charset: not valid utf-8'],
  ])('%s is refused', (_, datagram, expected) => {
    expect(ack(datagram, ONE)).toBe(expected);
  });

  test('a NUL that the length counts is no part of the value, and stays in the ack', () => {
    const datagram = prefixed(FIELDS.map((field) => `${field}\0`));
    expect(parse(Buffer.from(datagram), ONE)).toMatchObject({ report: { callId: 'a1', menuName: 'Sales' } });
    expect(ack(datagram, ONE)).toBe('\x03a1\0\x022\0');
  });
});

describe('fixed', () => {
  test.each([
    ['blanks', ' '],
    ['NULs', '\0'],
  ])('columns filled up with %s; the ack repeats the first two whole', (_, padding) => {
    expect(parse(Buffer.from(columns(FIELDS, padding)), FIXED)).toMatchObject({
      ok: true,
      report: { callId: 'a1', serial: '2', callerNumber: '10', forwardNumber: null, menuName: 'Sales' },
    });
    expect(ack(`${columns(FIELDS, padding)}\n`, FIXED)).toBe(`${'a1'.padEnd(6, padding)}${'2'.padEnd(3, padding)}\n`);
  });

  test.each([
    ['too short', columns(FIELDS).slice(0, -1), FIXED, 'fields: 7 whole fields where 8 belong'],
    ['too long', `${columns(FIELDS)}x`, FIXED, 'syntax: something after the eighth field'],
    [
      'without widths',
      columns(FIELDS),
      { ...FIXED, widths: [] },
      'fields: the widths of 0 fields are set where 8 belong',
    ],
    [
      'something after a NUL',
      columns(['a\0x', ...FIELDS.slice(1)]),
      FIXED,
      'nul: a NUL byte before the end of a field',
    ],
  ])('%s is refused', (_, datagram, settings, expected) => {
    expect(ack(datagram, settings)).toBe(expected);
  });

  test.each(['utf-8', 'gb18030'] as const)(
    'a name in %s that its column cuts inside a character keeps the rest',
    (charset) => {
      const name = encodeText('销售客服中心', charset).subarray(0, charset === 'utf-8' ? 8 : 7);
      const widths = [...WIDTHS.slice(0, 7), name.length];
      const head = columns(FIELDS.slice(0, 7));
      const bytes = Buffer.concat([Buffer.from(head), name]);
      expect(parse(bytes, { codec: 'fixed', charset, widths })).toMatchObject({
        report: { menuName: charset === 'utf-8' ? '销售' : '销售客' },
      });
    },
  );

  test('bytes that are no character elsewhere are refused', () => {
    expect(ack(columns(['a\xff', ...FIELDS.slice(1)]), FIXED)).toBe('charset: not valid utf-8');
  });
});
