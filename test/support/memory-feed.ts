/** The feed facts and the gaps of the ledger in memory: the part of {@link MemoryStore} that knows no calls. */
import type { Span } from '../../src/delivery/facts.js';
import type { WindowRhythm } from '../../src/delivery/rhythm.js';
import { RHYTHM_MS, SLOTS } from '../../src/delivery/rhythm.js';
import type {
  Beat,
  ClosedWindow,
  DueSpan,
  LastSigns,
  Overflow,
  OverflowKnown,
} from '../../src/ingest/sweep/sweep.ports.js';
import { type Gap, RECEIVER_GONE_MS } from '../../src/notification.js';
import { MemoryLedger } from './memory-ledger.js';

interface MemoryReceiver {
  beatAt: number;
  durableThrough: number;
  stoppedAt: number | null;
}

const RATE_OVER_MS = 600_000;

function latest(all: readonly MemoryReceiver[]): number | null {
  return all.length === 0 ? null : Math.max(...all.map((one) => one.stoppedAt ?? one.beatAt));
}

export abstract class MemoryFeed extends MemoryLedger {
  readonly outages: Span[] = [];
  readonly overflows: Overflow[] = [];
  protected readonly windows = new Map<string, ClosedWindow[]>();
  private readonly declared = new Set<string>();
  private readonly receivers = new Map<string, MemoryReceiver>();

  protected abstract sourceKeys(): readonly string[];

  lastSigns(receiverId: string, now: number): Promise<LastSigns> {
    const mayServe = this.othersOf(receiverId).some(
      (one) => one.stoppedAt === null && one.beatAt > now - RECEIVER_GONE_MS,
    );
    return Promise.resolve({ aliveAt: latest([...this.receivers.values()]), mayServe });
  }

  beat(receiverId: string, now: number, durableThrough: number): Promise<Beat> {
    const others = this.othersOf(receiverId);
    const serving = others.filter((one) => one.stoppedAt === null && one.beatAt > now - RECEIVER_GONE_MS);
    this.receivers.set(receiverId, { beatAt: now, durableThrough, stoppedAt: null });
    const through = Math.min(durableThrough, ...serving.map((one) => one.durableThrough));
    return Promise.resolve({ through, othersAliveAt: latest(others) });
  }

  private othersOf(receiverId: string): readonly MemoryReceiver[] {
    return [...this.receivers].filter(([id]) => id !== receiverId).map(([, receiver]) => receiver);
  }

  stopped(receiverId: string, now: number, servedUntil: number | null): Promise<void> {
    const stoppedAt =
      servedUntil === null ? (this.receivers.get(receiverId)?.beatAt ?? now) : Math.min(servedUntil, now);
    this.receivers.set(receiverId, { beatAt: now, durableThrough: now, stoppedAt });
    return Promise.resolve();
  }

  declareOutage(receiverId: string, span: Span, gap: (sourceKey: string) => Gap): Promise<void> {
    const id = `${receiverId} ${String(span.from)}`;
    if (!this.declared.has(id)) this.outages.push({ from: span.from, to: span.to });
    this.declared.add(id);
    return this.putGaps(this.sourceKeys().map(gap));
  }

  declareOverflow(
    receiverId: string,
    overflows: readonly Overflow[],
    gaps: (known: OverflowKnown) => readonly Gap[],
  ): Promise<void> {
    for (const one of overflows) {
      const id = `${receiverId} ${one.sourceKey ?? ''} ${one.reason} ${String(one.from)}`;
      if (!this.declared.has(id)) this.overflows.push(one);
      this.declared.add(id);
    }
    const minute = Math.floor(Math.min(...overflows.map(({ from }) => from)) / 60_000) * 60_000;
    const loss = new Map(this.sourceKeys().map((key) => [key, this.networkLoss(key)]));
    return this.putGaps(gaps({ overflows: this.overflows.filter(({ from }) => from >= minute), loss }));
  }

  putGaps(gaps: readonly Gap[]): Promise<void> {
    for (const gap of gaps) this.gaps.set(gap.id, gap);
    return Promise.resolve();
  }

  openSilences(): Promise<readonly Gap[]> {
    const open = [...this.gaps.values()].filter(
      ({ kind, status, to }) => kind === 'silence' && status === 'open' && to === null,
    );
    return Promise.resolve(open);
  }

  hasSilence(sourceKey: string, span: Span): Promise<boolean> {
    const declared = [...this.gaps.values()].some(
      (gap) =>
        gap.kind === 'silence' &&
        gap.sourceKey === sourceKey &&
        gap.from < span.to &&
        (gap.to ?? Number.POSITIVE_INFINITY) > span.from,
    );
    return Promise.resolve(declared);
  }

  expireHoles(through: number): Promise<void> {
    for (const hole of this.due(through).filter(isHole))
      this.gaps.set(hole.id, { ...hole, status: 'lost', closedAt: hole.deadlineAt });
    return Promise.resolve();
  }

  dueSpans(through: number, horizonMs: number, limit: number): Promise<readonly DueSpan[]> {
    const due = this.due(through).filter(
      (gap) => !isHole(gap) && !this.inside(gap, horizonMs).some(({ status }) => status === 'open'),
    );
    return Promise.resolve(due.slice(0, limit).map((gap) => this.dueSpan(gap, horizonMs)));
  }

