import type { Matched } from './match.js';
import type { LedgerCall } from './reading.js';
import type { SentNotification, TrueCall } from '../truth.js';

/** Where a record and the truth part. */
export interface RecordFault {
  /** `disposition`: it says the opposite. `bounds`: a time or span does not hold the truth. `shape`: cut wrongly, or another content. */
  readonly kind: 'disposition' | 'bounds' | 'shape';
  readonly record: LedgerCall;
  readonly text: string;
}

/** The events of a call as they were: instants in ms since the epoch. */
interface TrueTimes {
  readonly rangAt: number | null;
  readonly answeredAt: number | null;
  /** The end, whether a Bye said so or not. */
  readonly endAt: number;
  readonly byeAt: number | null;
}

/** Everything in which the record of one call is untrue. Pure. */
export function recordFaults(matched: Matched, toleranceMs: number): RecordFault[] {
  const { record, extra, stored } = matched;
  if (record === null) {
    const [holder] = stored.values();
    return holder === undefined
      ? []
      : [{ kind: 'shape', record: holder, text: 'holds another call, which has no record' }];
  }
  const truth = timesOf(matched.call);
  const texts = {
    disposition: dispositionFaults(record, truth),
    bounds: [
      ...momentFaults(record, truth, toleranceMs),
      ...spanFaults(record, truth, toleranceMs),
      ...orderFaults(record),
      ...missingFigures(matched, record),
    ],
    shape: [...contentFaults(record, matched), ...cutFaults(record, matched)],
  };
  const own = (['disposition', 'bounds', 'shape'] as const).flatMap((kind) =>
    texts[kind].map((text) => ({ kind, record, text })),
  );
  return [
    ...own,
    ...extra.map((piece) => ({ kind: 'shape' as const, record: piece, text: 'a second record of one call' })),
  ];
}

function timesOf(call: TrueCall): TrueTimes {
  const at = (states: readonly SentNotification['state'][]): number | null =>
    call.notifications.find(({ state }) => states.includes(state))?.sentAt ?? null;
  const byeAt = at(['bye']);
  return { rangAt: at(['ringing', '180', '183']), answeredAt: at(['ok']), endAt: byeAt ?? call.endAt, byeAt };
}

function dispositionFaults(record: LedgerCall, truth: TrueTimes): string[] {
  const faults: string[] = [];
  if (record.disposition === 'answered' && truth.answeredAt === null) faults.push('answered; nobody answered');
  if (record.disposition === 'not_answered' && truth.answeredAt !== null) faults.push('not_answered; it was answered');
  if (record.endedAt !== null && record.disposition === null) faults.push('ended without a disposition');
  if (record.endedAt !== null && truth.byeAt === null) faults.push('ended; no Bye was sent');
  return faults;
}

/** An instant at or after the event, and one at or before it. Rule 13 sets a late OK back to a guess: there the end is its upper bound. */
function momentFaults(record: LedgerCall, truth: TrueTimes, toleranceMs: number): string[] {
  const receivedAt = (state: string): number | null =>
    record.notifications.find((notification) => notification.state === state)?.receivedAt ?? null;
  const [okReceivedAt, byeReceivedAt] = [receivedAt('ok'), receivedAt('bye')];
  const okAfterBye = okReceivedAt !== null && byeReceivedAt !== null && okReceivedAt > byeReceivedAt;
  const moments = [
    { name: 'ringingAt', at: record.ringingAt, earliest: record.ringingAtEarliest, trueAt: truth.rangAt },
    {
      name: 'answeredAt',
      at: okAfterBye && record.answeredAt !== null ? byeReceivedAt : record.answeredAt,
      earliest: record.answeredAtEarliest,
      trueAt: truth.answeredAt,
    },
    { name: 'endedAt', at: record.endedAt, earliest: record.endedAtEarliest, trueAt: truth.byeAt },
  ];
  return moments.flatMap(({ name, at, earliest, trueAt }) => {
    if (at === null) return [];
    if (trueAt === null) return name === 'endedAt' ? [] : [`${name} of something that never was`];
    if (trueAt > at + toleranceMs) return [`${name} is ${String(trueAt - at)} ms before the event`];
    if (earliest !== null && trueAt < earliest - toleranceMs) {
      return [`${name}Earliest is ${String(earliest - trueAt)} ms after the event`];
    }
    return [];
  });
}

