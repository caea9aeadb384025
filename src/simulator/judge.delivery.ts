import type { GapKind } from '../notification.js';
import type { Matched, Matching } from './match.js';
import type { LedgerGap } from './reading.js';
import type { SentSerialMeaning } from './serials.js';
import type { SentNotification, TrueCall } from './truth.js';

/** What became of a notification that is in no timeline. */
export type LossFate = 'declared' | 'unknowable' | 'pending' | 'undeclared';

export interface Loss {
  readonly call: TrueCall;
  readonly sent: SentNotification;
  readonly fate: LossFate;
}

export interface DeliveryRules {
  readonly serial: SentSerialMeaning;
  readonly horizonMs: number;
  readonly toleranceMs: number;
}

const WINDOWS: readonly GapKind[] = ['outage', 'overflow', 'silence', 'quarantine'];
const RINGING: readonly string[] = ['ringing', '180', '183'];

/**
 * Every notification that was sent and is not stored, and whether the gap ledger covers it: by a serial range that holds
 * its serial, a state gap of its call, or a window, each overlapping [sent, sent + H]. Pure.
 */
export function judgeLosses(matching: Matching, gaps: readonly LedgerGap[], rules: DeliveryRules): Loss[] {
  const declared = gapIndex(gaps);
  const heard = heardSerials(matching);
  return matching.calls.flatMap((matched) => {
    const source = matching.sourceNames.get(matched.call.source) ?? null;
    const candidates = [
      ...(declared.get(gapKey(source, matched.call.callId)) ?? []),
      ...(declared.get(gapKey(source, null)) ?? []),
    ];
    return lostOf(matched).map((sent) => {
      const isDeclared = candidates.some((gap) => covers(gap, sent, rules));
      const fate = isDeclared
        ? 'declared'
        : undeclaredFate(matched, sent, heard.get(matched.call.source) ?? null, rules);
      return { call: matched.call, sent, fate };
    });
  });
}

/** Notifications of a call that were sent and are in no timeline. */
export function lostOf({ call, stored }: Matched): SentNotification[] {
  return call.notifications.filter((sent) => sent.sentAt !== null && !stored.has(sent));
}

/** Gaps by source and Call ID, or by source alone where they belong to no call. */
export function gapIndex(gaps: readonly LedgerGap[]): ReadonlyMap<string, readonly LedgerGap[]> {
  const index = new Map<string, LedgerGap[]>();
  for (const gap of gaps) {
    const key = gapKey(gap.source, gap.callId);
    const same = index.get(key);
    if (same === undefined) index.set(key, [gap]);
    else same.push(gap);
  }
  return index;
}

function gapKey(source: string | null, callId: string | null): string {
  return `${source ?? ''}\n${callId ?? ''}`;
}

function covers(gap: LedgerGap, sent: SentNotification, { horizonMs, toleranceMs }: DeliveryRules): boolean {
  const sentAt = sent.sentAt ?? 0;
  const overlaps = gap.from <= sentAt + horizonMs + toleranceMs && (gap.to ?? Infinity) >= sentAt - toleranceMs;
  if (!overlaps || gap.status === 'filled') return false;
  if (WINDOWS.includes(gap.kind)) return true;
  if (gap.kind === 'serial') return holdsSerial(gap, sent.serial);
  return gap.callId !== null;
}

/** Whether a serial lies in the range of a gap; without an upper end the range is open. */
export function holdsSerial(gap: Pick<LedgerGap, 'fromSerial' | 'toSerial'>, serial: string): boolean {
  const [from, to, value] = [numeric(gap.fromSerial), numeric(gap.toSerial), numeric(serial)];
  return from !== null && value !== null && value >= from && (to === null || value <= to);
}

function numeric(serial: string | null): bigint | null {
  return serial !== null && /^\d{1,40}$/.test(serial) ? BigInt(serial) : null;
}

/** The lowest and highest serial stored of each source. */
function heardSerials({ calls }: Matching): ReadonlyMap<number, { readonly lowest: bigint; readonly highest: bigint }> {
  const heard = new Map<number, { lowest: bigint; highest: bigint }>();
  for (const { call, stored } of calls) {
    for (const { serial } of stored.keys()) {
      const value = numeric(serial);
      if (value === null) continue;
      const range = heard.get(call.source) ?? { lowest: value, highest: value };
      heard.set(call.source, {
        lowest: value < range.lowest ? value : range.lowest,
        highest: value > range.highest ? value : range.highest,
      });
    }
  }
  return heard;
}

/**
 * TRUTH.md 19 names what no receiver can know, provided that the link let no copy of it through; what is inside a stale
 * limit is not decided yet.
 */
function undeclaredFate(
  { call, record, stored }: Matched,
  sent: SentNotification,
  heard: { readonly lowest: bigint; readonly highest: bigint } | null,
  { serial }: DeliveryRules,
): LossFate {
  if (sent.delivered === 0 && unknowable(call, [...stored.keys()], sent, heard, serial)) return 'unknowable';
  return record !== null && !record.settled ? 'pending' : 'undeclared';
}

