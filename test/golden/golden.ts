/**
 * Golden tables: captured traffic on the left, what the ledger says of it below. A case reads
 *
 *   a title that states the fact
 *
 *     source   meaning=constant p=0.1 outage=10..27      what is known of the source; left out: per_call, base 1, no loss
 *     at       serial  state         copies              receipts; copies follow at the retry interval
 *     0.000    1       Ringing(180)  1       caller=123  and whatever else differs from the other rows
 *
 *     call     state=ended disposition=unknown ...       any fields of the record; times in seconds, spans in ms
 *     gaps     serial 2..2 certain, open until 60.200, then lost
 *
 * with one `call` and `gaps` block per call. Cases are separated by a line of `---`. Retry 6, interval 3 s, margin 1 s:
 * H is 19 s. Asked when all is final, unless `asked=` says when.
 */
import { NOTHING_STORED, type KeyChange, type KeyRef, type StoredKey } from '../../src/ingest/ports.js';
import { decodeEvidence } from '../../src/delivery/evidence.js';
import { newestFirst, noFacts, type SourceFacts, type Span } from '../../src/delivery/facts.js';
import { callKeyOf } from '../../src/lifecycle/keys.js';
import { assemble, refold } from '../../src/ingest/assemble/assemble.js';
import {
  SERIAL_MEANINGS,
  type Arrival,
  type CallRecord,
  type Gap,
  type SerialMeaning,
  type Settings,
  type WireState,
} from '../../src/notification.js';

export const SETTINGS: Settings = {
  retry: 6,
  intervalMs: 3000,
  marginMs: 1000,
  staleRingingMs: 300_000,
  staleAnsweredMs: 14_400_000,
  lossWindowMs: 300_000,
};

/** Long after everything: every deadline, stale limit and window of a case lies before it. */
const IN_THE_END = 1e9;

export interface GoldenCase {
  readonly title: string;
  /** The lines above the expectation, as they stand. */
  readonly given: readonly string[];
  readonly expected: readonly string[];
}

const PRINTED = ['state', 'disposition', 'dispositionBasis', 'ringMs', 'ringMsMin', 'ringMsMax'] as const;
const PRINTED_TOO = ['talkMs', 'talkMsMin', 'talkMsMax'] as const;

/** The cases of a file. */
export function parseCases(text: string): readonly GoldenCase[] {
  return text
    .split(/^---\n/m)
    .map((block) => block.trim().split('\n'))
    .map(([title = '', ...lines]) => {
      const start = lines.findIndex((line) => /^ {2}call( |$)/.test(line));
      const end = start < 0 ? lines.length : start;
      return {
        title,
        given: lines.slice(0, end).filter((line) => line.trim() !== ''),
        expected: lines.slice(end).filter((line) => line.trim() !== ''),
      };
    });
}

const SHAPE = /^([^=]+)=(.*)$/;

function options(words: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const word of words) {
    const [, key = word, value = ''] = SHAPE.exec(word) ?? [];
    found.set(key, [...(found.get(key) ?? []), value]);
  }
  return found;
}

function ms(seconds: string): number {
  return Math.round(Number(seconds) * 1000);
}

function span(text: string): Span {
  const [from = '', to = ''] = text.split('..');
  return { from: ms(from), to: ms(to) };
}

function meaningOf(text: string): SerialMeaning {
  const meaning = SERIAL_MEANINGS.find((one) => one === text);
  if (meaning === undefined) throw new Error(`no serial meaning ${text}`);
  return meaning;
}