function spanFaults(record: LedgerCall, truth: TrueTimes, toleranceMs: number): string[] {
  const spans = [
    {
      name: 'ringMs',
      ms: record.ringMs,
      min: record.ringMsMin,
      max: record.ringMsMax,
      trueMs: truth.rangAt === null ? null : (truth.answeredAt ?? truth.endAt) - truth.rangAt,
    },
    {
      name: 'talkMs',
      ms: record.talkMs,
      min: record.talkMsMin,
      max: record.talkMsMax,
      trueMs: truth.answeredAt === null ? 0 : truth.endAt - truth.answeredAt,
    },
  ];
  return spans.flatMap(({ name, ms, min, max, trueMs }) => {
    const faults: string[] = [];
    if (ms !== null && min !== null && ms < min) faults.push(`${name} is below its own minimum`);
    if (ms !== null && max !== null && ms > max) faults.push(`${name} is above its own maximum`);
    if (ms !== null && ms < 0) faults.push(`${name} is negative`);
    if (trueMs === null) return faults;
    // Two instants, each off by the tolerance.
    const slack = 2 * toleranceMs;
    if (min !== null && trueMs < min - slack) faults.push(`${name}Min is ${String(min - trueMs)} ms too long`);
    if (max !== null && trueMs > max + slack) faults.push(`${name}Max is ${String(trueMs - max)} ms too short`);
    return faults;
  });
}

function orderFaults({ ringingAt, answeredAt, endedAt }: LedgerCall): string[] {
  const times = [ringingAt, answeredAt, endedAt].filter((at) => at !== null);
  return times.some((at, index) => at < (times[index - 1] ?? at)) ? ['times out of order'] : [];
}

/** What the stored notifications tell must be told: a record that is always null would never be wrong. */
function missingFigures({ stored }: Matched, record: LedgerCall): string[] {
  const held = (states: readonly string[]): boolean =>
    [...stored].some(([{ state }, holder]) => holder === record && states.includes(state));
  const [ringing, ok, bye] = [held(['ringing', '180', '183']), held(['ok']), held(['bye'])];
  const figures: readonly (readonly [boolean, string, unknown])[] = [
    [ringing, 'ringingAt', record.ringingAt],
    [ok, 'answeredAt', record.answeredAt],
    [ok, 'answeredAtEarliest', record.answeredAtEarliest],
    [bye, 'endedAt', record.endedAt],
    [bye, 'endedAtEarliest', record.endedAtEarliest],
    [ok && bye, 'talkMs', record.talkMs],
    [ok && bye, 'talkMsMin', record.talkMsMin],
    [ok && bye, 'talkMsMax', record.talkMsMax],
    [ringing && ok, 'ringMs', record.ringMs],
  ];
  return figures.flatMap(([known, name, value]) =>
    known && value === null ? [`${name} is missing though stored`] : [],
  );
}

function contentFaults(record: LedgerCall, { call }: Matched): string[] {
  const fields = ['callerNumber', 'calleeNumber', 'forwardNumber', 'menuId', 'menuName'] as const;
  return fields.flatMap((field) => {
    const sent = call[field] === '' ? null : call[field];
    return record[field] === sent ? [] : [`${field} is ${String(record[field])}, sent as ${String(sent)}`];
  });
}

function cutFaults(record: LedgerCall, { stored }: Matched): string[] {
  const elsewhere = [...stored.values()].filter((holder) => holder !== record).length;
  return elsewhere === 0 ? [] : [`${String(elsewhere)} of its notifications are in another record`];
}
