/**
 * What a call shows to be missing of itself: holes in its own serials, and states that should be there (TRUTH.md 15, 16).
 *
 * Serials per call show every hole below the last one heard, so only a Bye at the tail is left to the states.
 * Serials per source show holes in the source's ledger; a state gap would declare the same notification twice.
 * Under every other meaning the states are all there is.
 */
import type { Spoken } from '../delivery/evidence.js';
import type { SourceFacts, Span } from '../delivery/facts.js';
import { horizonMs, type GapCertainty } from '../notification.js';
import { serialNumber } from './cut.js';
import { serialsOf } from './disposition.js';
import type { Outcome } from './disposition.js';
import { finalLoss, lostGivenMissing } from './loss.js';
import type { Events } from './times.js';

/** Serials of a call further apart than this are a jump, not a hole of so many notifications. */
const MOST_MISSING_IN_CALL = 1000n;

/** Something missing of one call, before it gets an id and a status. */
export interface Missing {
  readonly kind: 'serial' | 'state';
  readonly certainty: GapCertainty;
  readonly fromSerial: bigint | null;
  readonly toSerial: bigint | null;
  readonly span: Span;
  readonly openedAt: number;
  readonly estimatedLost: number | null;
  readonly detail: string;
}

/** How many notifications the gap stands for; a state gap is one. */
export function missingIn(gap: Missing): number {
  return gap.fromSerial === null || gap.toSerial === null ? 1 : Number(gap.toSerial - gap.fromSerial + 1n);
}

/** Holes in serials that count the notifications of a call, below the highest one heard. */
export function serialHoles(call: readonly Spoken[], serialBase: number, horizon: number): readonly Missing[] {
  const serials = serialsOf(call);
  if (serials === null) return [];
  const holes: Missing[] = [];
  let expected = BigInt(serialBase);
  for (const serial of serials) {
    if (serial > expected) holes.push(holeBetween(call, expected, serial - 1n, horizon));
    if (serial >= expected) expected = serial + 1n;
  }
  return holes;
}

function holeBetween(call: readonly Spoken[], from: bigint, to: bigint, horizon: number): Missing {
  const above = call.filter((one) => (serialNumber(one.serial) ?? -1n) > to).map((one) => one.firstAt);
  const below = call.filter((one) => (serialNumber(one.serial) ?? to) < from).map((one) => one.firstAt);
  const openedAt = Math.min(...above);
  const count = to - from + 1n;
  const jump = count > MOST_MISSING_IN_CALL;
  return {
    kind: 'serial',
    certainty: jump ? 'possible' : 'certain',
    fromSerial: from,
    toSerial: to,
    span: { from: Math.min(...below, openedAt) - horizon, to: openedAt },
    openedAt,
    estimatedLost: jump ? null : Number(count),
    detail: jump ? `serial jumped by ${String(count)} within one call` : `${String(count)} notification(s) of this call not received`,
  };
}

/** What missing-state rules need to know of a call. */
export interface CallFindings {
  readonly events: Events;
  readonly outcome: Outcome | null;
  /** Where the call ended without a Bye. */
  readonly presumedEndedAt: number | null;
  readonly firstSeenAt: number;
}

function stateGap(span: Span, openedAt: number, certainty: GapCertainty, estimatedLost: number | null, detail: string): Missing {
  return { kind: 'state', certainty, fromSerial: null, toSerial: null, span, openedAt, estimatedLost, detail };
}

function estimate(prior: number | null, span: Span, facts: SourceFacts): number | null {
  const q = finalLoss(span, facts);
  return prior === null || q === null ? null : lostGivenMissing(prior, q);
}

function missingRinging({ events, firstSeenAt }: CallFindings, facts: SourceFacts): Missing | null {
  if (events.ringing.length > 0 || (events.ok === null && events.bye === null)) return null;
  const span = { from: firstSeenAt - horizonMs(facts.settings), to: firstSeenAt };
  return stateGap(span, firstSeenAt, 'possible', estimate(facts.ringingRatio, span, facts), 'Ringing may be missing');
}

function missingOk({ events, outcome, firstSeenAt }: CallFindings, facts: SourceFacts): Missing | null {
  const final = outcome !== null && (outcome.finalAfter === null || facts.through >= outcome.finalAfter);
  if (!final || outcome.disposition !== 'unknown' || events.bye === null) return null;
  const span = { from: firstSeenAt - horizonMs(facts.settings), to: events.bye.firstAt };
  const estimated = estimate(facts.answerRatio, span, facts);
  return stateGap(span, events.bye.firstAt, 'possible', estimated, 'OK may be missing before the Bye');
}

/** A Bye after an OK is certain to have been due; without an OK only where unanswered calls are known to send one. */
function missingBye({ events, presumedEndedAt, firstSeenAt }: CallFindings, facts: SourceFacts): Missing | null {
  if (presumedEndedAt === null) return null;
  const span = { from: firstSeenAt - horizonMs(facts.settings), to: presumedEndedAt };
  if (events.ok !== null) return stateGap(span, presumedEndedAt, 'certain', 1, 'no Bye within the stale limit');
  const certainty = facts.byeAfterNoAnswer === true ? 'certain' : 'possible';
  const estimated = certainty === 'certain' ? 1 : estimate(0.5, span, facts);
  return stateGap(span, presumedEndedAt, certainty, estimated, 'no Bye within the stale limit of a call never answered');
}

/** Everything one call shows to be missing of itself. */
export function missingOf(call: readonly Spoken[], findings: CallFindings, facts: SourceFacts): readonly Missing[] {
  const bye = missingBye(findings, facts);
  const numbered = serialsOf(call) !== null;
  if (facts.meaning === 'per_call' && numbered) {
    return [...serialHoles(call, facts.serialBase, horizonMs(facts.settings)), ...(bye === null ? [] : [bye])];
  }
  if (facts.meaning === 'per_source' && numbered) return [];
  return [missingRinging(findings, facts), missingOk(findings, facts), bye].filter((gap) => gap !== null);
}

/** Whether a Ringing before the first one seen may be missing, so that nothing bounds ringing from below. */
export function earlierRingingMissing(events: Events, facts: SourceFacts): boolean {
  const [first] = events.ringing;
  if (first === undefined) return true;
  const serial = serialsOf(events.ringing)?.[0];
  if (serial !== undefined && facts.meaning === 'per_call') return serial > BigInt(facts.serialBase);
  if (serial !== undefined && facts.meaning === 'per_source') {
    const since = first.firstAt - horizonMs(facts.settings) - facts.settings.staleRingingMs;
    return facts.holes.some((hole) => hole.from < serial && hole.sentTo >= since);
  }
  // A switch that sends both codes sends 180 first; a lone 183 may have lost it.
  return events.ringing.every((one) => one.state === '183');
}
