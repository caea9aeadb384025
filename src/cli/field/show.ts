/** One datagram in words, for `inspect`. Pure. */
import { FIELD_NAMES } from '../../wire/reading.js';
import { notationOf } from '../../wire/settings/notation.js';
import { type RankedParse, rankParses } from '../../wire/detect/rank.js';
import { type Arrived, ignoresAcks } from './arrivals.js';
import { hexLine, hexRows, texts, visible } from './bytes.js';

export interface ShowOptions {
  /** Readings shown at most. */
  readonly parses: number;
  readonly intervalMs: number;
}

const LABEL = 9;
/** Six of eight fields hold: worth trying. */
const NEAR = 0.75;

/** The lines of one datagram. */
export function shown(arrived: Arrived, options: ShowOptions): readonly string[] {
  const parses = rankParses(arrived.bytes);
  return [
    head(arrived),
    ...labelled('fate', fateLines(arrived)),
    ...labelled('copies', copyLines(arrived, options.intervalMs)),
    ...labelled('ack', ackLines(arrived)),
    ...labelled('hex', hexRows(arrived.bytes)),
    ...texts(arrived.bytes).flatMap(({ charset, text }) =>
      labelled(charset, [text === null ? 'is not valid in it' : text]),
    ),
    ...labelled('read as', isPost(arrived.source) ? [] : parses.slice(0, options.parses).flatMap(parseLines)),
    ...labelled('next', nextLines(arrived, parses)),
  ];
}

function labelled(label: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, index) => `  ${(index === 0 ? label : '').padEnd(LABEL)}${line}`);
}

function head({ lastAt, address, ports, source, length, bytes }: Arrived): string {
  const port = ports.length === 0 ? '' : `:${ports.join(',')}`;
  const from = source === null || source === address ? '' : `, source ${source}`;
  const kept = bytes.length < length ? ` (the first ${String(bytes.length)} are kept)` : '';
  return `${new Date(lastAt).toISOString()}  ${address}${port}${from}, ${String(length)} bytes${kept}`;
}

function fateLines({ fate, reason, detail }: Arrived): readonly string[] {
  if (fate === null) return ['not decided yet'];
  if (fate === 'refused' && reason === 'source')
    return ['refused: UDP_ALLOWED_SOURCES does not hold this address. If it is your IVR, add it there and restart.'];
  const words = reason === null ? fate : `${fate}: ${reason}`;
  return [detail === null ? words : `${words} (${detail})`];
}

function copyLines(arrived: Arrived, intervalMs: number): readonly string[] {
  const { copies, spacingMs, firstAt, lastAt, ports } = arrived;
  if (copies < 2) return ['none: it came once'];
  const apart =
    spacingMs.length > 0
      ? `${spacingMs.map((ms) => (ms / 1000).toFixed(3)).join(' ')} s apart`
      : `within ${((lastAt - firstAt) / 1000).toFixed(3)} s`;
  const meaning = ignoresAcks(arrived, intervalMs)
    ? ['each was answered, and it was sent again: the sender does not get the answer, or does not understand it']
    : [];
  const other = ports.length > 1 ? ['they came from several ports: an address translator stands between'] : [];
  return [`it came ${String(copies)} times, ${apart}`, ...meaning, ...other];
}

function ackLines({ ack, ackMs, acked, copies }: Arrived): readonly string[] {
  if (ack === null) return ['not answered'];
  const times = acked === copies ? '' : ` (${String(acked)} of ${String(copies)} copies)`;
  return [`${hexLine(ack)}  ${String(ackMs ?? 0)} ms after it came${times}`];
}

/** One reading: how sure, how, what fails where; the fields of one that holds. */
function parseLines({ settings, score, shortfalls, fields }: RankedParse): readonly string[] {
  const way = `${score.toFixed(2)}  ${notationOf(settings)} in ${settings.charset}`;
  if (shortfalls.length > 0) {
    const faults = shortfalls.slice(0, 3).map(({ field, detail }) => (field === null ? detail : `${field}: ${detail}`));
    return [`${way}: ${faults.join('; ')}`];
  }
  const values = fields === null ? [] : FIELD_NAMES.map((name) => `${name}=${visible(fields[name])}`);
  return [way, `      ${values.join('  ')}`];
}

/** A command only where there is a codec to try: what stands here is copied into a shell. */
function nextLines({ fate, source, address }: Arrived, parses: readonly RankedParse[]): readonly string[] {
  if (fate !== 'quarantined') return [];
  if (isPost(source))
    return ['a post of a switch is read in one way, which cannot be set: what failed in it stands under fate'];
  const [best] = parses;
  if (best === undefined || best.score < NEAR) return [NO_CODEC];
  const { settings, fields, shortfalls } = best;
  if (fields === null)
    return [`it is written as ${settings.codec} with a fault, which no setting mends: ${shortfalls[0]?.detail ?? ''}`];
  const charset = settings.charset === 'utf-8' ? '' : ` --charset ${settings.charset}`;
  return [`ringledger calibrate --source '${source ?? address}' --codec '${notationOf(settings)}'${charset}`];
}

const NO_CODEC =
  'nothing reads it. Fixed columns: count them in the hex and try calibrate with --codec fixed:... (docs/field-guide.md, 2)';

/** Whether a source is the HTTP twin of a switch. */
export function isPost(source: string | null): boolean {
  return source?.startsWith('http:') === true;
}
