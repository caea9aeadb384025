/** Bytes as an operator can read them. Pure. */
import { CHARSETS } from '../../wire/codec.js';

const ROW_BYTES = 16;
/** Longer datagrams are cut in print; `--json` has them whole. */
const SHOWN_BYTES = 512;

/** Rows of 16 bytes: offset, hex, and what of it is printable ASCII. */
export function hexRows(bytes: Uint8Array): readonly string[] {
  const shown = bytes.subarray(0, SHOWN_BYTES);
  const rows = Array.from({ length: Math.ceil(shown.length / ROW_BYTES) }, (_, index) => {
    const row = [...shown.subarray(index * ROW_BYTES, (index + 1) * ROW_BYTES)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const ascii = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
    return `${(index * ROW_BYTES).toString(16).padStart(4, '0')}  ${hex.padEnd(ROW_BYTES * 3 - 1)}  |${ascii}|`;
  });
  const more = bytes.length - shown.length;
  return more > 0 ? [...rows, `... and ${String(more)} bytes more`] : rows;
}

/** A few bytes on one line, with their text where there is any: `61 2c 31  "a,1"`. */
export function hexLine(bytes: Uint8Array): string {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `${hex}  ${JSON.stringify(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1'))}`;
}

/** The text in each charset; null where the bytes are not valid in it. */
export function texts(bytes: Uint8Array): readonly { readonly charset: string; readonly text: string | null }[] {
  return CHARSETS.map((charset) => {
    try {
      const text = new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, SHOWN_BYTES));
      return { charset, text: visible(text) };
    } catch {
      return { charset, text: null };
    }
  });
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\0': '\\0' };

/** Control characters written out, so that a terminal shows them and obeys none. */
export function visible(text: string): string {
  return text.replace(
    CONTROL,
    (mark) => ESCAPES[mark] ?? `\\x${(mark.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`,
  );
}

const CONTROL = /\p{Cc}/gu;
