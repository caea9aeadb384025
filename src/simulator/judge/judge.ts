/**
 * What the simulator judges: the sender alone knows what happened, so it alone can say whether the ledger tells the
 * truth (the rules of truth, last section). Pure: the truth and one reading of the public contract in, lines out.
 */
import { judgeLosses, type Loss } from './judge.delivery.js';
import { declaredMs, judgeGaps, judgeOutages, type GapFinding, type OutageCost } from './judge.gaps.js';
import { recordFaults, type RecordFault } from './judge.records.js';
import type { AckMatch } from '../sender/ivr.js';
import { match, type Matched, type Matching } from './match.js';
import type { Reading } from './reading.js';
import type { SentSerialMeaning } from '../sender/serials.js';
import type { SenderCounts, TrueCall } from '../truth.js';

export interface JudgeInput {
  readonly truth: readonly TrueCall[];
  readonly sender: SenderCounts;
  readonly reading: Reading;
  readonly serial: SentSerialMeaning;
  readonly ackMatch: AckMatch;
  readonly lossIn: number;
  readonly lossBack: number;
  readonly retry: number;
  readonly horizonMs: number;
  readonly staleRingingMs: number;
  readonly staleAnsweredMs: number;
  readonly lossWindowMs: number;
  /** How far the clocks of sender and receiver may be apart. */
  readonly toleranceMs: number;
  /** For how long the link was cut, and no ceiling for `unknown` applies; null: it was not. */
  readonly cutMs: number | null;
  /** How long the receiver was truly down; null: it was not. */
  readonly downMs: number | null;
}

/** One line of the judgement. */
export interface Line {
  readonly key: string;
  readonly title: string;
  readonly value: number;
  /** What the value may be at most; null: printed, not judged. */
  readonly limit: number | null;
  readonly ok: boolean;
  readonly note: string;
  readonly examples: readonly string[];
}

export interface Judgement {
  readonly passed: boolean;
  readonly lines: readonly Line[];
}

const EXAMPLES_MAX = 5;
/** Heartbeats are a second apart; an outage is known to within one on either side. */
const HEARTBEAT_MS = 1000;
/** A cut is declared where at least 20 notifications were due in it: half as long again leaves 10 to come around it. */
const CUT_DECLARED_MAX = 1.5;
/** What a sweep may take beyond the moment a record can settle. */
export const SETTLE_SLACK_MS = 15_000;

/** Judges one run. */
export function judge(input: JudgeInput): Judgement {
  const matching = match(input.truth, input.reading.calls, input.toleranceMs);
  const rules = { serial: input.serial, horizonMs: input.horizonMs, toleranceMs: input.toleranceMs };
  const losses = judgeLosses(matching, input.reading.gaps, rules);
  const findings = judgeGaps(matching, input.reading.gaps, rules);
  const lines = [
    ...recordLines(matching, input),
    ...lossLines(losses, matching),
    ...gapLines(findings, input),
    outageLine(judgeOutages(matching, losses, input.reading.gaps, input.horizonMs), input),
    unknownLine(matching, input),
    overdueLine(matching, input),
    ...lawLines(matching, input),
  ];
  return { passed: lines.every(({ ok }) => ok), lines };
}

function line(
  key: string,
  title: string,
  value: number,
  limit: number | null,
  more?: { note?: string; examples?: readonly string[] },
): Line {
  const examples = (more?.examples ?? []).slice(0, EXAMPLES_MAX);
  return { key, title, value, limit, ok: limit === null || value <= limit, note: more?.note ?? '', examples };
}

function recordLines(matching: Matching, { toleranceMs, ackMatch }: JudgeInput): Line[] {
  const faults = matching.calls.flatMap((matched) => recordFaults(matched, toleranceMs));
  const inferred = (fault: RecordFault): boolean => fault.record.dispositionBasis === 'inferred';
  const of = (kind: RecordFault['kind']): RecordFault[] => faults.filter((fault) => fault.kind === kind);
  const dispositions = of('disposition');
  const told = dispositions.filter((fault) => !inferred(fault));
  const guessed = dispositions.filter(inferred);
  const ended = matching.calls.filter(({ record }) => record !== null && record.endedAt !== null).length;
  const guessedMax = ackMatch === 'state' ? 0 : Math.floor(ended / 100);
  const count = (key: string, title: string, list: readonly RecordFault[], limit: number): Line =>
    line(key, title, new Set(list.map(({ record }) => record.id)).size, limit, { examples: list.map(faultText) });
  return [
    count('wrong', 'wrong dispositions, reported or proven', told, 0),
    count('wrongBounds', 'wrong times and bounds', of('bounds'), 0),
    count('wrongShape', 'records cut wrongly or with other content', of('shape'), 0),
    count('wrongInferred', 'wrong dispositions, inferred', guessed, guessedMax),
  ];
}