function unknowable(
  call: TrueCall,
  stored: readonly SentNotification[],
  sent: SentNotification,
  heard: { readonly lowest: bigint; readonly highest: bigint } | null,
  serial: SentSerialMeaning,
): boolean {
  const counted = serial === 'per_source' || serial === 'call_number';
  if (counted && (heard === null || outside(heard, sent.serial))) return true;
  if (!counted && stored.length === 0) return true;
  const ringings = call.notifications.filter(({ state }) => RINGING.includes(state));
  if (!RINGING.includes(sent.state) || ringings.length < 2 || serial === 'per_source') return false;
  // Serials within the call show a lost second Ringing as soon as anything later of the call is heard.
  return serial !== 'per_call' || stored.every(({ index }) => index < sent.index);
}

function outside(heard: { readonly lowest: bigint; readonly highest: bigint }, serial: string): boolean {
  const value = numeric(serial) ?? 0n;
  return value < heard.lowest || value > heard.highest;
}

/** A gap that serials or states declare, with what is true of it. */
export interface GapFinding {
  readonly gap: LedgerGap;
  /** How many notifications of the run that are not stored it stands for. */
  readonly lost: number;
  /** How many it claims: the size of its serial range, or one. */
  readonly claimed: number;
}

/**
 * The serial and state gaps of this run, each with the losses it stands for. A state gap stands for at most one.
 * Ranges below the run's own serials and gaps of other sources are left out: they are another run's. Pure.
 */
export function judgeGaps(matching: Matching, gaps: readonly LedgerGap[], rules: DeliveryRules): GapFinding[] {
  const calls = new Map<string, Matched[]>();
  for (const matched of matching.calls) {
    const name = matching.sourceNames.get(matched.call.source) ?? null;
    for (const key of [gapKey(name, matched.call.callId), gapKey(name, null)]) {
      const same = calls.get(key);
      if (same === undefined) calls.set(key, [matched]);
      else same.push(matched);
    }
  }
  const serials = sourceSerials(matching);
  return gaps.flatMap((gap) => {
    const concerned = calls.get(gapKey(gap.source, gap.callId)) ?? [];
    if (WINDOWS.includes(gap.kind) || concerned.length === 0) return [];
    if (gap.kind === 'serial' && gap.callId === null) return inSource(gap, serials.get(gap.source));
    const lost = concerned.flatMap(lostOf).filter((sent) => covers({ ...gap, status: 'lost' }, sent, rules)).length;
    const claimed = gap.kind === 'serial' ? rangeSize(gap) : 1;
    return [{ gap, lost: Math.min(lost, claimed), claimed }];
  });
}

/** The serials of a source in this run: the lowest sent, and those of which nothing is stored. */
interface SourceSerials {
  lowest: bigint | null;
  readonly lost: Set<bigint>;
}

/** A source's gap may span many calls; the notifications of a call share a `call_number`, so each serial counts once. */
function sourceSerials(matching: Matching): ReadonlyMap<string, SourceSerials> {
  const ofSource = new Map<string, SourceSerials>();
  for (const { call, stored } of matching.calls) {
    const name = matching.sourceNames.get(call.source);
    if (name === undefined) continue;
    const serials = ofSource.get(name) ?? { lowest: null, lost: new Set<bigint>() };
    ofSource.set(name, serials);
    const kept = new Set([...stored.keys()].map(({ serial }) => serial));
    for (const { serial, sentAt } of call.notifications) {
      const value = numeric(serial);
      if (value === null || sentAt === null) continue;
      if (serials.lowest === null || value < serials.lowest) serials.lowest = value;
      if (!kept.has(serial)) serials.lost.add(value);
    }
  }
  return ofSource;
}

function inSource(gap: LedgerGap, serials: SourceSerials | undefined): GapFinding[] {
  const [from, to] = [numeric(gap.fromSerial) ?? 0n, numeric(gap.toSerial)];
  if (serials?.lowest == null || (to !== null && to < serials.lowest)) return [];
  let lost = 0;
  for (const serial of serials.lost) if (serial >= from && (to === null || serial <= to)) lost += 1;
  return [{ gap, lost, claimed: to === null ? lost : rangeSize(gap) }];
}

function rangeSize(gap: LedgerGap): number {
  const [from, to] = [numeric(gap.fromSerial), numeric(gap.toSerial)];
  return from === null || to === null ? 1 : Number(to - from + 1n);
}

/** The time covered by gaps of a kind, in ms; what several sources declare of one outage counts once. */
export function declaredMs(gaps: readonly LedgerGap[], kind: GapKind): number {
  const spans = gaps
    .filter((gap) => gap.kind === kind && gap.to !== null)
    .map(({ from, to }) => ({ from, to: to ?? from }))
    .sort((one, other) => one.from - other.from);
  let [total, until] = [0, Number.NEGATIVE_INFINITY];
  for (const { from, to } of spans) {
    if (to <= until) continue;
    total += to - Math.max(from, until);
    until = to;
  }
  return total;
}
