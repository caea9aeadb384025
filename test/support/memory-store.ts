/**
 * The ledger in memory: the stores of ingest and of the sweep for the seeded simulation. It passes the same contract
 * test as PostgreSQL's (test/db/ledger-contract.ts).
 */
import type { Book, Received } from '../../src/delivery/book.js';
import type { Mature, SampledSerial } from '../../src/delivery/meaning.js';
import type { Span } from '../../src/delivery/facts.js';
import type { WindowSample } from '../../src/delivery/window.js';
import type { KeyRef } from '../../src/ingest/ports.js';
import type {
  AloneFor,
  DueKey,
  FeedFacts,
  MeaningChange,
  SweepStore,
  SweptSource,
} from '../../src/ingest/sweep/sweep.ports.js';
import { rank } from '../../src/delivery/evidence.js';
import {
  eventTimeOf,
  horizonMs,
  type Gap,
  type LossSample,
  type SerialMeaning,
  type Settings,
  type WireState,
} from '../../src/notification.js';
import { MemoryFeed } from './memory-feed.js';
import type { HeardSerial, MemoryCall } from './memory-ledger.js';

export class MemoryStore extends MemoryFeed implements SweepStore {
  private readonly swept = new Map<string, SweptSource>();

  addSource(key: string): void {
    if (this.swept.has(key)) return;
    const fresh = {
      meaning: 'unknown',
      serialBase: 1,
      pinned: false,
      meaningVersion: 0,
      lastHeardAt: null,
      book: null,
      processedThrough: null,
      foldedVersion: 0,
      silentAfterMs: null,
    } as const;
    this.swept.set(key, { key, ...fresh });
  }

  /** Sets what a source's serials mean, as an operator would. */
  pin(key: string, meaning: SerialMeaning): void {
    const source = this.swept.get(key);
    if (source !== undefined) this.swept.set(key, { ...source, meaning, pinned: true });
  }

  meaningOf(key: string): SerialMeaning {
    return this.swept.get(key)?.meaning ?? 'unknown';
  }

  protected override heard(sourceKey: string, at: number): void {
    const source = this.swept.get(sourceKey);
    if (source === undefined) return;
    this.swept.set(sourceKey, { ...source, lastHeardAt: Math.max(at, source.lastHeardAt ?? at) });
  }

  setSilentAfter(key: string, silentAfterMs: number | null): Promise<void> {
    const source = this.swept.get(key);
    if (source !== undefined) this.swept.set(key, { ...source, silentAfterMs });
    return Promise.resolve();
  }

  setFolded(key: string, foldedVersion: number): Promise<void> {
    const source = this.swept.get(key);
    if (source !== undefined) this.swept.set(key, { ...source, foldedVersion });
    return Promise.resolve();
  }

  protected override sourceKeys(): readonly string[] {
    return [...this.swept.keys()];
  }

  sources(): Promise<readonly SweptSource[]> {
    return Promise.resolve([...this.swept.values()]);
  }

  feedFacts(since: number): Promise<FeedFacts> {
    const quarantinedAt = new Map<string, number[]>();
    for (const { sourceKey, receivedAt, lastReceivedAt } of this.quarantined.values()) {
      if (lastReceivedAt < since) continue;
      quarantinedAt.set(sourceKey, [...(quarantinedAt.get(sourceKey) ?? []), receivedAt, lastReceivedAt]);
    }
    return Promise.resolve({
      outages: this.outages.filter((one) => one.to >= since),
      overflows: this.overflows.filter((one) => one.to >= since),
      versions: [],
      windows: new Map([...this.windows].map(([key, all]) => [key, all.filter((one) => one.to >= since)])),
      quarantinedAt,
    });
  }

  private serials(sourceKey: string, after: number, through: number): HeardSerial[] {
    return this.serialsOf(sourceKey).filter(({ firstAt }) => firstAt > after && firstAt <= through);
  }