function faultText({ record, text }: RecordFault): string {
  return `${record.callId}: ${text} (${record.dispositionBasis ?? record.state})`;
}

function lossLines(losses: readonly Loss[], matching: Matching): Line[] {
  const of = (fate: Loss['fate']): Loss[] => losses.filter((loss) => loss.fate === fate);
  const count = (key: string, title: string, list: readonly Loss[], limit: number | null): Line =>
    line(key, title, list.length, limit, { examples: limit === null ? [] : list.map(lossText) });
  const unheard = matching.calls.filter(({ record }) => record === null);
  return [
    count('lost', 'notifications lost for good', losses, null),
    count('declared', '  of them declared', of('declared'), null),
    count('undeclared', '  of them lost and undeclared', of('undeclared'), 0),
    count('pending', '  of them pending (inside a stale limit)', of('pending'), null),
    count('unknowable', '  of them unknowable to any receiver', of('unknowable'), null),
    line('callsMissing', 'calls without a record', unheard.length, null),
  ];
}

function lossText({ call, sent }: Loss): string {
  const at = sent.sentAt === null ? '' : new Date(sent.sentAt).toISOString();
  return `${call.callId} serial ${sent.serial} ${sent.stateRaw} sent ${at}`;
}

function gapLines(findings: readonly GapFinding[], input: JudgeInput): Line[] {
  const { reading, downMs, cutMs } = input;
  const closed = findings.filter(({ gap }) => gap.status === 'lost');
  const certain = closed.filter(({ gap }) => gap.certainty === 'certain');
  const untrue = certain.filter(({ lost, claimed }) => lost < claimed);
  const estimated = closed.flatMap(({ gap, lost }) =>
    gap.certainty === 'possible' && gap.estimatedLost !== null
      ? [{ expected: Math.min(1, Math.max(0, gap.estimatedLost)), lost: Math.min(1, lost) }]
      : [],
  );
  const expected = estimated.reduce((sum, one) => sum + one.expected, 0);
  const actual = estimated.reduce((sum, one) => sum + one.lost, 0);
  const sigma = Math.sqrt(estimated.reduce((sum, one) => sum + one.expected * (1 - one.expected), 0));
  const outageMs = declaredMs(reading.gaps, 'outage');
  return [
    line('declaredNotLost', 'certain gaps declared but not lost', untrue.length, Math.floor(certain.length / 100), {
      note: `of ${String(certain.length)} certain gaps closed as lost`,
      examples: untrue.map(gapText),
    }),
    // One is the smallest step a count can make, so below 3 sigma = 1 it is no evidence.
    line(
      'possibleOff',
      'possible gaps: |lost - estimated|',
      round(Math.abs(actual - expected)),
      takesAnothersAck(input) ? null : round(Math.max(1, 3 * sigma)),
      {
        note: `${String(actual)} lost, ${expected.toFixed(1)} estimated in ${String(estimated.length)} gaps, sigma ${sigma.toFixed(2)}`,
      },
    ),
    line('outageMs', 'outage declared, ms', outageMs, downMs === null ? null : downMs + 2 * HEARTBEAT_MS, {
      note: downMs === null ? 'the receiver was never seen down' : `truly ${String(downMs)} ms`,
    }),
    line(
      'silenceMs',
      'silence declared, ms',
      declaredMs(reading.gaps, 'silence'),
      cutMs === null ? null : cutMs * CUT_DECLARED_MAX,
      { note: cutMs === null ? 'the link was never cut' : `the link was cut for ${String(cutMs)} ms` },
    ),
  ];
}

/**
 * What outages cost against what their gaps say. A call loses up to three notifications together, so the variance is up to
 * three times that of independent losses; and the rate of a source is known to about a fifth.
 */
function outageLine({ outages, expected, lost }: OutageCost, input: JudgeInput): Line {
  const limit =
    outages === 0 || takesAnothersAck(input) ? null : round(Math.max(3, 3 * Math.sqrt(3 * expected) + expected / 5));
  return line('outageOff', 'outages: |lost - estimated|', round(Math.abs(lost - expected)), limit, {
    note: `${String(lost)} lost, ${expected.toFixed(1)} estimated or shown in ${String(outages)} outage gaps`,
  });
}

/**
 * Under one serial per call such a sender stops trying a state when another one's ack arrives: one try instead of seven,
 * which no receiver can see (the rules of truth, 10), so nobody can estimate what it loses.
 */
function takesAnothersAck({ serial, ackMatch, lossIn, cutMs, downMs }: JudgeInput): boolean {
  const lossless = lossIn === 0 && cutMs === null && downMs === null;
  return (serial === 'constant' || serial === 'call_number') && ackMatch !== 'state' && !lossless;
}

