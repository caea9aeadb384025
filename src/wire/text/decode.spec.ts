import { decode, receivedBytes } from './decode.js';
import { encodeText } from './gb18030.js';

describe('the end of a datagram', () => {
  test.each([
    ['a', ''],
    ['a\0', '\0'],
    ['a\n', '\n'],
    ['a\r\n', '\r\n'],
    ['a\r', '\r'],
    ['a\r\n\0', '\r\n\0'],
    ['a\0\0\0\0\0\0\0\0', '\0'],
    ['a\n\0\0\0', '\n\0'],
    ['a\n\n\n\n\n\n', '\n\n\n\n'],
  ])('%j is "a" ended by %j', (datagram, terminator) => {
    expect(decode(Buffer.from(datagram), 'utf-8')).toMatchObject({ ok: true, text: 'a', terminator });
    expect(decode(Buffer.from(datagram), 'gb18030')).toMatchObject({ ok: true, text: 'a', terminator });
  });

  test.each([
    ['', 'empty'],
    ['\0', 'empty'],
    ['\r\n\0', 'empty'],
    ['a\0b', 'nul'],
    ['\0a', 'nul'],
  ])('%j is refused as %s', (datagram, reason) => {
    expect(decode(Buffer.from(datagram), 'utf-8')).toMatchObject({ ok: false, reason });
  });
});

describe('charset', () => {
  test.each([
    ['c3', 'utf-8'],
    ['c0af', 'utf-8'],
    ['eda080', 'utf-8'],
    ['d6d0', 'utf-8'],
    ['41d6', 'gb18030'],
    ['ff', 'gb18030'],
  ] as const)('the bytes %s are not valid %s', (bytes, charset) => {
    expect(decode(Buffer.from(bytes, 'hex'), charset)).toMatchObject({ ok: false, reason: 'charset' });
  });

  test('a UTF-16 datagram shows itself by its NULs', () => {
    expect(decode(Buffer.from('a1,1,OK', 'utf16le'), 'utf-8')).toMatchObject({ ok: false, reason: 'nul' });
  });

  test('a byte order mark is no part of the first field', () => {
    const decoded = decode(Buffer.from('\ufeffa1,é'), 'utf-8');
    expect(decoded).toMatchObject({ ok: true, text: 'a1,é' });
    expect(decoded.ok && receivedBytes(decoded, 0, 2)).toBe('a1');
  });

  test('a plain Uint8Array that looks into a larger buffer is read where it looks', () => {
    const whole = new Uint8Array(Buffer.from('xxa1yy'));
    expect(decode(whole.subarray(2, 4), 'utf-8')).toMatchObject({ ok: true, text: 'a1' });
  });
});

test.each(['utf-8', 'gb18030'] as const)('received bytes of a part are those it was decoded from in %s', (charset) => {
  const decoded = decode(encodeText('中😀,é中,z', charset), charset);
  const bytes = Buffer.from(encodeText('é中', charset)).toString('latin1');
  expect(decoded.ok && receivedBytes(decoded, 4, 6)).toBe(bytes);
});
