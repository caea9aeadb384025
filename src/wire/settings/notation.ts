/**
 * A codec with its options as one word, for command lines and the record of changes: `delimited:|`, `quoted:,`,
 * `key_value:&`, `json`, `xml`, `length_prefixed:2be`, `fixed:64,20,16,32,32,32,16,64`. A delimiter that cannot be seen is
 * written `tab`, `lf`, `crlf` or by its bytes, `\x1f`.
 */
import { judgeCodec } from './shape.js';
import type { AskedCodec, OptionFault } from './shape.js';
import type { CodecSettings, Shape } from '../reading.js';

export const NOTATIONS =
  'delimited:<delimiter>, quoted:<delimiter>, key_value:<separator>, json, xml, length_prefixed:<1|2be|2le|4be|4le>, ' +
  'fixed:<eight widths in bytes>';

const NAMED_DELIMITERS: readonly (readonly [name: string, delimiter: string])[] = [
  ['tab', '\t'],
  ['crlf', '\r\n'],
  ['lf', '\n'],
];

/** The settings a notation stands for, or what is wrong with it: half a sentence, such as `its widths must be ...`. */
export function readNotation(
  text: string,
  charset: CodecSettings['charset'],
): { readonly ok: true; readonly settings: CodecSettings } | { readonly ok: false; readonly reason: string } {
  const colon = text.indexOf(':');
  const name = colon === -1 ? text : text.slice(0, colon);
  const options = optionsOf(name, colon === -1 ? '' : text.slice(colon + 1));
  const judged = options === null ? null : judgeCodec({ ...options, charset });
  if (judged?.ok === true) return { ok: true, settings: judged.value };
  return { ok: false, reason: judged === null ? `it must be one of ${NOTATIONS}` : wordsOf(judged.faults) };
}

/** The notation of a codec: `readNotation` gives the same again. */
export function notationOf({ codec, delimiter, quoted, lengthBytes, byteOrder, widths }: Shape): string {
  const name = codec === 'delimited' && quoted === true ? 'quoted' : codec;
  const option = {
    delimited: delimiter === undefined ? '' : spelled(delimiter),
    key_value: delimiter === undefined ? '' : spelled(delimiter),
    json: '',
    xml: '',
    length_prefixed:
      lengthBytes === undefined
        ? ''
        : `${String(lengthBytes)}${byteOrder === undefined ? '' : byteOrder.charAt(0) + 'e'}`,
    fixed: widths?.join(',') ?? '',
  }[codec];
  return option === '' ? name : `${name}:${option}`;
}

/** Null when the word is none of ours, or has an option where it takes none. */
function optionsOf(name: string, option: string): Omit<AskedCodec, 'charset'> | null {
  if (name === 'delimited' || name === 'key_value') return { codec: name, ...delimiterOption(option) };
  if (name === 'quoted') return { codec: 'delimited', quoted: true, ...delimiterOption(option) };
  if (name === 'json' || name === 'xml') return option === '' ? { codec: name } : null;
  if (name === 'fixed')
    return { codec: name, widths: option.split(',').map((width) => (width === '' ? Number.NaN : Number(width))) };
  const [, length, order] = /^(?:([124])(be|le)?)?$/.exec(option) ?? [option];
  if (name !== 'length_prefixed' || (option !== '' && length === undefined)) return null;
  return {
    codec: name,
    ...(length === undefined ? {} : { lengthBytes: Number(length) }),
    ...(order === undefined ? {} : { byteOrder: order === 'be' ? 'big' : 'little' }),
  };
}

function delimiterOption(option: string): { readonly delimiter?: string } {
  if (option === '') return {};
  const named = NAMED_DELIMITERS.find(([name]) => name === option)?.[1];
  return {
    delimiter:
      named ?? option.replace(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
  };
}

function spelled(delimiter: string): string {
  const named = NAMED_DELIMITERS.find(([, known]) => known === delimiter)?.[0];
  return (
    named ?? delimiter.replace(/[\p{Cc} \\]/gu, (mark) => `\\x${mark.charCodeAt(0).toString(16).padStart(2, '0')}`)
  );
}

function wordsOf(faults: readonly OptionFault[]): string {
  return faults.map(({ parameter, reason }) => `its ${parameter} ${reason}`).join('; ');
}