/** The facts a `source` line gives. */
function factsOf(line: string): SourceFacts {
  const said = options(line.trim().split(/\s+/).slice(1));
  const one = (key: string): string | undefined => said.get(key)?.[0];
  const number = (key: string): number | null => {
    const text = one(key);
    return text === undefined ? null : Number(text);
  };
  const p = number('p');
  const asked = one('asked');
  const byes = one('unansweredByeRatio');
  const habits = {
    answerRatio: number('answerRatio') ?? 0.5,
    ringingRatio: number('ringingRatio') ?? 0.98,
    unansweredByeRatio: byes === undefined ? null : Number(byes),
  };
  return {
    ...noFacts('ivr', SETTINGS),
    meaning: meaningOf(one('meaning') ?? 'per_call'),
    serialBase: number('base') ?? 1,
    through: asked === undefined ? IN_THE_END : ms(asked),
    lossWindows: [
      { from: -2e9, to: -1e9, p: 0, pMean: 0, habits, rhythm: null },
      ...(p === null ? [] : [{ from: -1e9, to: 2e9, p, pMean: p, habits, rhythm: null }]),
    ],
    outages: (said.get('outage') ?? []).map(span),
    quarantinedAt: (said.get('quarantine') ?? []).map(ms),
    epochs: (said.get('epoch') ?? []).map(ms),
    holes: newestFirst(
      (said.get('hole') ?? []).map((text) => {
        const [serials = '', sent = ''] = text.split('@');
        const [from = '', to = ''] = serials.split('..');
        return { from: BigInt(from), to: BigInt(to), sentFrom: span(sent).from, sentTo: span(sent).to };
      }),
    ),
  };
}

function wireState(text: string): WireState {
  const code = /^Ringing\((180|183)\)$/.exec(text)?.[1];
  if (code === '180' || code === '183') return code;
  if (text === 'Ringing') return 'ringing';
  if (text === 'OK') return 'ok';
  if (text === 'Bye') return 'bye';
  return `other:${text}`;
}

/** The arrivals one row stands for: the first and its copies, an interval apart. */
function arrivalsOf(row: string): readonly Arrival[] {
  const [at = '', serial = '', state = '', copies = '', ...rest] = row.trim().split(/\s+/);
  const said = options(rest);
  const one = (key: string, otherwise: string | null): string | null => said.get(key)?.[0] ?? otherwise;
  return Array.from({ length: Number(copies) }, (_, copy) => ({
    sourceKey: 'ivr',
    payload: new Uint8Array(),
    stamp: { at: ms(at) + copy * SETTINGS.intervalMs, idleMs: copy === 0 ? ms(one('idle', '0') ?? '0') : 0 },
    report: {
      callId: 'c1',
      serial,
      state: wireState(state),
      stateRaw: state,
      callerNumber: one('caller', '441632960001'),
      calleeNumber: one('callee', '441632960002'),
      forwardNumber: one('forward', null) === '-' ? null : one('forward', null),
      menuId: one('menu', '3'),
      menuName: 'Sales',
    },
  }));
}

/** What a write leaves stored. */
export function storedAfter(change: KeyChange, version: number): StoredKey {
  return { version, notifications: decodeEvidence(change.document), calls: change.document.calls };
}

/** Assembles arrivals one batch at a time, as ingest does, and folds all again at the instant asked. */
function ledgerOf(
  batches: readonly (readonly Arrival[])[],
  facts: SourceFacts,
): readonly [CallRecord, readonly Gap[]][] {
  const key: KeyRef = { callKey: callKeyOf('ivr', 'c1'), sourceKey: 'ivr', callId: 'c1' };
  const early = { ...facts, through: Number.NEGATIVE_INFINITY };
  let stored = NOTHING_STORED;
  for (const batch of batches) {
    stored = storedAfter(assemble(key, stored, batch, early, 0).change, stored.version + 1);
  }
  const last = refold(key, stored, facts, 0, 'all');
  if (last === null) return [];
  return last.calls.map(({ record }) => {
    const written = last.document.calls.find((one) => one.id === record.id);
    return [record, written?.gaps ?? []];
  });
}

function seconds(at: number): string {
  return (at / 1000).toFixed(3);
}

function value(key: string, of: unknown): string {
  if (typeof of === 'number' && /At(Earliest)?$/.test(key)) return seconds(of);
  return String(of);
}

