/**
 * Every way a datagram may be read, ranked for the operator who has an unknown sender before him: what each way makes of
 * it, what fails where, and the ack it would send. Detection decides by itself and fails closed (detect.ts); this only
 * shows, so it also tries what detection never guesses.
 */
import { isAscii } from 'node:buffer';
import { encodeAck, withAckForm } from '../ack.js';
import type { AckForm } from '../ack.js';
import { parse, readFields } from '../codec.js';
import { NEARNESS, SHAPES } from './detect.js';
import { fieldFaults } from '../fields.js';
import { decode } from '../text/decode.js';
import { fieldsInForm, missingIn } from './form.js';
import { shapesIn } from './guess.js';
import { CHARSETS, FIELD_NAMES, failure } from '../reading.js';
import type { Charset, CodecSettings, FieldName, Parsed, ParseFailure, RawFields, Shape } from '../reading.js';
import { isKnownState } from '../state.js';

/** One thing that does not hold: of a field, or (null) of the datagram as a whole. */
export interface Shortfall extends Omit<ParseFailure, 'ok'> {
  readonly field: FieldName | null;
}

/** One way to read a datagram and what came of it. Holds values of the datagram: numbers are personal data. */
export interface RankedParse {
  readonly settings: CodecSettings;
  /** What a source with these settings would make of it: `ok` is stored, else it goes to quarantine. */
  readonly parsed: Parsed;
  /** The fields as text, whether or not they hold; null when the datagram does not split into fields. */
  readonly fields: RawFields | null;
  /**
   * 0 to 1: the share of the eight fields that hold; where it does not split but is written in the form of this codec, of
   * those that are found in it all the same, and never 1; else 0. 1 is what detection would accept,
   * which is stricter than `parsed`: the state is known, and caller or callee is there.
   */
  readonly score: number;
  /** What fails where; empty with a score of 1. */
  readonly shortfalls: readonly Shortfall[];
  /** The ack this way of reading sends, the request mirrored; null when `parsed` failed. */
  readonly ack: Uint8Array | null;
}

/**
 * All readings of a datagram, best first; equal scores by how near they came, then as detection orders them. Tried:
 * what detection tries, quoting, every binary length prefix, and the delimiters and columns the bytes themselves suggest.
 * Pure, never throws.
 * @param charset the only one to try; both when absent (ASCII reads the same in both and is tried as UTF-8)
 */
export function rankParses(bytes: Uint8Array, charset?: Charset): readonly RankedParse[] {
  const tried: readonly Charset[] = charset === undefined ? (isAscii(bytes) ? ['utf-8'] : CHARSETS) : [charset];
  const ranked = tried.flatMap((each) =>
    [...SHAPES, ...shapesIn(bytes, each)].map((shape) => parseAs(bytes, shape, each)),
  );
  return ranked.sort((a, b) => b.score - a.score || nearness(a) - nearness(b));
}

/** One reading of a datagram: by this codec with its options, in this charset. Pure, never throws. */
export function parseAs(bytes: Uint8Array, shape: Shape, charset: Charset): RankedParse {
  const settings: CodecSettings = { ...shape, charset };
  const parsed = parse(bytes, settings);
  const reading = readFields(bytes, settings);
  const fields = reading.ok ? reading.fields : null;
  const { shortfalls, score } = reading.ok ? judged(reading.fields) : judgedByForm(bytes, settings, reading);
  return {
    settings,
    parsed,
    fields,
    score,
    shortfalls,
    ack: parsed.ok ? encodeAck(parsed.mirror) : null,
  };
}

type Judgement = Pick<RankedParse, 'score' | 'shortfalls'>;

function judged(fields: RawFields): Judgement {
  const shortfalls = fieldShortfalls(fields);
  return { shortfalls, score: scoreOf(new Set(shortfalls.map(({ field }) => field))) };
}

/** Of what does not split: its own fault first, then those of the fields found in it. */
function judgedByForm(bytes: Uint8Array, settings: CodecSettings, fault: ParseFailure): Judgement {
  const own = shortfall(null, fault);
  const decoded = decode(bytes, settings.charset);
  const found = decoded.ok ? fieldsInForm(decoded.text, settings) : null;
  if (found === null) {
    return { shortfalls: [own], score: 0 };
  }
  const text = (field: FieldName): string => found.get(field) ?? '';
  const faults = fieldShortfalls({
    ...{ callId: text('callId'), serial: text('serial'), state: text('state') },
    ...{ callerNumber: text('callerNumber'), calleeNumber: text('calleeNumber'), forwardNumber: text('forwardNumber') },
    ...{ menuId: text('menuId'), menuName: text('menuName') },
  }).filter(({ field }) => field !== null && found.has(field));
  const failed = new Set<FieldName | null>([...missingIn(found), ...faults.map(({ field }) => field)]);
  return { shortfalls: [own, ...faults], score: scoreOf(failed.size === 0 ? new Set([null]) : failed) };
}

/**
 * The bytes a source with these settings would be answered; null when the datagram does not parse, since what is not
 * stored is not acked.
 * @param form what the operator set; the mirror of the request when absent. Never longer than the request.
 */
export function ackFor(bytes: Uint8Array, settings: CodecSettings, form: AckForm | null = null): Uint8Array | null {
  const parsed = parse(bytes, settings);
  return parsed.ok ? encodeAck(withAckForm(parsed.mirror, form, bytes)) : null;
}

function fieldShortfalls(fields: RawFields): readonly Shortfall[] {
  const found = fieldFaults(fields).map(({ field, fault }) => shortfall(field, fault));
  const state = fields.state.trim();
  const isSilent = fields.callerNumber.trim() === '' && fields.calleeNumber.trim() === '';
  return [
    ...found,
    ...(state === '' || isKnownState(state)
      ? []
      : [shortfall('state', failure('state', 'Call State is none that is known'))]),
    ...(isSilent ? [shortfall('callerNumber', failure('number', 'neither Caller nor Callee Number'))] : []),
  ];
}

function shortfall(field: FieldName | null, { reason, detail }: ParseFailure): Shortfall {
  return { field, reason, detail };
}

function scoreOf(failed: ReadonlySet<FieldName | null>): number {
  return (FIELD_NAMES.length - failed.size) / FIELD_NAMES.length;
}

function nearness({ shortfalls: [first] }: RankedParse): number {
  if (first === undefined) {
    return -1;
  }
  const rank = NEARNESS.indexOf(first.reason);
  return rank === -1 ? NEARNESS.length : rank;
}
