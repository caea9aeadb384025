/** A codec tried on datagrams that could not be read. Pure. */
import type { CodecSettings } from '../../wire/codec.js';
import { notationOf } from '../../wire/settings/notation.js';
import { parseAs, type RankedParse, rankParses } from '../../wire/detect/rank.js';

/** What one codec makes of many datagrams. */
export interface CodecTrial {
  readonly settings: CodecSettings;
  readonly parsed: number;
  readonly failed: number;
  /** Why those that failed did, the commonest first. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
  /** The first that was parsed, with its ack. */
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
  const parsed = readings.filter((reading) => reading.parsed.ok);
  return {
    settings,
    parsed: parsed.length,
    failed: readings.length - parsed.length,
    reasons: [...counts].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count),
    example: parsed[0] ?? null,
  };
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
    .sort((a, b) => b.parsed - a.parsed)
    .slice(0, most);
}