/** Fields that are shown whenever they say something, asked for or not: nobody may overlook them. */
function notable({ late, conflict, endProvenance }: CallRecord): readonly string[] {
  return [
    ...(endProvenance === 'presumed' ? ['endProvenance'] : []),
    ...(late ? ['late'] : []),
    ...(conflict ? ['conflict'] : []),
  ];
}

function printCall(record: CallRecord, keys: readonly string[] | null): string {
  const wanted =
    keys ?? [...PRINTED, ...PRINTED_TOO].filter((key) => key !== 'dispositionBasis' || record[key] !== null);
  const all = [...new Set([...wanted, ...notable(record)])];
  const fields = new Map<string, unknown>(Object.entries(record));
  return `  call     ${all.map((key) => `${key}=${value(key, fields.get(key))}`).join(' ')}`;
}

/** One gap in words; `known` tells whether it is declared before its deadline. */
function printGap(gap: Gap, known: boolean): string {
  const what =
    gap.kind === 'serial' ? `serial ${String(gap.fromSerial)}..${String(gap.toSerial)}` : `state ${wordOf(gap)}`;
  const estimate =
    gap.certainty === 'certain' || gap.estimatedLost === null ? '' : ` (${gap.estimatedLost.toPrecision(2)})`;
  const deadline = seconds(gap.deadlineAt ?? Number.NaN);
  const until = known
    ? `open until ${deadline}${gap.status === 'lost' ? ', then lost' : ''}`
    : `${gap.status} once the call is final`;
  return `${what} ${gap.certainty}${estimate}, ${until}`;
}

function wordOf({ detail }: Gap): string {
  return /\b(Ringing|OK|Bye)\b/.exec(detail)?.[1] ?? detail;
}

function printGaps(gaps: readonly Gap[], early: ReadonlySet<string>): readonly string[] {
  const lines = gaps.map((gap) => printGap(gap, early.has(gap.id)));
  return (lines.length === 0 ? ['none'] : lines).map(
    (line, index) => `  ${(index === 0 ? 'gaps' : '').padEnd(9)}${line}`,
  );
}

/** Ids of gaps that are declared while their deadline has not passed. */
function declaredEarly(arrivals: readonly Arrival[], facts: SourceFacts, gaps: readonly Gap[]): ReadonlySet<string> {
  return new Set(
    gaps
      .filter(({ id, deadlineAt }) => {
        const before = { ...facts, through: Math.min(facts.through, deadlineAt ?? facts.through) };
        return ledgerOf([arrivals], before).some(([, found]) => found.some((gap) => gap.id === id));
      })
      .map(({ id }) => id),
  );
}

/**
 * What the ledger says of a case, printed as the expectation is written.
 * @throws Error when the order or the batching in which arrivals are processed leaves a trace (law 2)
 */
export function run({ given, expected }: GoldenCase): readonly string[] {
  const source = given.find((line) => line.trim().startsWith('source')) ?? 'source';
  const facts = factsOf(source);
  const arrivals = given.filter((line) => /^ *-?\d/.test(line)).flatMap(arrivalsOf);
  const calls = ledgerOf([arrivals], facts);
  const keys = expected
    .filter((line) => /^ {2}call /.test(line))
    .map((line) => [...options(line.trim().split(/\s+/).slice(1)).keys()]);
  const print = (of: typeof calls): readonly string[] =>
    of.flatMap(([record, gaps], index) => [
      printCall(record, keys[index] ?? null),
      ...printGaps(gaps, declaredEarly(arrivals, facts, gaps)),
    ]);
  const printed = print(calls);
  const backwards = print(
    ledgerOf(
      [...arrivals].reverse().map((one) => [one]),
      facts,
    ),
  );
  if (printed.join('\n') !== backwards.join('\n')) {
    throw new Error(
      `processed in reverse, one by one, it reads\n${backwards.join('\n')}\ninstead of\n${printed.join('\n')}`,
    );
  }
  return printed;
}

/** A case with what the ledger says of it now. */
export function rewrite(one: GoldenCase): string {
  return [one.title, '', ...one.given, '', ...run(one)].join('\n');
}
