/**
 * The fold: from what was received under one Call ID to its calls' records and gaps. It exists once, here.
 *
 * A call is a fold of its notifications, and any of them may be the first to arrive:
 *
 *   ringing    from the first notification, until
 *   answered   an OK was received and no Bye, until
 *   ended      a Bye was received (`reported`), or W passed the last event plus the stale limit (`presumed`).
 *
 * Only time moves a call that hears nothing more: ringing and answered become ended (presumed), and an ended call
 * settles once W has passed its end + H and whatever else its outcome waits for. A late notification can move any state
 * on, and a presumed end back; it never moves a reported end. The record depends on the notifications, the facts and W
 * alone (law 2): nothing here keeps anything between two calls.
 */
import { sameContent, speak, type Spoken } from '../delivery/evidence.js';
import { factsAt, settingsAt, type SourceFacts } from '../delivery/facts.js';
import {
  horizonMs,
  type CallRecord,
  type CallState,
  type Content,
  type Gap,
  type LossSample,
  type Notification,
} from '../notification.js';
import { cut, staleAt } from './cut.js';
import { outcomeOf, type Outcome } from './disposition.js';
import { gapOf } from './gap.js';
import { windowClosesAt } from './loss.js';
import { sampleOf } from './sample.js';
import { earlierRingingMissing, missingIn, missingOf, type Missing } from './missing.js';
import { gaveNoTime } from './moment.js';
import { uuidV5 } from './uuid-v5.js';
import { eventsOf, NO_SPAN, spanBetween, timesOf, type Events, type SpanMs, type Times } from './times.js';

/** One Call ID of one source. */
export interface FoldKey {
  readonly callKey: string;
  readonly sourceKey: string;
  readonly callId: string;
}

/** One call: its record, what is missing of it, and which notifications it was made from. */
export interface FoldedCall {
  readonly record: CallRecord;
  readonly gaps: readonly Gap[];
  readonly notifications: readonly Spoken[];
}

/** Call fields: the OK's, else the earliest Ringing's, else the Bye's; an empty value never beats a value (docs/truth.md 4). */
function contentOf(events: Events): { content: Content; disagree: boolean } {
  const { ok, bye, ringing, others, early } = events;
  const speakers = [...(ok === null ? [] : [ok]), ...ringing, ...(bye === null ? [] : [bye]), ...others, ...early];
  const [speaker] = speakers;
  if (speaker !== undefined && speakers.every(({ content }) => sameContent(content, speaker.content))) {
    return { content: speaker.content, disagree: false };
  }
  let disagree = false;
  const pick = (field: keyof Content): string | null => {
    let said: string | null = null;
    for (const { content } of speakers) {
      said ??= content[field];
      if (content[field] !== null && content[field] !== said) disagree = true;
    }
    return said;
  };
  const content = {
    callerNumber: pick('callerNumber'),
    calleeNumber: pick('calleeNumber'),
    forwardNumber: pick('forwardNumber'),
    menuId: pick('menuId'),
    menuName: pick('menuName'),
  };
  return { content, disagree };
}

/** id = uuid(source, callId, the notification that first opened it): a re-cut call keeps the id its own opener gave. */
export function recordIdOf(callKey: string, opener: Pick<Spoken, 'serial' | 'state' | 'firstAt'>): string {
  return uuidV5(`${opener.serial}\u0000${opener.state}\u0000${String(opener.firstAt)}`, callKey);
}

/**
 * Ring and talk time of a call; what cannot be known is null (docs/truth.md 13-15).
 * @param missing of an unanswered call whose OK may be missing nothing bounds the ringing from below: it ended with that OK
 */
function spansOf(times: Times, outcome: Outcome | null, missing: readonly Missing[]): { ring: SpanMs; talk: SpanMs } {
  const { ringing, answered, ended } = times;
  const toAnswer = ringing !== null && answered !== null ? spanBetween(ringing, answered) : NO_SPAN;
  if (outcome === null) return { ring: toAnswer, talk: NO_SPAN };
  const toEnd = ringing !== null && ended !== null ? spanBetween(ringing, ended) : NO_SPAN;
  switch (outcome.disposition) {
    case 'answered':
      return {
        ring: toAnswer,
        talk: answered !== null && ended !== null ? spanBetween(answered, ended) : { ms: null, min: 0, max: null },
      };
    case 'not_answered': {
      const sooner = toEnd.min !== null && missing.some(({ state }) => state === 'ok');
      return { ring: sooner ? { ...toEnd, min: 0 } : toEnd, talk: NO_SPAN };
    }
    case 'unknown': {
      // If it was answered, then after its last Ringing was sent, whether or not an earlier Ringing is missing.
      const { notAnsweredBefore: from } = times;
      const longest = from !== null && ended !== null ? ended.latest - from : null;
      return { ring: { ms: null, min: 0, max: toEnd.max }, talk: { ms: null, min: 0, max: longest } };
    }
  }
}

function stateOf(ended: boolean, events: Events): CallState {
  if (ended) return 'ended';
  return events.ok === null ? 'ringing' : 'answered';
}

function ringingCode(events: Events): string | null {
  const state = events.ringing[0]?.state;
  return state === '180' || state === '183' ? state : null;
}