  received(
    sourceKey: string,
    span: { readonly after: number | null; readonly through: number },
    alone: AloneFor | null,
    limit: number,
  ): Promise<readonly Received[]> {
    const taken = this.serials(sourceKey, span.after ?? 0, span.through).slice(0, limit);
    const before = alone === null ? [] : this.serials(sourceKey, 0, span.through);
    const aloneMs = (state: WireState): number => (rank(state) === 0 ? alone?.ringingMs : alone?.laterMs) ?? 0;
    return Promise.resolve(
      taken.map(({ serial, firstAt, idleMs, callKey, state }) => ({
        serial: /^\d{1,38}$/.test(serial) ? BigInt(serial) : null,
        firstAt,
        idleMs,
        counts: !before.some(
          (one) =>
            one.callKey === callKey &&
            one.serial === serial &&
            one.firstAt < firstAt &&
            one.firstAt > firstAt - aloneMs(state),
        ),
      })),
    );
  }

  recent(sourceKey: string, through: number, limit: number): Promise<readonly SampledSerial[]> {
    return Promise.resolve(this.serials(sourceKey, 0, through).reverse().slice(0, limit));
  }

  mature(
    sourceKey: string,
    through: number,
    horizonMs: number,
    limits: { readonly calls: number; readonly notifications: number },
  ): Promise<Mature> {
    const all = this.serials(sourceKey, 0, through);
    const begun = new Set(all.filter(({ firstAt }) => firstAt <= through - horizonMs).map(({ callKey }) => callKey));
    const newest = new Set([...begun].slice(-limits.calls));
    return Promise.resolve({
      calls: all.filter(({ callKey }) => newest.has(callKey)),
      stream: all.slice(-limits.notifications),
    });
  }

  saveBook(source: SweptSource, book: Book, through: number, gaps: readonly Gap[]): Promise<boolean> {
    const now = this.swept.get(source.key);
    if (now?.meaningVersion !== source.meaningVersion || now.processedThrough !== source.processedThrough) {
      return Promise.resolve(false);
    }
    this.swept.set(source.key, { ...now, book, processedThrough: through });
    for (const gap of gaps) this.gaps.set(gap.id, gap);
    return Promise.resolve(true);
  }

  setMeaning(source: SweptSource, { since, meaning, serialBase }: MeaningChange): Promise<boolean> {
    const now = this.swept.get(source.key);
    if (now?.meaningVersion !== source.meaningVersion || now.pinned) return Promise.resolve(false);
    for (const gap of this.gaps.values()) {
      const stale =
        gap.sourceKey === source.key && gap.kind === 'serial' && gap.callKey === null && gap.status === 'open';
      if (stale) this.gaps.set(gap.id, { ...gap, status: 'explained', closedAt: since });
    }
    const version = now.meaningVersion + 1;
    this.swept.set(source.key, {
      ...now,
      meaning,
      serialBase,
      meaningVersion: version,
      book: null,
      processedThrough: null,
    });
    return Promise.resolve(true);
  }

  windowSample(sourceKey: string, window: Span, deaf: readonly Span[], settings: Settings): Promise<WindowSample> {
    const ended = [...this.calls.values()].filter(({ record }) => {
      const at = record.endedAt ?? record.presumedEndedAt;
      return record.sourceKey === sourceKey && at !== null && at >= window.from && at < window.to;
    });
    const horizon = horizonMs(settings);
    const isHeard = ({ record: { firstSeenAt, endedAt, presumedEndedAt } }: MemoryCall): boolean =>
      !deaf.some(
        ({ from, to }) =>
          firstSeenAt < to + settings.staleRingingMs + horizon && (endedAt ?? presumedEndedAt ?? to) > from - horizon,
      );
    const isOrdered = ({ record: { ringingAt, answeredAt, endedAt } }: MemoryCall): boolean => {
      const first = Math.min(...[ringingAt, answeredAt ?? endedAt].filter((at) => at !== null));
      return !deaf.some(({ from, to }) => first >= from && first < to + horizon);
    };
    const records = ended.map(({ record }) => record);
    const samples = (which: (call: MemoryCall) => boolean): readonly LossSample[] =>
      ended.filter(which).map(({ record }) => record.lossSample);
    const heard = samples(isHeard);
    const ordered = samples(isOrdered);
    const sum = (some: readonly LossSample[], of: keyof LossSample): number =>
      some.reduce((total, sample) => total + sample[of], 0);
    const copies = ended.filter((call) => !isHeard(call)).map((call) => this.copiesBeside(call, deaf, settings));
    const unanswered = records.filter((record) => record.disposition !== 'answered');
    return Promise.resolve({
      copyPairs: copies.reduce((total, { pairs }) => total + pairs, sum(heard, 'copyPairs')),
      copiesMissing: copies.reduce((total, { missing }) => total + missing, sum(heard, 'copiesMissing')),
      statesInverted: sum(ordered, 'statesInverted'),
      orderedBins: [0, 1, 2, 3, 4, 5, 6, 7].map(
        (bin) =>
          ordered.filter((one) => one.statePairs === 1 && one.statesInverted === 0 && one.statePairBin === bin).length,
      ),
      serialsSeen: sum(heard, 'serialsSeen'),
      serialsLost: sum(heard, 'serialsLost'),
      ended: ended.length,
      answered: records.filter((record) => record.disposition === 'answered').length,
      rang: records.filter((record) => record.ringingAt !== null).length,
      unansweredReported: unanswered.filter((record) => record.endProvenance === 'reported').length,
      unansweredPresumed: unanswered.filter((record) => record.endProvenance === 'presumed').length,
      answers: this.serialsOf(sourceKey).filter(
        ({ state, firstAt }) => state === 'ok' && firstAt >= window.from && firstAt < window.to,
      ).length,
    });
  }

