/**
 * Learns what a source's Serial Number counts (docs/truth.md 8), from what was received of it lately. The wire does not say:
 * it may count notifications of the call, notifications of the source, calls, or nothing.
 */
import { rank } from './evidence.js';
import type { SerialMeaning, WireState } from '../notification.js';

/** One notification of the sample. */
export interface SampledSerial {
  readonly callKey: string;
  readonly serial: string;
  readonly state: WireState;
  readonly firstAt: number;
}

/**
 * What H has gone by for, so that nothing of it can still be on its way. The newest notifications of a busy source are not
 * that: 6,000 of 300 a second are younger than H, and most of their calls began before them.
 */
export interface Mature {
  /** All notifications of calls that began H ago or earlier. */
  readonly calls: readonly SampledSerial[];
  /** All notifications from an instant before that on, whatever their call. */
  readonly stream: readonly Pick<SampledSerial, 'serial' | 'firstAt'>[];
}

export interface Learned {
  readonly meaning: SerialMeaning;
  readonly serialBase: number;
}

/** Calls needed before anything is said, and the share of them that must agree. */
const CALLS_NEEDED = 20;
const AGREEMENT = 0.99;
/** Of a source's serials after H, at most this share may be missing. */
const HOLES_ALLOWED = 0.05;
/** Calls after which serials that fit nothing are called opaque. */
const OPAQUE_AFTER = 200;
/** A locked meaning that fewer calls than this agree with is contradicted. */
const CONTRADICTION = 0.9;

interface SampledCall {
  /** Serials in the order of life: Ringing, OK, Bye; null where one is no number. */
  readonly serials: readonly (bigint | null)[];
  readonly texts: readonly string[];
}

/** Ringing, OK, Bye; within a state by serial, since receipts of 180 and 183 may come inverted. */
function byLife(a: SampledSerial, b: SampledSerial): number {
  const byRank = (rank(a.state) ?? 0) - (rank(b.state) ?? 0);
  return byRank || a.serial.length - b.serial.length || (a.serial < b.serial ? -1 : Number(a.serial > b.serial));
}

/** The notifications of one Call ID in order of receipt, cut where it was used again: roughly as docs/truth.md 6 does. */
function cutReused(own: readonly SampledSerial[], horizonMs: number): readonly SampledSerial[][] {
  const calls: SampledSerial[][] = [];
  for (const one of [...own].sort((a, b) => a.firstAt - b.firstAt)) {
    const open = calls.at(-1);
    const again = open?.some((earlier) => {
      const late = one.firstAt > earlier.firstAt + horizonMs;
      return late && (rank(one.state) ?? 0) < (rank(earlier.state) ?? 0);
    });
    if (open === undefined || again === true) calls.push([one]);
    else open.push(one);
  }
  return calls;
}

function callsOf(sample: readonly SampledSerial[], horizonMs: number): readonly SampledCall[] {
  const byKey = new Map<string, SampledSerial[]>();
  for (const one of sample) {
    if (rank(one.state) === null) continue;
    const own = byKey.get(one.callKey);
    if (own === undefined) byKey.set(one.callKey, [one]);
    else own.push(one);
  }
  return [...byKey.values()]
    .flatMap((own) => cutReused(own, horizonMs))
    .map((own) => own.sort(byLife))
    .filter((own) => new Set(own.map((one) => rank(one.state))).size > 1)
    .map((own) => ({
      serials: own.map((one) => (/^\d{1,38}$/.test(one.serial) ? BigInt(one.serial) : null)),
      texts: own.map((one) => one.serial),
    }));
}

function isConstant(call: SampledCall): boolean {
  return call.texts.every((text) => text === call.texts[0]);
}

function isIncreasing(call: SampledCall): boolean {
  return call.serials.every((serial, index) => {
    const before = call.serials[index - 1];
    return serial !== null && (index === 0 || (before !== undefined && before !== null && before < serial));
  });
}

