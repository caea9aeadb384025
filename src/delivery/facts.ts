/**
 * What the record of a call depends on besides its own notifications (docs/truth.md, "What a record depends on").
 * All of it is stored and shared, so every receiver and every rebuild folds with the same facts.
 */
import type { SerialMeaning, Settings } from '../notification.js';
import type { WindowRhythm } from './rhythm.js';

/** A span of source serials of which nothing was received, open or lost. */
export interface SerialHole {
  readonly from: bigint;
  readonly to: bigint;
  /** When it was sent, at the earliest and at the latest. */
  readonly sentFrom: number;
  readonly sentTo: number;
}

/** A span of time [from, to). */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A span in which no receiver served. */
export interface Outage extends Span {
  /** Our receive loop stood still: what came meanwhile waited in the kernel, if it was not lost. */
  readonly stoodStill: boolean;
}

/** A span in which a share of what arrived was not taken in: the kernel dropped it, or there was no room for it. */
export interface OverflowSpan extends Span {
  /** Of what arrived, above 0 and at most 1. */
  readonly share: number;
}

/** How calls of a source usually go: what estimates rest on. */
export interface Habits {
  /** Share of ended calls that were answered; null before anything ended. */
  readonly answerRatio: number | null;
  /** Share of calls that report Ringing at all; null before anything ended. */
  readonly ringingRatio: number | null;
  /** Share of unanswered calls that end with a Bye (docs/truth.md 15); null until enough were seen. */
  readonly unansweredByeRatio: number | null;
}

export const NO_HABITS: Habits = { answerRatio: null, ringingRatio: null, unansweredByeRatio: null };

/** One closed window: the loss seen in it, and the habits known when it closed, both frozen. */
export interface LossWindow extends Span {
  /** What outcomes are inferred by: rather too small, or a quiet source would infer nothing. */
  readonly p: number;
  /** What estimates rest on: as likely too small as too large. */
  readonly pMean: number;
  readonly habits: Habits;
  /** When the source spoke; null where it did not, or nobody noted it. */
  readonly rhythm: WindowRhythm | null;
}

/** End of the loss window that holds an instant. */
export function windowEnd(at: number, windowMs: number): number {
  return (Math.floor(at / windowMs) + 1) * windowMs;
}

/** Settings with the instant from which on they held. */
export interface SettingsVersion {
  readonly since: number;
  readonly settings: Settings;
}

/** What the ledger knows about one source. */
export interface SourceFacts {
  readonly sourceKey: string;
  /** Those this receiver runs with. */
  readonly settings: Settings;
  /** All there have been, shared by all receivers, oldest first; none: these have always held. */
  readonly versions: readonly SettingsVersion[];
  readonly meaning: SerialMeaning;
  /** per_call: the serial of a call's first notification. */
  readonly serialBase: number;
  /** Everything received up to here is in PostgreSQL and in the facts below; W of docs/truth.md 18. */
  readonly through: number;
  /** per_source and call_number: the holes that are not filled, the one sent last first. */
  readonly holes: readonly SerialHole[];
  /** per_source: instants at which a new epoch of serials began. */
  readonly epochs: readonly number[];
  /** Spans in which no receiver served. */
  readonly outages: readonly Span[];
  /** Spans in which a receiver took only a part of it in. */
  readonly overflows: readonly OverflowSpan[];
  /** When datagrams of this source went to quarantine, unless they are known to belong to another call. */
  readonly quarantinedAt: readonly number[];
  /** Closed windows in order of time; a time without a window lies in one still open. */
  readonly lossWindows: readonly LossWindow[];
}

/** Holes in the order in which {@link SourceFacts} has them: the one sent last first. */
export function newestFirst(holes: readonly SerialHole[]): readonly SerialHole[] {
  return [...holes].sort((a, b) => b.sentTo - a.sentTo);
}

/**
 * Whether something holds of a hole that may have been sent at an instant or later. Every fold asks, and a source keeps thousands for
 * hours after an outage: those from before are not looked at.
 */
export function someHoleSince({ holes }: SourceFacts, since: number, holds: (hole: SerialHole) => boolean): boolean {
  for (const hole of holes) {
    if (hole.sentTo < since) return false;
    if (holds(hole)) return true;
  }
  return false;
}

/** Facts of a source nobody knows anything about yet. */
export function noFacts(sourceKey: string, settings: Settings): SourceFacts {
  return {
    sourceKey,
    settings,
    versions: [],
    meaning: 'unknown',
    serialBase: 1,
    through: Number.NEGATIVE_INFINITY,
    holes: [],
    epochs: [],
    outages: [],
    overflows: [],
    quarantinedAt: [],
    lossWindows: [],
  };
}

/**
 * The facts a call is folded by whose first notification was received at an instant: under the settings in force then, so that a
 * change of RETRY or of a limit leaves the calls before it as they are, whichever receiver folds them. What came before
 * the first version falls under that. The width of loss windows is always today's: windows are rows of all calls.
 */
export function factsAt(facts: SourceFacts, at: number): SourceFacts {
  const settings = settingsAt(facts, at);
  return settings === facts.settings ? facts : { ...facts, settings };
}

/** The settings in force at an instant, as {@link factsAt} takes them. */
export function settingsAt({ settings, versions }: Pick<SourceFacts, 'settings' | 'versions'>, at: number): Settings {
  const version = versions.findLast(({ since }) => since <= at) ?? versions[0];
  if (version === undefined || sameRules(version.settings, settings)) return settings;
  return { ...version.settings, lossWindowMs: settings.lossWindowMs };
}

/** All but the width of loss windows, field by field: every fold asks. */
function sameRules(a: Settings, b: Settings): boolean {
  return (
    a.retry === b.retry &&
    a.intervalMs === b.intervalMs &&
    a.marginMs === b.marginMs &&
    a.staleRingingMs === b.staleRingingMs &&
    a.staleAnsweredMs === b.staleAnsweredMs
  );
}