  private copiesBeside(
    { key, record }: MemoryCall,
    deaf: readonly Span[],
    settings: Settings,
  ): { readonly pairs: number; readonly missing: number } {
    const own = [...this.raw.values()]
      .filter((row) => row.key.callKey === key.callKey)
      .map(({ write }) => write.notification)
      .filter(
        ({ firstAt, lastAt, serial }) =>
          firstAt >= record.firstSeenAt &&
          firstAt <= (record.endedAt ?? record.presumedEndedAt ?? firstAt) + horizonMs(settings) &&
          eventTimeOf(serial) === null &&
          !deaf.some(({ from, to }) => firstAt < to && lastAt > from),
      );
    const missing = own.map(({ firstAt, lastAt, copies }) =>
      Math.max(0, Math.floor((lastAt - firstAt) / settings.intervalMs + 0.25) - (copies - 1)),
    );
    return {
      pairs: own.reduce((total, { copies }) => total + copies - 1, 0),
      missing: missing.reduce((total, one) => total + one, 0),
    };
  }

  firstReceivedAt(sourceKey: string): Promise<number | null> {
    return Promise.resolve(this.serials(sourceKey, 0, Number.MAX_SAFE_INTEGER)[0]?.firstAt ?? null);
  }

  settle(through: number, _now: number, limit: number): Promise<number> {
    const due = this.unsettledRecords()
      .filter(({ record }) => record.settleAfter !== null && record.settleAfter <= through && !record.awaitsFacts)
      .slice(0, limit);
    for (const call of due) {
      const settled = { ...call, record: { ...call.record, settled: true }, revision: call.revision + 1 };
      this.put(settled);
      this.changes.push({ record: settled.record, revision: settled.revision, superseded: false });
    }
    return Promise.resolve(due.length);
  }

  private keysOf(calls: readonly MemoryCall[]): readonly DueKey[] {
    const keys = new Map<string, { key: KeyRef; ids: string[] }>();
    for (const { key, record } of calls) {
      const known = keys.get(key.callKey);
      if (known === undefined) keys.set(key.callKey, { key, ids: [record.id] });
      else known.ids.push(record.id);
    }
    return [...keys.values()];
  }

  dueCalls(through: number, limit: number): Promise<readonly DueKey[]> {
    const due = this.unsettledRecords().filter(
      ({ record }) => record.settleAfter !== null && record.settleAfter <= through && record.awaitsFacts,
    );
    return Promise.resolve(this.keysOf(due.slice(0, limit)));
  }

  staleCalls(through: number, limit: number): Promise<readonly DueKey[]> {
    const stale = this.unsettledRecords().filter(({ record }) => record.staleAt !== null && record.staleAt < through);
    return Promise.resolve(this.keysOf(stale.slice(0, limit)));
  }

  callsOf(sourceKey: string, settledToo: boolean, after: string | null, limit: number): Promise<readonly DueKey[]> {
    const all = settledToo ? [...this.calls.values()] : this.unsettledRecords();
    const own = all.filter(({ key }) => key.sourceKey === sourceKey && key.callKey > (after ?? ''));
    const keys = [...this.keysOf(own)].sort((a, b) => (a.key.callKey < b.key.callKey ? -1 : 1));
    return Promise.resolve(keys.slice(0, limit));
  }
}
