/** Made-up calls that look like those of a busy IVR: pure, and the same for the same seed. */
import type { Arrival, Report, WireState } from '../../notification.js';
import { seeded, type Random } from '../../simulator/sender/random.js';
import type { SeededSource } from '../../store/seed/seed.js';

export const SOURCES: readonly SeededSource[] = [
  { key: 'north', meaning: 'per_call' },
  { key: 'south', meaning: 'per_call' },
  { key: 'east', meaning: 'per_call' },
  { key: 'west', meaning: 'constant' },
];

/** Calls that never hear a Bye because they still go on: the 50,000 active of 10 million. */
const ACTIVE_SHARE = 0.005;
/** They began within this, so that the longest limit (an answered call's, 4 h) has not passed for any. */
const ACTIVE_SPAN_MS = 3 * 3_600_000;
const HOUR_MS = 3_600_000;
const RETRY_MS = 3_000;

/** Calls by the hour of day, UTC: quiet nights, a peak before and one after noon. */
const HOURS = [1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 20, 19, 16, 17, 20, 20, 18, 14, 10, 8, 6, 4, 2, 1];
const PREFIXES = ['4420', '4420', '4420', '44161', '1555', '1212', '4930', '331', '8621', '91124', '61290', '35988'];
const MENUS = ['Main menu', 'Sales', 'Support', 'Billing', 'Callback', 'Night', 'Survey', 'Orders', 'Returns', 'VIP'];
/** Numbers that calls are forwarded to: few, and often. */
const HOTLINES = 40;

/** One call as its notifications arrived, copies among them. */
export interface SeededCall {
  readonly sourceKey: string;
  readonly callId: string;
  readonly arrivals: readonly Arrival[];
}

export interface Seeding {
  readonly calls: number;
  readonly seed: string;
  readonly from: number;
  readonly until: number;
}

/** Begins of calls in order, spread over the hours as `HOURS` says. */
export function beginsOf({ calls, from, until }: Seeding): (index: number) => number {
  const hours = Math.ceil((until - from) / HOUR_MS);
  const sums = [0];
  for (let hour = 0; hour < hours; hour += 1) {
    sums.push((sums[hour] ?? 0) + (HOURS[new Date(from + hour * HOUR_MS).getUTCHours()] ?? 1));
  }
  const all = sums[hours] ?? 1;
  let hour = 0;
  return (index) => {
    const place = (index / calls) * all;
    if (place < (sums[hour] ?? 0)) hour = 0;
    while (hour < hours - 1 && (sums[hour + 1] ?? all) <= place) hour += 1;
    const [low, high] = [sums[hour] ?? 0, sums[hour + 1] ?? all];
    return Math.min(until - 1, Math.round(from + (hour + (place - low) / (high - low)) * HOUR_MS));
  };
}

/** The call of an index: a stream of chance of its own, so that any part of a history can be made alone. */
export function callOf(index: number, beginAt: number, seeding: Seeding): SeededCall {
  const random = seeded(seeding.seed, `call ${String(index)}`);
  const active = index >= seeding.calls * (1 - ACTIVE_SHARE);
  const from = active ? seeding.until - 1_000 - random.below(ACTIVE_SPAN_MS) : beginAt;
  const source = random.pick(random.chance(0.5) ? SOURCES.slice(0, 1) : SOURCES);
  const callId = `${random
    .below(2 ** 31)
    .toString(16)
    .padStart(8, '0')}${index.toString(16).padStart(7, '0')}@${source.key}`;
  const menu = Math.min(random.below(MENUS.length), random.below(MENUS.length));
  const content = {
    callId,
    callerNumber: random.chance(0.01) ? null : numberOf(random),
    calleeNumber: numberOf(random),
    forwardNumber: random.chance(0.6) ? null : `80055${String(1000 + random.below(HOTLINES))}`,
    menuId: String(menu + 1),
    menuName: MENUS[menu] ?? null,
  };
  const single = String(1 + random.below(1_000_000));
  const events = active ? activeEvents(from, seeding.until, random) : eventsOf(from, random);
  const kept = events.filter((_, place) => place === 0 || !random.chance(0.004));
  const arrivals: Arrival[] = [];
  for (const [state, stateRaw, at, place] of kept) {
    const serial = source.meaning === 'constant' ? single : String(place);
    const report = { ...content, serial, state, stateRaw };
    for (const stampAt of receipts(at, random)) arrivals.push(arrivalOf(source.key, report, stampAt));
  }
  const heard = arrivals.filter(({ stamp }, place) => place === 0 || stamp.at <= seeding.until);
  return { sourceKey: source.key, callId, arrivals: heard };
}

type Event = readonly [state: WireState, stateRaw: string, at: number, place: number];

function eventsOf(from: number, random: Random): readonly Event[] {
  const rings: Event = random.chance(0.8) ? ['180', '180', from, 1] : ['183', '183', from, 1];
  const answered = random.chance(0.62);
  const ringMs = Math.round(1_000 + Math.min(60_000, random.exponential(11_000)));
  const talkMs = Math.round(500 + Math.min(3 * HOUR_MS, random.exponential(95_000)));
  const noBye = random.chance(0.007);
  if (!answered) return noBye ? [rings] : [rings, ['bye', 'Bye', from + ringMs, 2]];
  const ok: Event = ['ok', 'OK', from + ringMs, 2];
  return noBye ? [rings, ok] : [rings, ok, ['bye', 'Bye', from + ringMs + talkMs, 3]];
}

/** Rings when it began within the last minute, else talks. */
function activeEvents(from: number, until: number, random: Random): readonly Event[] {
  const rings: Event = ['180', '180', from, 1];
  return until - from < 60_000 ? [rings] : [rings, ['ok', 'OK', from + 1_000 + random.below(50_000), 2]];
}

/** Receipts of one notification: 1 % come at the second try, 2 % twice. */
function receipts(sentAt: number, random: Random): readonly number[] {
  const at = sentAt + 2 + random.below(40) + (random.chance(0.01) ? RETRY_MS : 0);
  return random.chance(0.02) ? [at, at + RETRY_MS] : [at];
}

function numberOf(random: Random): string {
  const prefix = random.pick(PREFIXES);
  return prefix + String(random.below(10 ** 8)).padStart(8, '0');
}

function arrivalOf(sourceKey: string, report: Report, at: number): Arrival {
  const { callId, serial, stateRaw, callerNumber, calleeNumber, forwardNumber, menuId, menuName } = report;
  const payload = Buffer.from(
    `${callId},${serial},${stateRaw},${callerNumber ?? ''},${calleeNumber ?? ''},${forwardNumber ?? ''},${menuId ?? ''},${menuName ?? ''}`,
  );
  return { sourceKey, report, stamp: { at, idleMs: 0 }, payload };
}
