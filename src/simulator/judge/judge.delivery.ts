import type { GapKind } from '../../notification.js';
import type { Matched, Matching } from './match.js';
import type { LedgerGap } from './reading.js';
import type { SentSerialMeaning } from '../sender/serials.js';
import type { SentNotification, TrueCall } from '../truth.js';

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

/** Gaps that are spans of time, not notifications. */
export const WINDOWS: readonly GapKind[] = ['outage', 'overflow', 'silence', 'quarantine'];
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

/** By source and Call ID; null for a gap of the source. */
export function gapKey(source: string | null, callId: string | null): string {
  return `${source ?? ''}\n${callId ?? ''}`;
}

/** Whether a gap declares this notification. */
export function covers(gap: LedgerGap, sent: SentNotification, { horizonMs, toleranceMs }: DeliveryRules): boolean {
  const sentAt = sent.sentAt ?? 0;
  const overlaps = gap.from <= sentAt + horizonMs + toleranceMs && (gap.to ?? Infinity) >= sentAt - toleranceMs;
  if (!overlaps || gap.status === 'filled') return false;
  if (WINDOWS.includes(gap.kind)) return true;
  // A window that closes stays declared; a hole or a missing state explained away no longer is.
  if (gap.status === 'explained') return false;
  if (gap.kind === 'serial') return holdsSerial(gap, sent.serial);
  return gap.callId !== null;
}

/** Whether a serial lies in the range of a gap; without an upper end the range is open. */
export function holdsSerial(gap: Pick<LedgerGap, 'fromSerial' | 'toSerial'>, serial: string): boolean {
  const [from, to, value] = [numeric(gap.fromSerial), numeric(gap.toSerial), numeric(serial)];
  return from !== null && value !== null && value >= from && (to === null || value <= to);
}

/** A serial as a number; null when it is none. */
export function numeric(serial: string | null): bigint | null {
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
 * docs/truth.md 19 names what no receiver can know, provided that the link let no copy of it through; what is inside a stale
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
  if (!isOneOfTwoRingings(call, sent) || serial === 'per_source') return false;
  // Serials within the call show a lost second Ringing as soon as anything later of the call is heard.
  return serial !== 'per_call' || stored.every(({ index }) => index < sent.index);
}

/** 180 and 183 of one call: only serials could tell that one of them is missing. */
export function isOneOfTwoRingings({ notifications }: TrueCall, sent: SentNotification): boolean {
  return RINGING.includes(sent.state) && notifications.filter(({ state }) => RINGING.includes(state)).length > 1;
}

function outside(heard: { readonly lowest: bigint; readonly highest: bigint }, serial: string): boolean {
  const value = numeric(serial) ?? 0n;
  return value < heard.lowest || value > heard.highest;
}
