/**
 * Cuts what was received under one Call ID into calls (docs/truth.md 6).
 *
 * Notifications are taken in order of first receipt and join the open call. A new call starts before x when the open
 * one holds a y that x cannot belong with, because x is too late to be a retry of something sent before y:
 * y came more than H before x, and x stands lower in the life of a call than y, or equally high above ringing, or
 * (serials per call) not above it in serial. A Ringing after the open call was presumed ended starts a new one too.
 * With constant serials another serial is another call, whatever the time. While our receive loop stood still x may
 * have waited in the kernel, so that time is not held against it (docs/truth.md 13). Where reports say when their events
 * happened, they are taken in that order and those times are compared.
 */
import { byReceipt, inOrder, rank, type Spoken } from '../delivery/evidence.js';
import { settingsAt, type SourceFacts } from '../delivery/facts.js';
import type { SerialMeaning, Settings } from '../notification.js';
import { horizonMs } from '../notification.js';
import { gaveNoTime, happenedBy } from './moment.js';

/** What calls are cut by: a call by the settings in force when it was opened, so that a later change of them cuts no call anew. */
export type CutRules = Pick<SourceFacts, 'settings' | 'versions' | 'meaning'>;

/** Whether serials of this meaning name the call rather than the notification. */
export function serialNamesCall(meaning: SerialMeaning): boolean {
  return meaning === 'constant' || meaning === 'call_number';
}

/** Serials that count within a call are small, and each fold asks for them five times. */
const SMALL_SERIALS = new Map(Array.from({ length: 100 }, (_, serial) => [String(serial), BigInt(serial)]));

/** Decimal serial as a number of any size; null when it is not one. */
export function serialNumber(serial: string): bigint | null {
  const small = SMALL_SERIALS.get(serial);
  if (small !== undefined) return small;
  return /^\d{1,38}$/.test(serial) ? BigInt(serial) : null;
}

/** When an open call counts as ended for want of a Bye: its last event plus the stale limit; null once a Bye is there. */
export function staleAt(call: readonly Spoken[], settings: Settings): number | null {
  let answeredAt = Number.POSITIVE_INFINITY;
  let lastAt = Number.NEGATIVE_INFINITY;
  for (const { state, firstAt } of call) {
    if (state === 'bye') return null;
    if (state === 'ok') answeredAt = Math.min(answeredAt, firstAt);
    lastAt = Math.max(lastAt, firstAt);
  }
  const answered = answeredAt !== Number.POSITIVE_INFINITY;
  return answered ? answeredAt + settings.staleAnsweredMs : lastAt + settings.staleRingingMs;
}

/** x's serial does not stand above y's: where serials count within a call, y's call is not x's. */
function serialFallsBack(x: Spoken, y: Spoken): boolean {
  const [nx, ny] = [serialNumber(x.serial), serialNumber(y.serial)];
  return nx !== null && ny !== null && nx <= ny;
}

/** x stands lower in the life of a call than y, or equally high where a call has one only; unknown states stand nowhere. */
function fallsBack(rankX: number | null, rankY: number | null): boolean {
  return rankX !== null && rankY !== null && (rankX < rankY || (rankX === rankY && rankX > 0));
}

/**
 * Whether x, in order of first receipt, cannot belong to the open call.
 * @param settings in force when that was opened
 */
function startsNewCall(open: readonly Spoken[], x: Spoken, settings: Settings, meaning: SerialMeaning): boolean {
  const rankX = rank(x.state);
  const arrivedFrom = happenedBy(x, settings) - x.idleMs;
  const horizon = horizonMs(settings);
  const tooLate = open.some((y) => {
    if (happenedBy(y, settings) + horizon >= arrivedFrom) return false;
    return fallsBack(rankX, rank(y.state)) || (meaning === 'per_call' && serialFallsBack(x, y));
  });
  if (tooLate) return true;
  const stale = staleAt(open, settings);
  return rankX === 0 && stale !== null && arrivedFrom > stale;
}

function cutInOrder(notifications: readonly Spoken[], rules: CutRules): Spoken[][] {
  const calls: Spoken[][] = [];
  let { settings } = rules;
  for (const x of notifications) {
    const open = calls.at(-1);
    if (open !== undefined && !startsNewCall(open, x, settings, rules.meaning)) {
      open.push(x);
      continue;
    }
    calls.push([x]);
    settings = settingsAt(rules, x.firstAt);
  }
  return calls;
}

/** Cut in the order of events; what was received first still opens its call, so that nothing late changes its id. */
function cutByEvent(ordered: readonly Spoken[], rules: CutRules): readonly (readonly Spoken[])[] {
  const by = (one: Spoken): number => happenedBy(one, settingsAt(rules, one.firstAt));
  const calls = cutInOrder(
    [...ordered].sort((a, b) => by(a) - by(b)),
    rules,
  );
  return byFirst(calls.map((call) => inOrder(call)));
}

function byFirst(calls: readonly (readonly Spoken[])[]): readonly (readonly Spoken[])[] {
  return [...calls].sort(([a], [b]) => (a === undefined || b === undefined ? 0 : byReceipt(a, b)));
}

/**
 * The calls of one Call ID, each in order of first receipt, ordered by their first. Every notification is in exactly one.
 * @param notifications of one (source, Call ID), spoken (docs/truth.md 3), in any order
 */
export function cut(notifications: readonly Spoken[], rules: CutRules): readonly (readonly Spoken[])[] {
  const ordered = inOrder(notifications);
  const [first] = ordered;
  if (first !== undefined && !gaveNoTime(first)) return cutByEvent(ordered, rules);
  if (!serialNamesCall(rules.meaning)) return cutInOrder(ordered, rules);
  const serials = [...new Set(ordered.map((one) => one.serial))];
  return byFirst(
    serials.flatMap((serial) =>
      cutInOrder(
        ordered.filter((one) => one.serial === serial),
        rules,
      ),
    ),
  );
}