function gapText({ gap, lost, claimed }: GapFinding): string {
  const serials = gap.fromSerial === null ? '' : ` serials ${gap.fromSerial}..${gap.toSerial ?? ''}`;
  return `${gap.kind} gap ${gap.callId ?? gap.source}${serials}: ${String(claimed)} claimed, ${String(lost)} lost (${gap.id})`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** `unknown` among calls whose Bye was seen, in percent, against its ceiling: or "always unknown" would pass. */
function unknownLine(matching: Matching, input: JudgeInput): Line {
  const reported = matching.calls.flatMap(({ record }) => (record?.endProvenance === 'reported' ? [record] : []));
  const unknown = reported.filter(({ disposition }) => disposition === 'unknown');
  const percent = reported.length === 0 ? 0 : round((100 * unknown.length) / reported.length);
  return line('unknownPercent', 'unknown among reported-ended calls, %', percent, unknownCeilingPercent(input), {
    note: `${String(unknown.length)} of ${String(reported.length)}`,
    examples: unknown.map(({ callId, id }) => `${callId} (${id})`),
  });
}

/** The ceilings of the rules of truth; null where they name none. They are for 1 + 6 tries and a link that is up. */
export function unknownCeilingPercent(
  input: Pick<JudgeInput, 'serial' | 'ackMatch' | 'lossIn' | 'lossBack' | 'retry' | 'cutMs' | 'downMs'>,
): number | null {
  const loss = Math.max(input.lossIn, input.lossBack);
  if (input.retry < 6 || input.cutMs !== null || input.downMs !== null || loss > 0.4) return null;
  switch (input.serial) {
    case 'per_call':
      return loss <= 0.1 ? 0 : 0.5;
    case 'per_source':
      return loss <= 0.1 ? 0 : null;
    case 'constant':
    case 'call_number':
      return loss <= 0.1 && input.ackMatch === 'state' ? 0 : null;
    case 'opaque':
      return null;
  }
}

/** Records that ought to be settled by now and are not. */
function overdueLine(matching: Matching, input: JudgeInput): Line {
  const overdue = matching.calls.flatMap((matched) =>
    matched.record !== null && !matched.record.settled && input.reading.asOf > settleBy(matched, input)
      ? [matched.record]
      : [],
  );
  return line('unsettled', 'records not settled in time', overdue.length, 0, {
    examples: overdue.map(({ callId, state, id }) => `${callId}: ${state} (${id})`),
  });
}

/**
 * When the record of a call must be settled: its last news was received within H, an end not heard of is presumed after
 * the stale limit, its loss windows close, and the sweep comes round.
 */
export function settleBy(
  { call, record, stored }: Matched,
  input: Omit<JudgeInput, 'reading' | 'truth' | 'sender'>,
): number {
  const lastSentAt = Math.max(...call.notifications.map(({ sentAt }) => sentAt ?? 0));
  const heardOk = [...stored.keys()].some(({ state }) => state === 'ok');
  const staleMs = heardOk ? input.staleAnsweredMs : input.staleRingingMs;
  const endedMs = record !== null && record.endedAt !== null ? 0 : staleMs;
  return lastSentAt + endedMs + 2 * input.horizonMs + input.lossWindowMs + SETTLE_SLACK_MS;
}

function lawLines(matching: Matching, { sender, reading, lossIn, lossBack }: JudgeInput): Line[] {
  const notStored = matching.calls.flatMap(({ call, stored }) =>
    call.notifications.filter((sent) => sent.answered && !stored.has(sent)).map((sent) => ({ call, sent })),
  );
  const miscounted = reading.calls.filter(
    ({ notificationCount, notifications }) => notificationCount !== notifications.length,
  );
  const perNotification = sender.notifications === 0 ? 0 : round(sender.sends / sender.notifications);
  return [
    line('ackedNotStored', 'acked but not stored', notStored.length, 0, {
      examples: notStored.map(({ call, sent }) => `${call.callId} serial ${sent.serial} ${sent.stateRaw}`),
    }),
    line(
      'storedNeverSent',
      'stored but never sent',
      matching.strayNotifications.length + matching.strayRecords.length,
      0,
      {
        examples: matching.strayNotifications.map(
          ({ record, notification }) => `${record.callId} ${notification.state}`,
        ),
      },
    ),
    line('miscounted', 'records whose notificationCount is not their timeline', miscounted.length, 0, {
      examples: miscounted.map(({ callId }) => callId),
    }),
    line(
      'unreadableAcks',
      'acks that are no mirror of the request',
      sender.unreadableResponses + sender.foreignResponses,
      0,
    ),
    line('sends', 'datagrams sent', sender.sends, null, {
      note: `${String(sender.notifications)} notifications, ${String(perNotification)} sends each, ${String(sender.givenUp)} given up, loss ${String(lossIn)} in ${String(lossBack)} back`,
    }),
  ];
}
