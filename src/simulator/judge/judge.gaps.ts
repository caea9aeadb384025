/** Whether the gaps that serials and states declare are true. Pure. */
import type { GapKind } from '../../notification.js';
import {
  covers,
  gapKey,
  isOneOfTwoRingings,
  lostOf,
  numeric,
  WINDOWS,
  type DeliveryRules,
  type Loss,
} from './judge.delivery.js';
import type { Matched, Matching } from './match.js';
import type { LedgerGap } from './reading.js';
import type { SentNotification } from '../truth.js';

/** A gap that serials or states declare, with what is true of it. */
export interface GapFinding {
  readonly gap: LedgerGap;
  /** How many notifications of the run that are not stored it stands for. */
  readonly lost: number;
  /** How many it claims: the size of its serial range, or one. */
  readonly claimed: number;
}

/**
 * The serial and state gaps of this run, each with the losses it stands for. What is missing is declared once: a loss that
 * one gap stands for is not there for the next, certain gaps and narrow ones first. Ranges below the run's own serials and
 * gaps of other sources are left out: they are another run's.
 */
export function judgeGaps(matching: Matching, gaps: readonly LedgerGap[], rules: DeliveryRules): GapFinding[] {
  const calls = callsByGapKey(matching);
  const serials = sourceSerials(matching);
  const taken = new Set<SentNotification>();
  return gaps.toSorted(surestFirst).flatMap((gap) => {
    const concerned = calls.get(gapKey(gap.source, gap.callId)) ?? [];
    if (WINDOWS.includes(gap.kind) || concerned.length === 0) return [];
    if (gap.callId === null) return gap.kind === 'serial' ? inSource(gap, serials.get(gap.source)) : [];
    const claimed = gap.kind === 'serial' ? rangeSize(gap) : 1;
    const stoodFor = concerned
      .flatMap((matched) =>
        lostOf(matched).filter((sent) => gap.kind === 'serial' || !isOneOfTwoRingings(matched.call, sent)),
      )
      .filter((sent) => !taken.has(sent) && covers({ ...gap, status: 'lost' }, sent, rules))
      .slice(0, claimed);
    if (gap.status === 'lost') for (const sent of stoodFor) taken.add(sent);
    return [{ gap, lost: stoodFor.length, claimed }];
  });
}

function surestFirst(one: LedgerGap, other: LedgerGap): number {
  const sureness = (gap: LedgerGap): number => (gap.certainty === 'certain' ? 0 : 2) + (gap.kind === 'serial' ? 0 : 1);
  const width = (gap: LedgerGap): number => (gap.to ?? gap.from + 1e12) - gap.from;
  return sureness(one) - sureness(other) || width(one) - width(other);
}

function callsByGapKey(matching: Matching): ReadonlyMap<string, readonly Matched[]> {
  const calls = new Map<string, Matched[]>();
  for (const matched of matching.calls) {
    const name = matching.sourceNames.get(matched.call.source) ?? null;
    for (const key of [gapKey(name, matched.call.callId), gapKey(name, null)]) {
      const same = calls.get(key);
      if (same === undefined) calls.set(key, [matched]);
      else same.push(matched);
    }
  }
  return calls;
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

/** What outages are said to have cost, and what they did. */
export interface OutageCost {
  readonly outages: number;
  /** Estimated beyond what serials and states show, and what those show inside. */
  readonly expected: number;
  readonly lost: number;
}

/** What an outage may have cost was sent up to H before it, and until its end. */
export function judgeOutages(
  matching: Matching,
  losses: readonly Loss[],
  gaps: readonly LedgerGap[],
  horizonMs: number,
): OutageCost {
  const outages = gaps.filter(({ kind, estimatedLost }) => kind === 'outage' && estimatedLost !== null);
  let [expected, lost] = [0, 0];
  for (const outage of outages) {
    const [from, to] = [outage.from - horizonMs, outage.to ?? outage.from];
    const shown = gaps.filter(
      (gap) =>
        gap.source === outage.source &&
        (gap.kind === 'serial' || gap.kind === 'state') &&
        gap.certainty === 'certain' &&
        gap.status === 'lost' &&
        gap.from < to &&
        (gap.to ?? gap.from) > from,
    );
    expected += (outage.estimatedLost ?? 0) + shown.reduce((sum, gap) => sum + (gap.estimatedLost ?? 1), 0);
    lost += losses.filter(({ call, sent }) => {
      const sentAt = sent.sentAt ?? Number.NEGATIVE_INFINITY;
      return matching.sourceNames.get(call.source) === outage.source && sentAt >= from && sentAt < to;
    }).length;
  }
  return { outages: outages.length, expected, lost };
}
