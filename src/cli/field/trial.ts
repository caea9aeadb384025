/** A codec tried on datagrams that could not be read. Pure. */
import type { CodecSettings } from '../../wire/codec.js';
import { parseAs, type RankedParse, rankParses } from '../../wire/detect/rank.js';
import { notationOf } from '../../wire/settings/notation.js';
import { isKnownState } from '../../wire/state.js';
import { visible } from './bytes.js';

/** What one codec makes of many datagrams. */
export interface CodecTrial {
  readonly settings: CodecSettings;
  /** With a state that is known. */
  readonly parsed: number;
  /** Would be stored, but with a state nobody knows, which moves no call. */
  readonly unknownState: number;
  /** A few of those states. */
  readonly unknownStates: readonly string[];
  readonly failed: number;
  /** Why those that failed did, the commonest first. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
  /** The first in the order given that was parsed, rather with a known state than without, with its ack. */
  readonly example: RankedParse | null;
}

/** Tries one codec on each. */
export function tryCodec(datagrams: readonly Uint8Array[], settings: CodecSettings): CodecTrial {
  const { charset, ...shape } = settings;
  const readings = datagrams.map((bytes) => parseAs(bytes, shape, charset));
  const counts = new Map<string, number>();
  for (const { parsed } of readings) {
    if (!parsed.ok)
      counts.set(`${parsed.reason}: ${parsed.detail}`, (counts.get(`${parsed.reason}: ${parsed.detail}`) ?? 0) + 1);
  }
  const stored = readings.flatMap((reading) =>
    reading.parsed.ok ? [{ reading, raw: reading.parsed.report.stateRaw }] : [],
  );
  const known = stored.filter(({ raw }) => isKnownState(raw));
  const unknown = stored.filter(({ raw }) => !isKnownState(raw));
  return {
    settings,
    parsed: known.length,
    unknownState: unknown.length,
    unknownStates: [...new Set(unknown.map(({ raw }) => raw))].slice(0, STATES_SHOWN),
    failed: readings.length - stored.length,
    reasons: [...counts].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count),
    example: (known[0] ?? unknown[0])?.reading ?? null,
  };
}

const STATES_SHOWN = 3;

/**
 * Whether most of what would be stored has a state nobody knows. Each alone may be a new state of the switch; most of them
 * are columns taken for others, and would be acknowledged and merged as calls that never were.
 */
export function isMostlyUnknown({ parsed, unknownState }: CodecTrial): boolean {
  return unknownState > parsed;
}

/** How many were parsed, and how many were not. */
export function trialSum({ parsed, unknownState, failed }: CodecTrial): string {
  const unknown = unknownState === 0 ? '' : `, ${String(unknownState)} with a state nobody knows`;
  return `${String(parsed)} parsed, ${String(failed)} failed${unknown}`;
}

/** What states nobody knows mean; nothing when there are none. */
export function unknownStateLines(trial: CodecTrial): readonly string[] {
  const { parsed, unknownState, unknownStates, failed } = trial;
  if (unknownState === 0) return [];
  const all = String(parsed + unknownState + failed);
  const such = unknownStates.map((state) => `"${visible(state)}"`).join(', ');
  const meaning = isMostlyUnknown(trial)
    ? 'so many mean that the fields stand in another order or the states in another language: neither can be set'
    : 'a few may be a new state of the switch: they are stored, and move no call';
  return [`${String(unknownState)} of ${all} with a state nobody knows, such as ${such}: ${meaning}`];
}

/** Datagrams that ways of reading are looked for in: a source writes all of them in one. */
const LOOKED_AT = 20;

/**
 * The codecs worth trying: those that read any of the newest datagrams as detection would accept it, and then all that were
 * given; the one that reads most first.
 */
export function bestTrials(datagrams: readonly Uint8Array[], most: number): readonly CodecTrial[] {
  const found = new Map<string, CodecSettings>();
  for (const bytes of datagrams.slice(0, LOOKED_AT)) {
    for (const { settings, score } of rankParses(bytes)) {
      if (score === 1) found.set(`${notationOf(settings)} ${settings.charset}`, settings);
    }
  }
  return [...found.values()]
    .map((settings) => tryCodec(datagrams, settings))
    .sort((a, b) => b.parsed - a.parsed || a.failed - b.failed)
    .slice(0, most);
}
