/** A small truth and a ledger that tells it, for tests that plant faults in one of them. */
import { judge, type JudgeInput, type Judgement } from '../../src/simulator/judge/judge.js';
import type { SentState } from '../../src/simulator/sender/plan.js';
import type { LedgerCall, LedgerGap } from '../../src/simulator/judge/reading.js';
import type { SentNotification, TrueCall } from '../../src/simulator/truth.js';

export const START = Date.UTC(2026, 2, 2, 9, 0, 0);
export const H = 19_000;
const CONTENT = {
  callerNumber: '442079460001',
  calleeNumber: '12025550123',
  forwardNumber: '',
  menuId: '1',
  menuName: 'Main menu',
};

/** `[seconds, state, fate]`: a stored notification was received 3 s after it was sent; a lost one never. */
type Event = readonly [number, SentState, 'stored' | 'lost'];

export function trueCall(
  call: number,
  callId: string,
  events: readonly Event[],
  serials?: readonly string[],
): TrueCall {
  const notifications = events.map(([seconds, state, fate], index): SentNotification => {
    const known = fate === 'stored';
    const chance = { sends: 7, delivered: known ? 5 : 0, answered: known, acked: known };
    const serial = serials?.[index] ?? String(index + 1);
    return {
      call,
      index,
      atMs: seconds * 1000,
      state,
      stateRaw: state,
      serial,
      sentAt: START + seconds * 1000,
      ...chance,
    };
  });
  return { call, source: 0, callId, ...CONTENT, endAt: START + (events.at(-1)?.[0] ?? 0) * 1000, notifications };
}

export const ANSWERED = trueCall(0, 'a', [
  [0, '180', 'stored'],
  [10, 'ok', 'stored'],
  [40, 'bye', 'stored'],
]);
export const UNANSWERED = trueCall(1, 'b', [
  [5, '183', 'stored'],
  [25, 'bye', 'stored'],
]);
export const OK_LOST = trueCall(2, 'c', [
  [7, 'ringing', 'stored'],
  [20, 'ok', 'lost'],
  [50, 'bye', 'stored'],
]);
export const BYE_LOST = trueCall(3, 'd', [
  [8, '180', 'stored'],
  [18, 'ok', 'stored'],
  [60, 'bye', 'lost'],
]);
export const UNHEARD = trueCall(4, 'e', [
  [9, '180', 'lost'],
  [12, 'bye', 'lost'],
]);

/** What a true ledger says of a call: receipts 3 s after the events, bounds H before them. */
export function recordOf(call: TrueCall, change: Partial<LedgerCall> = {}): LedgerCall {
  const stored = call.notifications.filter(({ answered }) => answered);
  const receipt = (states: readonly SentState[]): number | null => {
    const sentAt = stored.find(({ state }) => states.includes(state))?.sentAt ?? null;
    return sentAt === null ? null : sentAt + 3000;
  };
  const [ringingAt, answeredAt, endedAt] = [receipt(['ringing', '180', '183']), receipt(['ok']), receipt(['bye'])];
  const hole = call.notifications.some(({ answered }) => !answered);
  const earliest = (at: number | null): number | null => (at === null ? null : at - H);
  const span = (from: number | null, to: number | null): number | null =>
    from === null || to === null ? null : to - from;
  const [ringMs, talkMs] = [span(ringingAt, answeredAt ?? (hole ? null : endedAt)), span(answeredAt, endedAt)];
  const around = (ms: number | null, by: number): number | null => (ms === null ? null : Math.max(0, ms + by));
  const disposition = answeredAt === null ? (hole ? 'unknown' : 'not_answered') : 'answered';
  return {
    id: `id-${call.callId}`,
    source: 'ivr',
    callId: call.callId,
    state: endedAt === null ? 'answered' : 'ended',
    disposition: endedAt === null ? null : disposition,
    dispositionBasis:
      endedAt === null || disposition === 'unknown' ? null : answeredAt === null ? 'proven' : 'reported',
    ...CONTENT,
    forwardNumber: null,
    firstSeenAt: Math.min(...stored.map(({ sentAt }) => (sentAt ?? 0) + 3000)),
    ringingAt,
    ringingAtEarliest: earliest(ringingAt),
    answeredAt,
    answeredAtEarliest: earliest(answeredAt),
    endedAt,
    endedAtEarliest: earliest(endedAt),
    presumedEndedAt: null,
    endProvenance: endedAt === null ? null : 'reported',
    ringMs,
    ringMsMin: around(ringMs, -H),
    ringMsMax: around(ringMs, H),
    talkMs,
    talkMsMin: around(talkMs, -H),
    talkMsMax: around(talkMs, H),
    settled: endedAt !== null,
    notificationCount: stored.length,
    notifications: stored.map(({ serial, state, sentAt }) => ({
      serial,
      state,
      receivedAt: (sentAt ?? 0) + 3000,
      copies: 1,
    })),
    ...change,
  };
}

export function gapOf(call: TrueCall | null, change: Partial<LedgerGap> = {}): LedgerGap {
  return {
    id: 'gap',
    source: 'ivr',
    kind: 'serial',
    certainty: 'certain',
    status: 'lost',
    callId: call?.callId ?? null,
    fromSerial: '2',
    toSerial: '2',
    from: START,
    to: START + 60_000,
    openedAt: START + 60_000,
    deadlineAt: START + 80_000,
    estimatedLost: 1,
    ...change,
  };
}

export const TRUTH = [ANSWERED, UNANSWERED, OK_LOST, BYE_LOST, UNHEARD];
export const RECORDS = [ANSWERED, UNANSWERED, OK_LOST, BYE_LOST].map((call) => recordOf(call));
export const GAPS = [gapOf(OK_LOST)];
export const SENDER = {
  notifications: 13,
  sends: 91,
  responses: 9,
  lateResponses: 0,
  unreadableResponses: 0,
  foreignResponses: 0,
  givenUp: 4,
};

export interface Change extends Partial<Omit<JudgeInput, 'reading'>> {
  readonly records?: readonly LedgerCall[];
  readonly gaps?: readonly LedgerGap[];
  readonly asOf?: number;
}

export function judged({ records = RECORDS, gaps = GAPS, asOf = START + 120_000, ...change }: Change = {}): Judgement {
  return judge({
    truth: TRUTH,
    sender: SENDER,
    reading: { asOf, calls: records, gaps },
    serial: 'per_call',
    ackMatch: 'state',
    lossIn: 0.6,
    lossBack: 0.6,
    retry: 6,
    horizonMs: H,
    staleRingingMs: 300_000,
    staleAnsweredMs: 14_400_000,
    lossWindowMs: 300_000,
    toleranceMs: 5,
    cutMs: null,
    downMs: null,
    ...change,
  });
}

export function failing(judgement: Judgement): string[] {
  return judgement.lines.filter(({ ok }) => !ok).map(({ key }) => key);
}

export function valueOf(judgement: Judgement, key: string): number | undefined {
  return judgement.lines.find((line) => line.key === key)?.value;
}

/** The records with those of one call changed. */
export function but(call: TrueCall, change: Partial<LedgerCall>): LedgerCall[] {
  return RECORDS.map((record) => (record.callId === call.callId ? { ...record, ...change } : record));
}

/** An instant of the run. */
export function at(seconds: number): number {
  return START + seconds * 1000;
}
