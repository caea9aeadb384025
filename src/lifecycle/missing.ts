/**
 * What a call shows to be missing of itself: holes in its own serials, and states that should be there (docs/truth.md 15, 16).
 *
 * Serials per call show every hole below the last one heard, so only what follows it is left to the states.
 * Serials per source show holes in the source's ledger; a state gap would declare the same notification twice.
 * Under every other meaning the states are all there is.
 */
import type { Spoken } from '../delivery/evidence.js';
import { someHoleSince, type SourceFacts, type Span } from '../delivery/facts.js';
import { horizonMs, type GapCertainty, type Settings } from '../notification.js';
import { serialNumber } from './cut.js';
import { answerSpan, serialsOf, type Outcome } from './disposition.js';
import { figure, firstTryMayBeLost, habitsAt, lostGivenMissing, meanLoss, takenBy } from './loss.js';
import type { Events } from './times.js';

/** Serials of a call further apart than this are a jump, not a hole of so many notifications. */
const MOST_MISSING_IN_CALL = 1000n;

/** The state a state gap misses. */
export type MissingState = 'ringing' | 'ok' | 'bye';

/** Something missing of one call, before it gets an id and a status. */
export interface Missing {
  readonly kind: 'serial' | 'state';
  readonly certainty: GapCertainty;
  /** null for a run of serials. */
  readonly state: MissingState | null;
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
export function serialHoles(call: readonly Spoken[], facts: SourceFacts): readonly Missing[] {
  const serials = serialsOf(call);
  if (serials === null) return [];
  const holes: Missing[] = [];
  let expected = BigInt(facts.serialBase);
  for (const serial of serials) {
    if (serial > expected) holes.push(holeBetween(call, expected, serial - 1n, facts.settings));
    if (serial >= expected) expected = serial + 1n;
  }
  return holes;
}

/** What is missing between two serials was sent after the lower one was, and before the upper one was received. */
function holeBetween(call: readonly Spoken[], from: bigint, to: bigint, settings: Settings): Missing {
  const above = call.filter((one) => (serialNumber(one.serial) ?? -1n) > to);
  const below = call.filter((one) => (serialNumber(one.serial) ?? to) < from);
  const openedAt = Math.min(...above.map((one) => one.firstAt));
  const sentFrom =
    below.length > 0 ? Math.max(...below.map(earliestSent(settings))) : sentBefore(above, openedAt, settings);
  const count = to - from + 1n;
  const jump = count > MOST_MISSING_IN_CALL;
  return {
    kind: 'serial',
    certainty: jump ? 'possible' : 'certain',
    state: null,
    fromSerial: from,
    toSerial: to,
    span: { from: sentFrom, to: openedAt },
    openedAt,
    estimatedLost: jump ? null : Number(count),
    detail: jump
      ? `serial jumped by ${String(count)} within one call`
      : `${String(count)} notification(s) of this call not received`,
  };
}

function earliestSent(settings: Settings): (one: Spoken) => number {
  const horizon = horizonMs(settings);
  return (one) => one.firstAt - one.idleMs - horizon;
}

/** How early something was sent that came before all of `seen`: a call rings, and talks, no longer than its stale limit. */
function sentBefore(seen: readonly Spoken[], firstSeenAt: number, settings: Settings): number {
  const talked = seen.every((one) => one.state === 'bye');
  return firstSeenAt - horizonMs(settings) - (talked ? settings.staleAnsweredMs : settings.staleRingingMs);
}

/** What missing-state rules need to know of a call. */
export interface CallFindings {
  readonly events: Events;
  readonly outcome: Outcome | null;
  /** Where the call ended without a Bye. */
  readonly presumedEndedAt: number | null;
  readonly firstSeenAt: number;
}

function stateGap(
  state: MissingState,
  found: Pick<Missing, 'span' | 'openedAt' | 'certainty' | 'estimatedLost' | 'detail'>,
): Missing {
  return { kind: 'state', state, fromSerial: null, toSerial: null, ...found };
}

type Estimate = Pick<Missing, 'estimatedLost' | 'detail'>;

/** An estimate with its arithmetic in words; `formula` is null where something it rests on is not known. */
function estimated(words: string, value: number | null, formula: string | null): Estimate {
  const reckoned = value !== null && formula !== null;
  return { estimatedLost: value, detail: reckoned ? `${words}: ${formula} = ${figure(value)}` : words };
}

/**
 * Inside an outage a call loses its states together, and what was sent is not spread evenly over the span: the outage's own
 * gap carries the estimate for all that lies in it, from the rate of the source; so does an overflow's (docs/truth.md 16).
 * The `silence` gap of a stillness says what was due in it.
 */
function notEstimated(words: string, span: Span, facts: SourceFacts): Estimate | null {
  const taking = takenBy(span, facts);
  if (taking === null) return null;
  const from = new Date(taking.from).toISOString();
  const why =
    taking.kind === 'stillness'
      ? `not estimated, since nothing was heard of the source from ${from} to ${new Date(taking.to).toISOString()}`
      : `counted in the ${taking.kind} gap of ${from}`;
  return estimated(`${words}; ${why}`, null, null);
}

function estimate(words: string, prior: number | null, span: Span, facts: SourceFacts): Estimate {
  const q = meanLoss(span, facts);
  if (prior === null || q === null) return estimated(words, null, null);
  const formula = `a q / (a q + 1 - a) with a ${figure(prior)}, q ${figure(q)}`;
  return notEstimated(words, span, facts) ?? estimated(words, lostGivenMissing(prior, q), formula);
}

function missingRinging(
  call: readonly Spoken[],
  { events, firstSeenAt }: CallFindings,
  facts: SourceFacts,
): Missing | null {
  if (events.ringing.length > 0 || (events.ok === null && events.bye === null)) return null;
  const span = { from: sentBefore(call, firstSeenAt, facts.settings), to: firstSeenAt };
  return stateGap('ringing', {
    span,
    openedAt: firstSeenAt,
    certainty: 'possible',
    ...estimate('Ringing may be missing', habitsAt(facts, firstSeenAt).ringingRatio, span, facts),
  });
}

/**
 * Once the outcome is final: the OK may be missing, before a Bye or with it, where the outcome is unknown; and where it is
 * inferred, which counts seven tries, but another answer may have ended them after the first (docs/truth.md 10).
 */
function missingOk(
  call: readonly Spoken[],
  { events, outcome, presumedEndedAt }: CallFindings,
  facts: SourceFacts,
): Missing | null {
  const endAt = events.bye?.firstAt ?? presumedEndedAt;
  const final = outcome !== null && (outcome.finalAfter === null || facts.through >= outcome.finalAfter);
  if (!final || endAt === null) return null;
  const span = answerSpan(events, endAt, facts.settings);
  const found = { span, openedAt: endAt, certainty: 'possible' } as const;
  if (outcome.basis === 'inferred' && sharesAnswers(call, facts) && firstTryMayBeLost(span, facts)) {
    const words = 'OK may be missing: one answer can serve two notifications of this call, so it may have had one try';
    return stateGap('ok', { ...found, ...estimated(words, null, null) });
  }
  if (outcome.disposition !== 'unknown') return null;
  return stateGap('ok', {
    ...found,
    ...(events.bye === null
      ? lostTail('OK may be missing', 'ok', span, facts)
      : estimate('OK may be missing before the Bye', habitsAt(facts, endAt).answerRatio, span, facts)),
  });
}

/**
 * Whether one answer can serve two notifications of this call: all carry one serial. Of a call heard of once only the meaning
 * tells. How such a sender matches answers is nothing a receiver sees, so what it loses by that cannot be estimated.
 */
function sharesAnswers(call: readonly Spoken[], { meaning }: SourceFacts): boolean {
  const one = call.every(({ serial }) => serial === call[0]?.serial);
  return one && (call.length > 1 || meaning === 'constant' || meaning === 'call_number');
}

/** Share of unanswered calls that must end with a Bye before a missing one is certain. */
const BYE_DUE_SHARE = 0.99;

/** A Bye after an OK is certain to have been due; without an OK only where unanswered calls are known to send one. */
function missingBye({ events, presumedEndedAt, firstSeenAt }: CallFindings, facts: SourceFacts): Missing | null {
  if (presumedEndedAt === null) return null;
  const answered = events.ok !== null;
  const span = { from: (events.ok?.firstAt ?? firstSeenAt) - horizonMs(facts.settings), to: presumedEndedAt };
  const words = answered ? 'no Bye within the stale limit' : 'no Bye within the stale limit of a call never answered';
  const certain = answered || (habitsAt(facts, presumedEndedAt).unansweredByeRatio ?? 0) >= BYE_DUE_SHARE;
  return stateGap('bye', {
    span,
    openedAt: presumedEndedAt,
    certainty: certain ? 'certain' : 'possible',
    ...(certain ? { estimatedLost: 1, detail: words } : lostTail(words, 'bye', span, facts)),
  });
}

/**
 * Of a call that rang and was not heard of again: the chance that its OK, and its Bye, were sent and lost. It was
 * answered and both are lost; or it was not, and its Bye is lost; or it was not, and such calls send none.
 */
function lostTail(words: string, state: 'ok' | 'bye', span: Span, facts: SourceFacts): Estimate {
  const q = meanLoss(span, facts);
  const { answerRatio: a, unansweredByeRatio } = habitsAt(facts, span.to);
  if (q === null || a === null) return estimated(words, null, null);
  // Not yet known whether unanswered calls of this source send a Bye: as likely as not.
  const sendsBye = unansweredByeRatio ?? 0.5;
  const both = a * q * q;
  const byeOnly = (1 - a) * sendsBye * q;
  const total = both + byeOnly + (1 - a) * (1 - sendsBye);
  const sum = `(${state === 'ok' ? 'a q q' : 'a q q + (1 - a) s q'}) / (a q q + (1 - a) s q + (1 - a) (1 - s))`;
  const formula = `${sum} with a ${figure(a)}, q ${figure(q)}, s ${figure(sendsBye)}`;
  const lost = state === 'ok' ? both : both + byeOnly;
  return notEstimated(words, span, facts) ?? estimated(words, total === 0 ? null : lost / total, formula);
}

/** Everything one call shows to be missing of itself. */
export function missingOf(call: readonly Spoken[], findings: CallFindings, facts: SourceFacts): readonly Missing[] {
  if (facts.meaning === 'per_source' && serialsOf(call) !== null) return [];
  const counted = facts.meaning === 'per_call' && serialsOf(call) !== null;
  const holes = counted ? serialHoles(call, facts) : [];
  // Below the highest serial heard of a call the holes are all there is; above it the states are.
  const ringing = counted ? null : missingRinging(call, findings, facts);
  const ok = counted && findings.events.bye !== null ? null : missingOk(call, findings, facts);
  return [...holes, ...[ringing, ok, missingBye(findings, facts)].filter((gap) => gap !== null)];
}

/** Whether a Ringing before the first one seen may be missing, so that nothing bounds ringing from below. */
export function earlierRingingMissing(events: Events, facts: SourceFacts): boolean {
  const [first] = events.ringing;
  if (first === undefined) return true;
  const counts = facts.meaning === 'per_call' || facts.meaning === 'per_source';
  const serial = counts ? serialsOf(events.ringing)?.[0] : undefined;
  if (serial !== undefined && facts.meaning === 'per_call') return serial > BigInt(facts.serialBase);
  if (serial !== undefined && facts.meaning === 'per_source') {
    // The holes are known up to W only.
    if (facts.through < first.firstAt) return true;
    const since = earliestSent(facts.settings)(first) - facts.settings.staleRingingMs;
    const cutThrough = facts.epochs.some((at) => at >= since && at <= first.firstAt);
    return cutThrough || someHoleSince(facts, since, (hole) => hole.from < serial);
  }
  // A switch that sends both codes sends 180 first; a lone 183 may have lost it.
  return events.ringing.every((one) => one.state === '183');
}
