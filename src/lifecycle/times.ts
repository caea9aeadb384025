/**
 * When a call rang, was answered and ended: best estimates, and bounds that hold the truth (docs/truth.md 13, 14).
 *
 * A notification is received at most H after it was sent (plus the time our receive loop stood still), and what was
 * sent before it happened before it was received. So each event lies in [earliest, latest]. A report that says when its
 * event happened is believed instead (moment.ts).
 */
import { rank, type Spoken } from '../delivery/evidence.js';
import type { Settings } from '../notification.js';
import { gaveNoTime, happenedBy, happenedFrom, isTimeIgnored } from './moment.js';

/** The notifications that stand for the events of one call. */
export interface Events {
  /** In order of first receipt; empty when none was received. */
  readonly ringing: readonly Spoken[];
  /** The first in order of receipt, and how many there were. */
  readonly ok: Spoken | null;
  readonly bye: Spoken | null;
  /** More than one OK or Bye: the first speaks, the record says `conflict`. */
  readonly repeated: boolean;
  /** Unknown states: stored, and each a possible OK (docs/truth.md 5). */
  readonly others: readonly Spoken[];
  /** States known to come before any ringing. */
  readonly early: readonly Spoken[];
}

/** One event's time: the best estimate, and the interval that holds the truth. */
export interface EventTime {
  readonly at: number;
  /** null when nothing bounds it from below. */
  readonly earliest: number | null;
  readonly latest: number;
}

export interface Times {
  readonly ringing: EventTime | null;
  readonly answered: EventTime | null;
  readonly ended: EventTime | null;
  /** No OK of the call was sent before this, whatever is missing: when its last Ringing was sent, at the earliest. */
  readonly notAnsweredBefore: number | null;
  /** Something arrived out of order: there is evidence of delay. */
  readonly late: boolean;
}

/** Sorts the notifications of one call (in order of first receipt) by what they say. */
export function eventsOf(call: readonly Spoken[]): Events {
  const byRank: [Spoken[], Spoken[], Spoken[]] = [[], [], []];
  const others: Spoken[] = [];
  const early: Spoken[] = [];
  for (const one of call) {
    const own = rank(one.state);
    const unranked = isEarly(one) ? early : others;
    (own === null ? unranked : byRank[own]).push(one);
  }
  const [ringing, oks, byes] = byRank;
  return {
    ...{ ringing, others, early, ok: oks[0] ?? null, bye: byes[0] ?? null },
    repeated: oks.length > 1 || byes.length > 1,
  };
}

function isEarly({ state }: Spoken): boolean {
  return state.startsWith('early:');
}

/** Whether a notification of a call was received after one that happened later. */
export function isLate(
  one: Pick<Spoken, 'state' | 'firstAt'>,
  call: readonly Pick<Spoken, 'state' | 'firstAt'>[],
): boolean {
  const own = rank(one.state);
  return own !== null && call.some((other) => (rank(other.state) ?? -1) > own && other.firstAt < one.firstAt);
}

/** An interval that came out empty (clocks of two receivers apart) is widened to hold both ends, never clamped. */
function interval(at: number, earliest: number | null, latest: number): EventTime {
  if (earliest === null || earliest === Number.NEGATIVE_INFINITY) return { at, earliest: null, latest };
  if (earliest <= latest) return { at, earliest, latest };
  return { at, earliest: latest, latest: earliest };
}

/**
 * The best estimate of an answer whose OK arrived after its Bye: the OK was sent a whole number of intervals before it
 * was received, so the latest such instant before the Bye; the Bye's own receipt when none fits after `notBefore`.
 * An OK has RETRY retries: 18.5 s after its Bye a seventh interval would fit, and no sender waits that long.
 */
function answerBefore(bye: number, ok: number, notBefore: number, intervalMs: number): number {
  const tries = Math.floor((ok - bye) / intervalMs) + 1;
  const at = ok - tries * intervalMs;
  return at >= notBefore ? at : bye;
}

/**
 * The times of one call.
 * @param earlierRinging an earlier Ringing may be missing, so nothing bounds ringing from below
 */
export function timesOf(events: Events, settings: Settings, earlierRinging: boolean): Times {
  const by = (one: Spoken): number => happenedBy(one, settings);
  const from = (one: Spoken): number => happenedFrom(one, settings);
  const { ok, bye } = events;
  const okAt = ok === null ? Number.POSITIVE_INFINITY : by(ok);
  const byeAt = bye === null ? Number.POSITIVE_INFINITY : by(bye);
  const rangFroms = events.ringing.map(from);

  let ringing: EventTime | null = null;
  if (events.ringing.length > 0) {
    const at = Math.min(...events.ringing.map(by), okAt, byeAt);
    ringing = interval(at, earlierRinging ? null : Math.min(...rangFroms), at);
  }
  // Bounds later events from below even when an earlier Ringing may be missing: they come after every Ringing.
  const rangFrom = Math.max(Number.NEGATIVE_INFINITY, ...rangFroms);

  let answered: EventTime | null = null;
  if (ok !== null) {
    const latest = Math.min(okAt, byeAt);
    const earliest = Math.max(from(ok), rangFrom);
    const at =
      byeAt < okAt && gaveNoTime(ok)
        ? answerBefore(byeAt, okAt, Math.max(ringing?.at ?? earliest, earliest), settings.intervalMs)
        : latest;
    answered = interval(at, earliest, latest);
  }
  let ended: EventTime | null = null;
  if (bye !== null) {
    ended = interval(byeAt, Math.max(from(bye), answered?.earliest ?? rangFrom), byeAt);
  }
  const notAnsweredBefore = rangFrom === Number.NEGATIVE_INFINITY ? null : rangFrom;
  return { ringing, answered, ended, notAnsweredBefore, late: isCallLate(events, settings) };
}

/** Something was received, or by its own time happened, out of order; or gave a time that cannot be. */
function isCallLate({ ringing, ok, bye }: Events, settings: Settings): boolean {
  const call = [...ringing, ...(ok === null ? [] : [ok]), ...(bye === null ? [] : [bye])];
  if (call.every(gaveNoTime)) return call.some((one) => isLate(one, call));
  const moments = call.map((one) => ({ state: one.state, firstAt: happenedBy(one, settings) }));
  return moments.some((one) => isLate(one, moments)) || call.some((one) => isTimeIgnored(one, settings));
}

/** A span between two events: the estimate, and what it is at least and at most (null: not bounded). */
export interface SpanMs {
  readonly ms: number | null;
  readonly min: number | null;
  readonly max: number | null;
}

export const NO_SPAN: SpanMs = { ms: null, min: null, max: null };

/** The span between two events whose intervals may overlap. Never negative: what happened later is later. */
export function spanBetween(from: EventTime, to: EventTime): SpanMs {
  return {
    ms: to.at - from.at,
    min: Math.max(0, (to.earliest ?? Number.NEGATIVE_INFINITY) - from.latest),
    max: from.earliest === null ? null : to.latest - from.earliest,
  };
}
