/**
 * Spans of time as gaps of a source: what an overflow, an outage or a silence may have cost, and how each closes
 * (docs/truth.md 16, 17). Pure.
 */
import type { OverflowSpan, Span } from '../../delivery/facts.js';
import { costOf, figure, type Cost } from '../../lifecycle/loss.js';
import { isStillness, type Stillness } from '../../lifecycle/stillness.js';
import { horizonMs, type Gap, type Settings } from '../../notification.js';
import type { DueSpan, Overflow, OverflowKnown } from '../sweep/sweep.ports.js';
import { NO_CALL, sourceGapId } from '../sweep/sweep.gaps.js';

const MINUTE_MS = 60_000;
const NOT_BY_SERIALS = { ...NO_CALL, fromSerial: null, toSerial: null } as const;

/** The minute an overflow belongs to: one gap a minute, source and reason, however many beats it lasts. */
export function minuteOf(at: number): number {
  return Math.floor(at / MINUTE_MS) * MINUTE_MS;
}

/**
 * Notifications sent per ms, from the tries that arrived: one whose tries are dropped with chance s comes again, so in a span
 * that holds m of its tries it arrives (1 - s^m) / (1 - s) times.
 */
function sentPerMs(arrived: number, share: number, lengthMs: number, { retry, intervalMs }: Settings): number {
  const tries = Math.min(retry + 1, Math.floor(lengthMs / intervalMs) + 1);
  const each = share === 1 ? tries : (1 - share ** tries) / (1 - share);
  return arrived / each / Math.max(1, lengthMs);
}

/** What is dropped of a source in one minute for one reason, as a gap. `alone`: no other source can have sent it. */
function overflowGap(
  sourceKey: string,
  same: readonly Overflow[],
  p: number,
  alone: boolean,
  settings: Settings,
): Gap | null {
  const [first] = same;
  if (first === undefined) return null;
  const from = Math.min(...same.map((one) => one.from));
  const to = Math.max(...same.map((one) => one.to));
  const dropped = same.reduce((sum, one) => sum + one.dropped, 0);
  const arrived = dropped + same.reduce((sum, one) => sum + one.received, 0);
  const share = dropped / arrived;
  const cost = costOf({ from, to }, share, sentPerMs(arrived, share, to - from, settings), p, settings);
  const who =
    first.sourceKey === null ? 'dropped by the kernel, which had no room for them' : `refused (${first.reason})`;
  const words = `${String(dropped)} of ${String(arrived)} datagram(s) ${who}`;
  return {
    id: sourceGapId(sourceKey, 'overflow', first.reason, String(minuteOf(from))),
    sourceKey,
    ...NOT_BY_SERIALS,
    kind: 'overflow',
    certainty: 'possible',
    status: 'open',
    ...{ from, to, openedAt: from, deadlineAt: to + horizonMs(settings), closedAt: null },
    estimatedLost: alone ? cost.sent * cost.q : null,
    detail: alone ? `${words}; ${arithmetic(cost, p)}` : `${words}; of several sources, so not estimated`,
  };
}

function arithmetic({ sent, q }: Cost, p: number): string {
  return `n ${figure(sent)} notification(s) with a try inside, q ${figure(q)} lost for good each (p ${figure(p)}): n q = ${figure(sent * q)}`;
}

/** The overflow gaps of some minutes: of the source that was refused, or of every source where the kernel dropped. */
export function overflowGaps({ overflows, loss }: OverflowKnown, settings: Settings): readonly Gap[] {
  const groups = new Map<string, { sourceKey: string; same: Overflow[] }>();
  for (const overflow of overflows) {
    for (const sourceKey of overflow.sourceKey === null ? loss.keys() : [overflow.sourceKey]) {
      const name = [sourceKey, overflow.reason, String(minuteOf(overflow.from))].join('\u0000');
      const group = groups.get(name) ?? { sourceKey, same: [] };
      group.same.push(overflow);
      groups.set(name, group);
    }
  }
  return [...groups.values()].flatMap(({ sourceKey, same }) => {
    const alone = same.every((one) => one.sourceKey !== null) || loss.size === 1;
    return overflowGap(sourceKey, same, loss.get(sourceKey) ?? 0, alone, settings) ?? [];
  });
}

/** No number is named: more may show later (see `SweepStore.reviseSpans`). */
const LESS_WHAT_SHOWS =
  '; what serials and states show inside is declared apart, the estimate is of what goes beyond it';

/** What a span may have cost, less what serials and states show inside: one missing notification is declared once. */
function beyond(expectedLost: number, holes: number): Pick<Gap, 'expectedLost' | 'estimatedLost'> {
  return { expectedLost, estimatedLost: Math.max(0, expectedLost - holes) };
}

