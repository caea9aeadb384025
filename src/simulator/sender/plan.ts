import { type Random, seeded } from './random.js';
import { type SentSerialMeaning, serialsOf } from './serials.js';

/** How the IVR spells Ringing: one SIP code, both codes one after the other, the word, or any of these call by call. */
export const RINGING_CODES = ['180', '183', 'both', 'word', 'mix'] as const;
export type RingingCodes = (typeof RINGING_CODES)[number];

/** Wire states the simulated IVR sends; a subset of `WireState`. */
export type SentState = 'ringing' | '180' | '183' | 'ok' | 'bye';

export interface PlanOptions {
  readonly seed: string | number;
  readonly calls: number;
  /** Calls per second, over all sources. */
  readonly rate: number;
  /** Share of calls whose leg rings that are answered. */
  readonly answerRatio: number;
  readonly ringMsMean: number;
  readonly holdMsMean: number;
  /** Share of answered calls that report OK without any Ringing before it. */
  readonly directOk: number;
  /** Share of unanswered calls that fail before ringing and report a Bye alone. */
  readonly failedWithBye: number;
  /** Share of unanswered calls that ring and then end without any Bye. */
  readonly failedWithoutBye: number;
  readonly codes: RingingCodes;
  readonly serial: SentSerialMeaning;
  readonly sources: number;
  readonly callIdPrefix: string;
  /** Call IDs restart after this many calls of a source; null: every call has its own. */
  readonly restartCallIds: number | null;
  /** A Call ID is not used again until its last call has been over for this long: a switch skips an id in use. */
  readonly reuseGuardMs: number;
  /** Menu names to draw from. */
  readonly menuNames: readonly string[];
}

export interface PlannedNotification {
  readonly call: number;
  /** Place within the call, from 0. */
  readonly index: number;
  /** When the event happens, in ms after the start of the run. */
  readonly atMs: number;
  readonly state: SentState;
  readonly stateRaw: string;
  readonly serial: string;
}

export interface CallContent {
  readonly callerNumber: string;
  readonly calleeNumber: string;
  readonly forwardNumber: string;
  readonly menuId: string;
  readonly menuName: string;
}

export interface PlannedCall extends CallContent {
  readonly call: number;
  readonly source: number;
  readonly callId: string;
  /** When the call is over, in ms after the start; a failed leg without Bye ends too, it only does not say so. */
  readonly endMs: number;
  readonly notifications: readonly PlannedNotification[];
}

interface Event {
  readonly atMs: number;
  readonly state: SentState;
}

/**
 * Decides the whole run beforehand: which calls there are, what happens in each and when. Pure: the same options
 * give the same plan.
 *
 * @throws Error when so few Call IDs are allowed that a call would have to share one that is in use.
 */
export function planCalls(options: PlanOptions): PlannedCall[] {
  const random = seeded(options.seed, 'plan');
  const nextCallId = callIds(options);
  const drafts: { source: number; callId: string; endMs: number; events: Event[]; content: CallContent }[] = [];
  let startMs = 0;
  for (let call = 0; call < options.calls; call += 1) {
    startMs += random.exponential(1000 / options.rate);
    const source = call % options.sources;
    const { events, endMs } = eventsOfCall(startMs, options, random);
    const callId = nextCallId(source, startMs, endMs);
    drafts.push({ source, callId, endMs, events, content: contentOf(options, random) });
  }
  const order = drafts
    .flatMap(({ source, events }, call) => events.map((event, index) => ({ ...event, source, call, index })))
    .sort((one, other) => one.atMs - other.atMs || one.call - other.call || one.index - other.index);
  const serialOf = serialsOf(options.serial, seeded(options.seed, 'serials'));
  const ofCall: PlannedNotification[][] = drafts.map(() => []);
  for (const { source, call, index, atMs, state } of order) {
    const serial = serialOf({ source, call, index });
    ofCall[call]?.push({ call, index, atMs, state, stateRaw: SPELLING[state], serial });
  }
  return drafts.map(({ source, callId, endMs, content }, call) => ({
    call,
    source,
    callId,
    endMs,
    ...content,
    notifications: ofCall[call] ?? [],
  }));
}

const SPELLING: Readonly<Record<SentState, string>> = {
  ringing: 'Ringing',
  '180': '180',
  '183': '183',
  ok: 'OK',
  bye: 'Bye',
};

/** A span drawn around its mean, never shorter than a fiftieth of it: events of one call keep their order. */
function span(mean: number, random: Random): number {
  return mean / 50 + random.exponential(mean * 0.98);
}

function eventsOfCall(startMs: number, options: PlanOptions, random: Random): { events: Event[]; endMs: number } {
  const ringMs = span(options.ringMsMean, random);
  const holdMs = span(options.holdMsMean, random);
  const codes = options.codes === 'mix' ? random.pick(['180', '183', 'both', 'word'] as const) : options.codes;
  const secondCodeAt = startMs + ringMs * (0.1 + 0.8 * random.next());
  const ringing: Event[] =
    codes === 'both'
      ? [
          { atMs: startMs, state: '180' },
          { atMs: secondCodeAt, state: '183' },
        ]
      : [{ atMs: startMs, state: codes === 'word' ? 'ringing' : codes }];
  const afterRinging = startMs + ringMs;
  if (random.chance(options.answerRatio)) {
    const direct = random.chance(options.directOk);
    const okAt = direct ? startMs : afterRinging;
    const end: Event = { atMs: okAt + holdMs, state: 'bye' };
    return { events: [...(direct ? [] : ringing), { atMs: okAt, state: 'ok' }, end], endMs: end.atMs };
  }
  const fate = random.next();
  if (fate < options.failedWithBye) return { events: [{ atMs: startMs, state: 'bye' }], endMs: startMs };
  if (fate < options.failedWithBye + options.failedWithoutBye) return { events: ringing, endMs: afterRinging };
  return { events: [...ringing, { atMs: afterRinging, state: 'bye' }], endMs: afterRinging };
}

/** Call IDs per source, in order; with a restart, the next one that is free. */
function callIds(options: PlanOptions): (source: number, startMs: number, endMs: number) => string {
  const next = new Map<number, number>();
  const busyUntil = new Map<string, number>();
  const limit = options.restartCallIds ?? Number.POSITIVE_INFINITY;
  return (source, startMs, endMs) => {
    for (let tries = 0; tries < limit; tries += 1) {
      const number = next.get(source) ?? 0;
      next.set(source, number + 1 >= limit ? 0 : number + 1);
      const callId = `${options.callIdPrefix}-${String(source + 1)}-${String(number + 1).padStart(5, '0')}`;
      if ((busyUntil.get(callId) ?? -1) < startMs) {
        busyUntil.set(callId, endMs + options.reuseGuardMs);
        return callId;
      }
    }
    throw new Error(
      `${String(limit)} Call IDs are too few: all are in use ${(startMs / 1000).toFixed(1)} s after the start`,
    );
  };
}

/** Numbers from ranges that regulators keep free for fiction: Ofcom's 020 7946 0xxx and NANP's 555-01xx. */
function contentOf(options: PlanOptions, random: Random): CallContent {
  const digits = (count: number): string => String(random.below(10 ** count)).padStart(count, '0');
  return {
    callerNumber: `442079460${digits(3)}`,
    calleeNumber: `1${digits(3)}55501${digits(2)}`,
    forwardNumber: random.chance(0.3) ? `442079460${digits(3)}` : '',
    menuId: String(1 + random.below(9)),
    menuName: random.pick(options.menuNames),
  };
}
