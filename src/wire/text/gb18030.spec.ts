import fc from 'fast-check';
import { encodeText, gb18030ByteOffset, gb18030Text } from './gb18030.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** Any text but the private-use characters, of which 19 have no code. */
const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((value) => !/[\p{Co}\p{Cs}]/u.test(value));

describe('GB18030', () => {
  test.each([
    ['A', '41'],
    ['中', 'd6d0'],
    ['销售', 'cffacadb'],
    ['€', 'a2e3'],
    ['\u0080', '81308130'],
    ['\uffff', '8431a439'],
    ['\u{10000}', '90308130'],
    ['😀', '9439fc36'],
  ])('%j is %s', (character, code) => {
    expect(hex(encodeText(character, 'gb18030'))).toBe(code);
    expect(gb18030Text(Buffer.from(code, 'hex'))).toBe(character);
  });

  test('a character without a code becomes a question mark', () => {
    expect(hex(encodeText('a\ue5e5\ud800b', 'gb18030'))).toBe('613f3f62');
  });

  test.each(['81', 'd6', 'ff', '817f', '8130', '8431a530', 'fe39fe39'])('%s is not GB18030', (code) => {
    expect(gb18030Text(Buffer.from(code, 'hex'))).toBeNull();
  });

  test('a failed decoding leaves nothing behind for the next', () => {
    expect(gb18030Text(Buffer.from('d6', 'hex'))).toBeNull();
    expect(gb18030Text(Buffer.from('d0', 'hex'))).toBeNull();
    expect(gb18030Text(Buffer.from('41', 'hex'))).toBe('A');
  });

  test('every text comes back', () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(gb18030Text(encodeText(value, 'gb18030'))).toBe(value);
      }),
    );
  });

  test('the byte offset of a character is the length of what stands before it', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const bytes = encodeText(before + after, 'gb18030');
        expect(gb18030ByteOffset(bytes, before.length)).toBe(encodeText(before, 'gb18030').length);
      }),
    );
  });

  test('0x80 alone is the euro sign of old code pages, one byte', () => {
    const bytes = Buffer.from('80d6d0', 'hex');
    expect(gb18030Text(bytes)).toBe('€中');
    expect(gb18030ByteOffset(bytes, 1)).toBe(1);
  });
});
