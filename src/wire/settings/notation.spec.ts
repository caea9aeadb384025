import { notationOf, readNotation } from './notation.js';

test.each([
  ['delimited', { codec: 'delimited' }],
  ['delimited:,', { codec: 'delimited', delimiter: ',' }],
  ['delimited:||', { codec: 'delimited', delimiter: '||' }],
  ['delimited::', { codec: 'delimited', delimiter: ':' }],
  ['delimited:#*#', { codec: 'delimited', delimiter: '#*#' }],
  ['delimited:*', { codec: 'delimited', delimiter: '*' }],
  ['delimited:tab', { codec: 'delimited', delimiter: '\t' }],
  ['delimited:\\x1f', { codec: 'delimited', delimiter: '\x1f' }],
  ['delimited:,\\x20', { codec: 'delimited', delimiter: ', ' }],
  ['delimited:\\x5c', { codec: 'delimited', delimiter: '\\' }],
  ['quoted:;', { codec: 'delimited', delimiter: ';', quoted: true }],
  ['key_value:crlf', { codec: 'key_value', delimiter: '\r\n' }],
  ['json', { codec: 'json' }],
  ['xml', { codec: 'xml' }],
  ['length_prefixed', { codec: 'length_prefixed' }],
  ['length_prefixed:1', { codec: 'length_prefixed', lengthBytes: 1 }],
  ['length_prefixed:2be', { codec: 'length_prefixed', lengthBytes: 2, byteOrder: 'big' }],
  ['length_prefixed:4le', { codec: 'length_prefixed', lengthBytes: 4, byteOrder: 'little' }],
  ['fixed:64,20,16,32,32,32,16,64', { codec: 'fixed', widths: [64, 20, 16, 32, 32, 32, 16, 64] }],
] as const)('%s stands for its settings, and they for it', (notation, shape) => {
  expect(readNotation(notation, 'gb18030')).toEqual({ ok: true, settings: { ...shape, charset: 'gb18030' } });
  expect(notationOf(shape)).toBe(notation);
});

test.each([
  ['csv', /^it must be one of delimited:/],
  ['json:,', /^it must be one of/],
  ['length_prefixed:3', /^it must be one of/],
  ['delimited:|||||', 'its delimiter must be 1 to 4 bytes'],
  ['delimited:\\x00', 'its delimiter must not hold a letter, a digit, NUL, = or +'],
  [
    'quoted:#',
    'its delimiter made of * and # alone goes with delimited without quoting alone, since a number may hold it',
  ],
  [
    'key_value:##',
    'its delimiter made of * and # alone goes with delimited without quoting alone, since a number may hold it',
  ],
  ['quoted:"', 'its delimiter must not hold the double quote that stands around fields'],
  ['fixed', 'its widths must be 8 whole numbers from 1 to 512'],
  ['fixed:1,2,3', 'its widths must be 8 whole numbers from 1 to 512'],
  ['fixed:1,2,3,4,5,6,7,600', 'its widths must be 8 whole numbers from 1 to 512'],
  ['fixed:1,2,3,4,5,6,7,', 'its widths must be 8 whole numbers from 1 to 512'],
])('%s is told what is wrong with it', (notation, reason) => {
  const read = readNotation(notation, 'utf-8');
  expect(read.ok ? null : read.reason).toEqual(typeof reason === 'string' ? reason : expect.stringMatching(reason));
});
