/**
 * Bytes to text, before anything is split: 116 common GBK characters contain the byte of `|`, so splitting bytes would
 * cut characters in two (docs/wire.md).
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { encodeText, gb18030ByteOffset, gb18030Text } from './gb18030.js';
import { failure } from '../reading.js';
import type { Charset, ParseFailure } from '../reading.js';

/** A datagram as text: without its terminator and without a byte order mark. */
export interface Decoded {
  readonly ok: true;
  readonly text: string;
  /** The bytes `text` was decoded from, from its first character on. */
  readonly body: Buffer;
  readonly charset: Charset;
  /** Whether every byte is below 128: then characters and bytes have the same offsets. */
  readonly ascii: boolean;
  /** The bytes that ended the datagram, as the ack repeats them. */
  readonly terminator: string;
}

const NUL = 0;
const LF = 10;
const CR = 13;
const UTF8_BOM = 0xfeff;
const UTF8_BOM_BYTES = 3;
/** CR LF NUL and one to spare: what is longer is padding or noise, not a terminator. */
const TERMINATOR_BYTES_MAX = 4;

/**
 * Decodes a datagram and takes off what ends it: the trailing run of CR, LF and NUL, none of which can be the second
 * byte of a character in either charset.
 *
 * Fails with `empty` (nothing before the terminator), `charset` (a byte sequence the charset does not have) or `nul`
 * (a NUL before the end, which PostgreSQL's text cannot hold; UTF-16 shows itself here too).
 */
export function decode(bytes: Uint8Array, charset: Charset): Decoded | ParseFailure {
  const end = contentEnd(bytes);
  if (end === 0) {
    return failure('empty', bytes.length === 0 ? 'no bytes' : 'a terminator and nothing before it');
  }
  const buffer = asBuffer(bytes);
  const terminator = terminatorFrom(buffer, end);
  const ascii = isAscii(bytes);
  let body = buffer;
  let text: string | null = ascii ? buffer.toString('latin1', 0, end) : textOf(buffer.subarray(0, end), charset);
  if (text === null) {
    return failure('charset', `not valid ${charset}`);
  }
  if (charset === 'utf-8' && text.charCodeAt(0) === UTF8_BOM) {
    text = text.slice(1);
    body = buffer.subarray(UTF8_BOM_BYTES);
  }
  if (text.includes('\0')) {
    return failure('nul', 'a NUL byte before the end');
  }
  return { ok: true, text, body, charset, ascii, terminator };
}

/** The bytes that the characters [from, to) were decoded from, one character a byte. */
export function receivedBytes(decoded: Decoded, from: number, to: number): string {
  const part = decoded.text.slice(from, to);
  if (decoded.ascii) {
    return part;
  }
  if (decoded.charset === 'utf-8') {
    return byteString(part, 'utf-8');
  }
  const start = gb18030ByteOffset(decoded.body, from);
  return decoded.body.toString('latin1', start, gb18030ByteOffset(decoded.body, to));
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The terminator that begins at `from`, as the ack repeats it; null when what stands there is something else. */
export function terminatorAt(bytes: Buffer, from: number): string | null {
  return contentEnd(bytes) > from ? null : terminatorFrom(bytes, from);
}

/** The text of bytes in a charset; null when the charset has no such bytes. */
export function textOf(bytes: Buffer, charset: Charset): string | null {
  if (isAscii(bytes)) {
    return bytes.toString('latin1');
  }
  if (charset === 'gb18030') {
    return gb18030Text(bytes);
  }
  return isUtf8(bytes) ? bytes.toString('utf8') : null;
}

/** Text as its bytes in a charset, one character a byte. */
export function byteString(text: string, charset: Charset): string {
  return isAsciiText(text) ? text : Buffer.from(encodeText(text, charset)).toString('latin1');
}

function isAsciiText(text: string): boolean {
  return !NOT_ASCII.test(text);
}

const NOT_ASCII = /\P{ASCII}/u;

function contentEnd(bytes: Uint8Array): number {
  let end = bytes.length;
  while (end > 0) {
    const last = bytes[end - 1];
    if (last !== NUL && last !== LF && last !== CR) {
      break;
    }
    end -= 1;
  }
  return end;
}

function terminatorFrom(bytes: Buffer, from: number): string {
  const run = from === bytes.length ? '' : bytes.toString('latin1', from);
  return run === '' ? run : run.replace(PADDING, '\0').slice(0, TERMINATOR_BYTES_MAX);
}

const PADDING = /\0{2,}/g;
