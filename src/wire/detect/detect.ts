/**
 * What a datagram of an unknown source may be: every codec, delimiter and charset is tried, and exactly one must hold.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import type { Report } from '../../notification.js';
import { parseDecoded } from '../codec.js';
import { decode } from '../text/decode.js';
import type { Decoded } from '../text/decode.js';
import { CHARSETS, failure } from '../reading.js';
import type { Charset, CodecSettings, Parsed, ParseFailure, QuarantineReason, Shape, TextShape } from '../reading.js';
import { isKnownState } from '../state.js';
import { fieldsInForm } from './form.js';

/** One way to read a datagram and what came of it. */
export interface Candidate {
  readonly settings: CodecSettings;
  readonly parsed: Parsed;
}

type Reportable = Extract<Parsed, { readonly ok: true }>;
type Passing = Reportable & {
  readonly settings: CodecSettings;
  /** Whether the bytes say which charset it is: not ASCII, and only one charset reads them. */
  readonly charsetDecisive: boolean;
};
export type Detection = Passing | ParseFailure;

/** What is tried on a source nobody knows. */
export const SHAPES: readonly TextShape[] = [
  ...[',', '|', ';', '\t', '^'].map((delimiter) => ({ codec: 'delimited' as const, delimiter })),
  ...[',', '|', ';', '\t', '^', '&', '\n', '\r\n'].map((delimiter) => ({ codec: 'key_value' as const, delimiter })),
  { codec: 'json' },
  { codec: 'xml' },
];

/** Reasons that speak of the bytes, whatever the codec. */
const OF_THE_BYTES: readonly QuarantineReason[] = ['empty', 'nul', 'charset'];
/** How near a failure came: text that had the fields came nearer than text that did not. */
export const NEARNESS: readonly QuarantineReason[] = [
  'state',
  'number',
  'menu',
  'serial',
  'call_id',
  'fields',
  'syntax',
  'nul',
];

/**
 * Every way to read a datagram, best first, each with its reason when it does not hold: those that pass, then those
 * that came nearest. Stricter than `parse`: the state must be known and caller or callee be there. ASCII is tried as
 * UTF-8 alone, since it is the same text in both charsets.
 */
export function candidates(bytes: Uint8Array): readonly Candidate[] {
  const charsets: readonly Charset[] = isAscii(bytes) ? ['utf-8'] : CHARSETS;
  const found = charsets.flatMap((charset) => {
    const decoded = decode(bytes, charset);
    return decoded.ok
      ? SHAPES.flatMap((shape) => read(decoded, shape))
      : SHAPES.map((shape) => ({ settings: { ...shape, charset }, parsed: decoded }));
  });
  return found.sort((a, b) => distance(a.parsed) - distance(b.parsed));
}

/**
 * The one way to read a datagram. Several codecs: `ambiguous`; none, or only one with quoting: `undetected`, or the reason
 * that speaks of the bytes themselves (`empty`, `nul`, `charset`). When both charsets read it by the same codec the text proves neither, and
 * `lean` is taken.
 */
export function detect(bytes: Uint8Array, lean: Charset = 'utf-8'): Detection {
  const ranked = candidates(bytes);
  const passing: Passing[] = [];
  for (const { settings, parsed } of ranked) {
    if (parsed.ok) {
      passing.push({ ...parsed, settings, charsetDecisive: false });
    }
  }
  const [first] = passing;
  if (first === undefined) {
    return undetected(bytes, ranked);
  }
  const other = passing.find((next) => !sameShape(next.settings, first.settings));
  if (other !== undefined) {
    return failure('ambiguous', `${describe(first.settings)} and ${describe(other.settings)} both hold`);
  }
  // Candidates in UTF-8 come first. In GB18030 a character may swallow half of a delimiter that UTF-8 shows whole.
  if (first.settings.charset === 'gb18030' && isUtf8(bytes) && !isAscii(bytes)) {
    return failure('undetected', `${describe(first.settings)} holds in gb18030 alone, though the text is valid utf-8`);
  }
  if (first.settings.quoted === true) {
    return failure('undetected', `${describe(first.settings)} holds, but quoting is never guessed: it has to be set`);
  }
  if (isAscii(bytes)) {
    return { ...first, settings: { ...first.settings, charset: lean } };
  }
  return passing.length === 1
    ? { ...first, charsetDecisive: true }
    : (passing.find((next) => next.settings.charset === lean) ?? first);
}

/** Whether two settings are the same but for the charset. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.codec === b.codec && a.delimiter === b.delimiter && a.quoted === b.quoted;
}

/**
 * One shape and, where quotes would make something else of it, the same with quoting: whether a quote is part of a value
 * cannot be told from one datagram, so that both count.
 */
function read(decoded: Decoded, shape: TextShape): readonly Candidate[] {
  const { charset } = decoded;
  const plain: Candidate = { settings: { ...shape, charset }, parsed: strict(parseDecoded(decoded, shape)) };
  if (shape.codec !== 'delimited' || !decoded.text.includes('"')) {
    return [plain];
  }
  const quoted = strict(parseDecoded(decoded, { ...shape, quoted: true }));
  const isSame = plain.parsed.ok && quoted.ok && sameReport(plain.parsed.report, quoted.report);
  return isSame ? [plain] : [plain, { settings: { ...shape, charset, quoted: true }, parsed: quoted }];
}

function sameReport(a: Report, b: Report): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function strict(parsed: Parsed): Parsed {
  if (!parsed.ok) {
    return parsed;
  }
  if (!isKnownState(parsed.report.stateRaw)) {
    return failure('state', 'Call State is none that is known');
  }
  return parsed.report.callerNumber === null && parsed.report.calleeNumber === null
    ? failure('number', 'neither Caller nor Callee Number')
    : parsed;
}

function distance(parsed: Parsed): number {
  if (parsed.ok) {
    return -1;
  }
  const rank = NEARNESS.indexOf(parsed.reason);
  return rank === -1 ? NEARNESS.length : rank;
}

/** The fault of the form a datagram is written in, or else of what came nearest. */
function undetected(bytes: Uint8Array, ranked: readonly Candidate[]): ParseFailure {
  const texts = new Map(CHARSETS.map((charset) => [charset, decode(bytes, charset)]));
  const inForm = ranked.find((candidate) => isInForm(texts.get(candidate.settings.charset), candidate));
  const nearest = inForm ?? ranked[0];
  if (nearest === undefined || nearest.parsed.ok) {
    return failure('undetected', 'no codec was tried');
  }
  const { reason, detail } = nearest.parsed;
  if (OF_THE_BYTES.includes(reason)) {
    return reason === 'charset' ? failure('charset', `not valid ${CHARSETS.join(', nor ')}`) : nearest.parsed;
  }
  return failure('undetected', `nearest is ${describe(nearest.settings)}: ${detail}`);
}

/** Whether a text is in the form of a codec that could not read it. */
function isInForm(decoded: Decoded | ParseFailure | undefined, { settings, parsed }: Candidate): boolean {
  if (settings.codec === 'delimited' || parsed.ok || OF_THE_BYTES.includes(parsed.reason)) {
    return false;
  }
  return decoded?.ok === true && fieldsInForm(decoded.text, settings) !== null;
}

function describe({ codec, delimiter, quoted }: CodecSettings): string {
  const by = delimiter === undefined ? codec : `${codec} by ${JSON.stringify(delimiter)}`;
  return quoted === true ? `${by} with quoting` : by;
}
