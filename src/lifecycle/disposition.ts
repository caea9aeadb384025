/**
 * How an ended call turned out, and what that rests on (docs/truth.md 5, 11, 12, 17).
 *
 *   an OK was received                                  -> answered, reported
 *   a state nobody knows, or our own cut of serials     -> unknown: it may have been the OK
 *   serials that count notifications, no room for an OK -> not_answered, proven
 *   serials that count notifications, room for an OK    -> unknown
 *   serials that cannot show holes                      -> not_answered, inferred, when an OK would have been lost with
 *                                                          a chance of at most 1e-6 at every instant of the call
 *   otherwise                                           -> unknown
 */
import { someHoleSince, type SourceFacts, type Span } from '../delivery/facts.js';
import type { Spoken } from '../delivery/evidence.js';
import { horizonMs, type Disposition, type DispositionBasis, type Settings } from '../notification.js';
import { serialNumber } from './cut.js';
import { finalLoss, INFERENCE_LIMIT, windowClosesAt } from './loss.js';
import type { Events } from './times.js';

export interface Outcome {
  readonly disposition: Disposition;
  readonly basis: DispositionBasis | null;
  /** W must pass this before the outcome is final; null when the call's own notifications settle it. */
  readonly finalAfter: number | null;
}

/** How the call ended: with its Bye, or at the stale limit. */
export interface End {
  readonly at: number;
  readonly bye: Spoken | null;
}

const ANSWERED: Outcome = { disposition: 'answered', basis: 'reported', finalAfter: null };

function unknown(finalAfter: number | null): Outcome {
  return { disposition: 'unknown', basis: null, finalAfter };
}

function notAnswered(basis: DispositionBasis, finalAfter: number | null): Outcome {
  return { disposition: 'not_answered', basis, finalAfter };
}

/** Serials of the call as numbers, ascending; null when one of them is none. */
export function serialsOf(call: readonly Spoken[]): readonly bigint[] | null {
  const numbers: bigint[] = [];
  for (const one of call) {
    const number = serialNumber(one.serial);
    if (number === null) return null;
    numbers.push(number);
  }
  return numbers.length < 2 ? numbers : numbers.sort((a, b) => (a < b ? -1 : Number(a > b)));
}

/**
 * The span in which an OK of this call was sent, if one was. With nothing before the Bye the call may have been
 * answered and talked for as long as a call may: its Ringing and its OK are both lost then.
 */
export function answerSpan(events: Events, endAt: number, settings: Settings): Span {
  const rang = events.ringing.map((one) => one.firstAt - one.idleMs);
  const horizon = horizonMs(settings);
  return {
    from: rang.length > 0 ? Math.min(...rang, endAt) - horizon : endAt - settings.staleAnsweredMs - horizon,
    to: endAt,
  };
}

/** Serials per call: everything between the last Ringing (or the start) and the Bye must be there. */
function byCallSerials(events: Events, bye: Spoken, serialBase: number): Outcome | null {
  const rang = serialsOf(events.ringing);
  const end = serialNumber(bye.serial);
  if (rang === null || end === null) return null;
  const before = rang.filter((serial) => serial < end).at(-1) ?? BigInt(serialBase) - 1n;
  return end - before === 1n ? notAnswered('proven', null) : unknown(null);
}

/**
 * Serials per source: no hole between the call's last Ringing and its end. Without a Bye no serial of the call stands
 * above the OK's place, and the source's later ones may be lost with it: a hole tells, no hole proves nothing.
 */
function bySourceSerials(events: Events, end: End, facts: SourceFacts): Outcome | null {
  const rang = serialsOf(events.ringing);
  const last = end.bye === null ? null : serialNumber(end.bye.serial);
  if (rang === null || (end.bye !== null && last === null)) return null;
  const horizon = horizonMs(facts.settings);
  const finalAfter = end.at + horizon;
  if (facts.through < end.at) return unknown(finalAfter);
  const from = rang.at(-1) ?? null;
  // A Bye below its Ringing: the serials wrapped or began anew inside the call, and say nothing about it.
  if (from !== null && last !== null && from >= last) return unknown(finalAfter);
  const span = answerSpan(events, end.at, facts.settings);
  const room = someHoleSince(
    facts,
    span.from,
    (hole) => hole.sentFrom <= span.to && (from === null || hole.to > from) && (last === null || hole.from < last),
  );
  const cutThrough = facts.epochs.some((at) => at >= span.from && at <= end.at + horizon);
  if (room || cutThrough) return unknown(finalAfter);
  return end.bye === null ? null : notAnswered('proven', finalAfter);
}

/** Serials say nothing: the chance that an OK was sent and lost decides, once the windows it would lie in are closed. */
function byLoss(events: Events, end: End, facts: SourceFacts): Outcome {
  const { settings } = facts;
  const horizon = horizonMs(settings);
  const span = answerSpan(events, end.at, settings);
  const finalAfter = Math.max(end.at + horizon, windowClosesAt(end.at, settings));
  const impaired = facts.quarantinedAt.some((at) => at >= span.from && at <= end.at + horizon);
  const q = finalLoss(span, facts);
  if (impaired || q === null || q > INFERENCE_LIMIT) return unknown(finalAfter);
  return notAnswered('inferred', finalAfter);
}

/** The outcome of an ended call. */
export function outcomeOf(events: Events, end: End, facts: SourceFacts): Outcome {
  if (events.ok !== null) return ANSWERED;
  if (events.others.length > 0) return unknown(null);
  let proof: Outcome | null = null;
  if (facts.meaning === 'per_call' && end.bye !== null) proof = byCallSerials(events, end.bye, facts.serialBase);
  if (facts.meaning === 'per_source') proof = bySourceSerials(events, end, facts);
  return proof ?? byLoss(events, end, facts);
}