  reviseSpans(since: number, horizonMs: number): Promise<void> {
    for (const span of this.gaps.values()) {
      const { kind, status, closedAt, expectedLost } = span;
      const closed = (status === 'lost' || status === 'explained') && closedAt !== null && closedAt > since;
      if (!closed || !(kind === 'outage' || kind === 'overflow' || kind === 'silence')) continue;
      const holes = this.lostInside(span, horizonMs);
      const estimatedLost = expectedLost === undefined ? span.estimatedLost : Math.max(0, expectedLost - holes);
      this.gaps.set(span.id, { ...span, status: holes > 0 ? 'lost' : 'explained', estimatedLost });
    }
    return Promise.resolve();
  }

  private lostInside(gap: Gap, horizonMs: number): number {
    const lost = this.inside(gap, horizonMs).filter(({ status }) => status === 'lost');
    return lost.reduce((sum, { estimatedLost }) => sum + (estimatedLost ?? 1), 0);
  }

  private dueSpan(gap: Gap, horizonMs: number): DueSpan {
    const before = this.serialsOf(gap.sourceKey).filter(
      ({ firstAt }) => firstAt < gap.from && firstAt >= gap.from - RATE_OVER_MS,
    );
    const since = Math.min(...before.map(({ firstAt }) => firstAt));
    const ends = this.outages.filter(({ from }) => from === gap.from).map(({ to }) => to);
    const ended = ends.length > 0 ? Math.min(...ends) : (gap.to ?? gap.from);
    const served = this.sourceKeys()
      .flatMap((key) => this.serialsOf(key).map(({ firstAt }) => firstAt))
      .filter((at) => at >= gap.from && at < ended);
    return {
      gap,
      holes: this.lostInside(gap, horizonMs),
      heard: before.length === 0 ? null : { count: before.length, ms: gap.from - since },
      servedUntil: served.length === 0 ? null : Math.max(...served),
      p: this.networkLoss(gap.sourceKey),
    };
  }

  private networkLoss(sourceKey: string): number {
    return this.windows.get(sourceKey)?.at(-1)?.pMean ?? 0;
  }

  private due(through: number): readonly Gap[] {
    return [...this.gaps.values()].filter(
      (gap) => gap.status === 'open' && gap.deadlineAt !== null && gap.deadlineAt < through,
    );
  }

  /** Certain holes and missing states that were sent inside a span of time. */
  private inside(span: Gap, horizonMs: number): readonly Gap[] {
    return [...this.gaps.values()].filter(
      (gap) =>
        gap.sourceKey === span.sourceKey &&
        isHole(gap) &&
        gap.certainty === 'certain' &&
        gap.from < (span.to ?? Number.POSITIVE_INFINITY) &&
        (gap.to ?? Number.POSITIVE_INFINITY) > span.from - horizonMs,
    );
  }

  windowRhythm(sourceKey: string, window: Span): Promise<WindowRhythm | null> {
    const slotMs = Math.max(1, (window.to - window.from) / SLOTS);
    const all = this.serialsOf(sourceKey).map(({ firstAt }) => firstAt);
    const inside = all.filter((at) => at >= window.from && at < window.to);
    const spoken = inside.filter((at, index) => {
      const previous = inside[index - 1];
      const slotOf = (one: number): number => Math.floor((one - window.from) / slotMs);
      return previous === undefined || slotOf(previous) !== slotOf(at);
    });
    if (spoken.length === 0) return Promise.resolve(null);
    let last = all.findLast((at) => at < window.from && at >= window.from - RHYTHM_MS) ?? null;
    let longest = { silenceFrom: window.from, silenceMs: 0 };
    for (const at of spoken) {
      if (last !== null && at - last > longest.silenceMs) longest = { silenceFrom: last, silenceMs: at - last };
      last = at;
    }
    return Promise.resolve({ heard: spoken.length, ...longest });
  }

  rhythms(sourceKey: string, since: number): Promise<readonly WindowRhythm[]> {
    const windows = (this.windows.get(sourceKey) ?? []).filter(({ from }) => from >= since);
    return Promise.resolve(windows.flatMap(({ rhythm }) => rhythm ?? []));
  }

  closeWindow(sourceKey: string, window: ClosedWindow): Promise<void> {
    const all = this.windows.get(sourceKey) ?? [];
    if (all.some((one) => one.from === window.from)) return Promise.resolve();
    this.windows.set(
      sourceKey,
      [...all, window].sort((a, b) => a.from - b.from),
    );
    return Promise.resolve();
  }

  declareQuarantine(since: number, gap: (sourceKey: string, span: Span, count: number) => Gap): Promise<void> {
    const spans = new Map<string, { sourceKey: string; from: number; to: number; count: number }>();
    for (const { sourceKey, receivedAt, lastReceivedAt } of this.quarantined.values()) {
      const from = Math.floor(receivedAt / 60_000) * 60_000;
      if (receivedAt < Math.floor(since / 60_000) * 60_000) continue;
      const id = `${sourceKey} ${String(from)}`;
      const known = spans.get(id) ?? { sourceKey, from, to: lastReceivedAt, count: 0 };
      spans.set(id, { ...known, to: Math.max(known.to, lastReceivedAt), count: known.count + 1 });
    }
    for (const { sourceKey, from, to, count } of spans.values()) {
      const row = gap(sourceKey, { from, to }, count);
      const closed = this.gaps.get(row.id);
      if (closed === undefined || closed.status === 'open' || to > (closed.to ?? to)) this.gaps.set(row.id, row);
    }
    return Promise.resolve();
  }
}

function isHole(gap: Gap): boolean {
  return gap.kind === 'serial' || gap.kind === 'state';
}