/** A span whose deadline has passed: `lost` with something proven lost inside, else `explained`: its estimate stands all the same. */
export function closeSpan({ gap, holes, heard, servedUntil, p }: DueSpan, settings: Settings): Gap {
  const closed: Gap = { ...gap, status: holes > 0 ? 'lost' : 'explained', closedAt: gap.deadlineAt };
  if (gap.kind === 'overflow' && gap.estimatedLost !== null) {
    return { ...closed, ...beyond(gap.estimatedLost, holes), detail: `${gap.detail}${LESS_WHAT_SHOWS}` };
  }
  if (gap.kind === 'silence') return { ...closed, detail: `${gap.detail}${dueIn(gap, heard, p, settings)}` };
  if (gap.kind !== 'outage' || gap.to === null) return closed;
  const span: Span = { from: Math.max(gap.from, servedUntil ?? gap.from), to: gap.to };
  const perMs = heard === null ? 0 : heard.count / Math.max(1, heard.ms);
  const cost = costOf(span, 1, perMs, p, settings);
  const detail = `${gap.detail}; ${arithmetic(cost, p)}${LESS_WHAT_SHOWS}`;
  return { ...closed, ...beyond(cost.sent * cost.q, holes), detail };
}

/**
 * What would be lost of a source that went on sending in a silence. Told, but no estimate: it may have had nothing to say, and
 * how likely either is nobody knows.
 */
function dueIn({ from, to }: Gap, heard: DueSpan['heard'], p: number, settings: Settings): string {
  if (heard === null || to === null) return '';
  const cost = costOf({ from, to }, 1, heard.count / Math.max(1, heard.ms), p, settings);
  return `; had it gone on as before: ${arithmetic(cost, p)}`;
}

function openSilence(sourceKey: string, from: number, openedAt: number, detail: string): Gap {
  return {
    id: sourceGapId(sourceKey, 'silence', String(from)),
    sourceKey,
    ...NOT_BY_SERIALS,
    kind: 'silence',
    certainty: 'possible',
    status: 'open',
    ...{ from, to: null, openedAt, deadlineAt: null, closedAt: null },
    estimatedLost: null,
    detail,
  };
}

/** A source quiet for longer than its rhythm allows: open until it is heard again. */
export function silenceGap(sourceKey: string, since: number, allowedMs: number): Gap {
  const detail = `nothing heard for longer than ${String(allowedMs)} ms, twice its longest silence in a time like this`;
  return openSilence(sourceKey, since, since + allowedMs, detail);
}

/** The source was heard again: what came in the silence shows within H of its end whether anything is missing. */
export function brokenSilence(gap: Gap, heardAt: number, horizon: number): Gap {
  const ms = heardAt - gap.from;
  return { ...gap, to: heardAt, deadlineAt: heardAt + horizon, detail: `${gap.detail}; it lasted ${String(ms)} ms` };
}

/** The longest part of a span that none of the others holds. */
function longestOutside({ from, to }: Span, others: readonly Span[]): Span {
  let longest = { from, to: from };
  let since = from;
  for (const other of [...others].sort((a, b) => a.from - b.from)) {
    if (other.to <= since) continue;
    if (other.from >= to) break;
    if (other.from - since > longest.to - longest.from) longest = { from: since, to: other.from };
    since = other.to;
  }
  return to - since > longest.to - longest.from ? { from: since, to } : longest;
}

/**
 * A stillness of a source (docs/truth.md 12) as a gap that W has passed the deadline of.
 * @param deaf when what came may not have been heard, which other gaps tell of
 * @returns null when what is left of it is no stillness
 */
export function stillnessGap(
  sourceKey: string,
  still: Stillness,
  deaf: readonly Span[],
  settings: Settings,
): (Gap & { readonly to: number }) | null {
  const { from, to } = longestOutside(still, deaf);
  if (!isStillness({ from, to, slotsPerMs: still.slotsPerMs })) return null;
  const due = `nothing heard, though ${figure(still.slotsPerMs * (to - from))} or more notifications were due at the rates around it`;
  return { ...brokenSilence(openSilence(sourceKey, from, to, due), to, horizonMs(settings)), to };
}

/** The overflows that may have taken something of a source, as facts its calls are folded by. */
export function overflowsOf(sourceKey: string, overflows: readonly Overflow[]): readonly OverflowSpan[] {
  return overflows
    .filter((one) => one.sourceKey === null || one.sourceKey === sourceKey)
    .map(({ from, to, dropped, received }) => ({ from, to, share: dropped / (dropped + received) }));
}