function share<T>(all: readonly T[], holds: (one: T) => boolean): number {
  return all.length === 0 ? 0 : all.filter(holds).length / all.length;
}

/** The most common first serial of calls: where serials per call begin. */
function commonBase(calls: readonly SampledCall[]): bigint | null {
  const counts = new Map<bigint, number>();
  for (const { serials } of calls) {
    const [first] = serials;
    if (first !== undefined && first !== null) counts.set(first, (counts.get(first) ?? 0) + 1);
  }
  const [most] = [...counts].sort((a, b) => b[1] - a[1] || Number(a[0] - b[0]));
  return most === undefined ? null : most[0];
}

/** Share of the serials between the lowest and the highest seen H ago that never came; null without two numbers. */
function missingShare(sample: Mature['stream'], before: number): number | null {
  const numbers = sample.flatMap((one) =>
    /^\d{1,38}$/.test(one.serial) ? [{ n: BigInt(one.serial), at: one.firstAt }] : [],
  );
  const settled = numbers.filter((one) => one.at <= before).map((one) => one.n);
  const [first, ...rest] = settled;
  if (first === undefined || rest.length === 0) return null;
  const low = settled.reduce((a, b) => (a < b ? a : b));
  const high = settled.reduce((a, b) => (a > b ? a : b));
  const seen = new Set(numbers.filter((one) => one.n >= low && one.n <= high).map((one) => one.n)).size;
  return 1 - seen / Number(high - low + 1n);
}

/**
 * What the sample shows; null while it shows nothing yet. That serials fit nothing is said of a mature one alone: a call that
 * lacks what is on its way fits nothing either.
 * @param sample what was received of the source lately, all of it; or what is mature of it
 * @param through W; holes younger than H do not count
 */
export function learnMeaning(
  sample: readonly SampledSerial[] | Mature,
  through: number,
  horizonMs: number,
): Learned | null {
  const mature = 'stream' in sample ? sample : null;
  const { calls: seen, stream } = mature ?? {
    calls: sample as readonly SampledSerial[],
    stream: sample as Mature['stream'],
  };
  const calls = callsOf(seen, horizonMs);
  if (calls.length < CALLS_NEEDED) return null;
  const missing = missingShare(stream, through - horizonMs);
  const dense = missing !== null && missing <= HOLES_ALLOWED;
  if (share(calls, isConstant) >= AGREEMENT) {
    const distinct = new Set(calls.map((call) => call.texts[0])).size === calls.length;
    // Another number for each call may well count them; whether numbers are missing shows once H has gone by.
    if (distinct && missing === null && calls.every(({ serials }) => serials[0] !== null)) return null;
    return { meaning: distinct && dense ? 'call_number' : 'constant', serialBase: 1 };
  }
  if (share(calls, isIncreasing) >= AGREEMENT) {
    const base = commonBase(calls);
    if (base !== null && base <= 1n && share(calls, (call) => call.serials[0] === base) >= AGREEMENT) {
      return { meaning: 'per_call', serialBase: Number(base) };
    }
    const serials = calls.flatMap((call) => call.serials);
    if (new Set(serials).size >= serials.length * AGREEMENT && dense) return { meaning: 'per_source', serialBase: 1 };
  }
  return mature !== null && calls.length >= OPAQUE_AFTER ? { meaning: 'opaque', serialBase: 1 } : null;
}

/** Whether what is received contradicts the meaning learned, so that it must go back to `unknown`. */
export function contradicts(meaning: SerialMeaning, sample: readonly SampledSerial[], horizonMs: number): boolean {
  const calls = callsOf(sample, horizonMs);
  if (calls.length < CALLS_NEEDED) return false;
  switch (meaning) {
    case 'constant':
    case 'call_number':
      return share(calls, isConstant) < CONTRADICTION;
    case 'per_call':
    case 'per_source':
      return share(calls, isIncreasing) < CONTRADICTION;
    case 'opaque':
    case 'unknown':
      return false;
  }
}
