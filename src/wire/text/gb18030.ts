/**
 * GB18030 both ways. Node decodes it (TextDecoder, ICU) and has no encoder, so the encoder is the decoder's table
 * turned round, built on first use (23,940 two-byte and 39,420 four-byte codes).
 *
 * Layout of the code, from the WHATWG Encoding Standard (section "gb18030"): a byte below 0x80 is ASCII; 0x81-0xFE
 * leads two bytes (second 0x40-0x7E, 0x80-0xFE) or four (second 0x30-0x39). Four-byte codes are numbered linearly; those
 * from 189,000 on are the code points from U+10000 on.
 */
import type { Charset } from '../reading.js';

const FIRST_LEAD = 0x81;
const LEADS = 126;
const FIRST_TRAIL = 0x40;
const LAST_TRAIL = 0xfe;
const NO_TRAIL = 0x7f;
const FIRST_DIGIT = 0x30;
const LAST_DIGIT = 0x39;
/** Four-byte codes below this are in the Basic Multilingual Plane; the last is 84 31 A4 39, U+FFFF. */
const BMP_FOUR_BYTE_CODES = 39_420;
const SUPPLEMENTARY_START = 189_000;
const SUPPLEMENTARY_LEAD = 0x90;
const QUESTION_MARK = 0x3f;

const decoder = new TextDecoder('gb18030', { fatal: true });

/** The text of GB18030 bytes; null when they are not GB18030. */
export function gb18030Text(bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

/** How many bytes of valid GB18030 the first `units` UTF-16 units of its text take. */
export function gb18030ByteOffset(bytes: Uint8Array, units: number): number {
  let at = 0;
  for (let seen = 0; seen < units;) {
    const lead = bytes[at] ?? 0;
    const second = bytes[at + 1] ?? 0;
    if (lead <= 0x80) {
      at += 1;
      seen += 1;
    } else if (second >= FIRST_DIGIT && second <= LAST_DIGIT) {
      at += 4;
      seen += lead >= SUPPLEMENTARY_LEAD ? 2 : 1;
    } else {
      at += 2;
      seen += 1;
    }
  }
  return at;
}

/**
 * Text to bytes. In GB18030 a lone surrogate, and the 19 private-use characters its 2022 edition gave to others, have no
 * code and become `?`.
 */
export function encodeText(text: string, charset: Charset): Uint8Array {
  if (charset === 'utf-8') {
    return Buffer.from(text, 'utf8');
  }
  const bytes: number[] = [];
  for (const character of text) {
    pushCharacter(bytes, character);
  }
  return Uint8Array.from(bytes);
}

function pushCharacter(bytes: number[], character: string): void {
  const point = character.codePointAt(0) ?? QUESTION_MARK;
  if (point < 0x80) {
    bytes.push(point);
    return;
  }
  if (point > 0xffff) {
    bytes.push(...fourBytes(SUPPLEMENTARY_START + point - 0x10000));
    return;
  }
  codes ??= encoderTable();
  bytes.push(...(codes.get(character) ?? [QUESTION_MARK]));
}

let codes: ReadonlyMap<string, readonly number[]> | undefined;

function encoderTable(): ReadonlyMap<string, readonly number[]> {
  // Four-byte codes first: 18 characters have both, and the two-byte code is the one in use.
  const all = [...Array.from({ length: BMP_FOUR_BYTE_CODES }, (_, code) => fourBytes(code)), ...twoByteCodes()];
  const text = gb18030Text(Uint8Array.from(all.flat())) ?? '';
  return new Map(all.map((code, at) => [text.charAt(at), code]));
}

function twoByteCodes(): readonly (readonly number[])[] {
  const found: number[][] = [];
  for (let lead = FIRST_LEAD; lead < FIRST_LEAD + LEADS; lead += 1) {
    for (let trail = FIRST_TRAIL; trail <= LAST_TRAIL; trail += 1) {
      if (trail !== NO_TRAIL) {
        found.push([lead, trail]);
      }
    }
  }
  return found;
}

function fourBytes(code: number): readonly number[] {
  return [
    FIRST_LEAD + Math.floor(code / 12_600),
    FIRST_DIGIT + (Math.floor(code / 1_260) % 10),
    FIRST_LEAD + (Math.floor(code / 10) % LEADS),
    FIRST_DIGIT + (code % 10),
  ];
}