/**
 * When nothing that is still to come can change the record: ordinary retries are over, and whatever else it waits for
 * is known. Estimates of what may be missing wait for their loss windows; with serials per source the first Ringing's
 * bound rests on holes (docs/truth.md 12, 18).
 */
function finalityOf(
  endAt: number,
  outcome: Outcome,
  events: Events,
  missing: readonly Missing[],
  facts: SourceFacts,
): Finality {
  const { settings, meaning } = facts;
  const waits = missing.filter((one) => one.certainty === 'possible' && one.state !== null);
  const closes = waits.map((one) => windowClosesAt(one.span.to, settings));
  const onHoles = meaning === 'per_source' && events.ringing.length > 0;
  return {
    settleAfter: Math.max(endAt + horizonMs(settings), outcome.finalAfter ?? Number.NEGATIVE_INFINITY, ...closes),
    awaitsFacts: outcome.finalAfter !== null || waits.length > 0 || onHoles,
  };
}

interface Finality {
  readonly settleAfter: number | null;
  readonly awaitsFacts: boolean;
}

const NOT_ENDED: Finality = { settleAfter: null, awaitsFacts: false };

/**
 * Facts as they are for a sender that says when events happened, and posts over TCP: how often it tries is not documented,
 * so whatever it sent while nobody listened, or within H before, may have had no other try (docs/wire.md).
 */
function triedOnce(facts: SourceFacts): SourceFacts {
  const { settings } = facts;
  return { ...facts, settings: { ...settings, retry: 0, marginMs: horizonMs(settings) } };
}

/** Copies and inversions of such a sender say nothing of datagrams lost. */
const NO_SAMPLE: LossSample = {
  ...{ copyPairs: 0, copiesMissing: 0, statePairs: 0, statesInverted: 0, statePairBin: 0 },
  ...{ serialsSeen: 0, serialsLost: 0 },
};

/** Folds one call. */
function foldCall(key: FoldKey, call: readonly Spoken[], known: SourceFacts): FoldedCall {
  const [opener] = call;
  if (opener === undefined) throw new Error('a call holds at least one notification');
  const retried = gaveNoTime(opener);
  const inForce = factsAt(known, opener.firstAt);
  const facts = retried ? inForce : triedOnce(inForce);
  const horizon = horizonMs(facts.settings);
  const events = eventsOf(call);
  const times = timesOf(events, inForce.settings, earlierRingingMissing(events, facts));
  const stale = staleAt(call, facts.settings);
  const presumedEndedAt = stale !== null && facts.through > stale ? stale : null;
  const endAt = events.bye?.firstAt ?? presumedEndedAt;
  const outcome = endAt === null ? null : outcomeOf(events, { at: endAt, bye: events.bye }, facts);
  const missing = missingOf(call, { events, outcome, presumedEndedAt, firstSeenAt: opener.firstAt }, facts);
  const { ring, talk } = spansOf(times, outcome, missing);
  const { content, disagree } = contentOf(events);
  const id = recordIdOf(key.callKey, opener);
  const { settleAfter, awaitsFacts } =
    endAt === null || outcome === null ? NOT_ENDED : finalityOf(endAt, outcome, events, missing, facts);
  return {
    record: {
      id,
      sourceKey: key.sourceKey,
      callId: key.callId,
      state: stateOf(endAt !== null, events),
      disposition: outcome?.disposition ?? null,
      dispositionBasis: outcome?.basis ?? null,
      ...content,
      firstSeenAt: opener.firstAt,
      ringingAt: times.ringing?.at ?? null,
      ringingAtEarliest: times.ringing?.earliest ?? null,
      ringingCode: ringingCode(events),
      answeredAt: times.answered?.at ?? null,
      answeredAtEarliest: times.answered?.earliest ?? null,
      endedAt: times.ended?.at ?? null,
      endedAtEarliest: times.ended?.earliest ?? null,
      presumedEndedAt,
      endProvenance: endAt === null ? null : presumedEndedAt === null ? 'reported' : 'presumed',
      ringMs: ring.ms,
      ringMsMin: ring.min,
      ringMsMax: ring.max,
      talkMs: talk.ms,
      talkMsMin: talk.min,
      talkMsMax: talk.max,
      late: times.late,
      conflict: disagree || events.repeated || call.some((one) => one.disputed === true),
      notificationCount: call.length,
      duplicateCount: call.reduce((sum, one) => sum + one.copies - 1, 0),
      missingCount: missing.filter((gap) => gap.certainty === 'certain').reduce((sum, gap) => sum + missingIn(gap), 0),
      settled: settleAfter !== null && facts.through >= settleAfter,
      settleAfter,
      staleAt: endAt === null ? stale : null,
      awaitsFacts,
      lossSample: retried ? sampleOf(call, events, facts) : NO_SAMPLE,
    },
    gaps: missing.map((one) => gapOf({ ...key, id }, one, facts.through, horizon)),
    notifications: call,
  };
}

/**
 * Folds everything received under one Call ID.
 * @param notifications as stored, in any order
 * @param facts what is known of the source; `facts.through` (W) is the instant the record is asked for
 */
export function fold(key: FoldKey, notifications: readonly Notification[], facts: SourceFacts): readonly FoldedCall[] {
  const spoken = speak(notifications, (at) => horizonMs(settingsAt(facts, at)));
  return cut(spoken, facts).map((call) => foldCall(key, call, facts));
}
