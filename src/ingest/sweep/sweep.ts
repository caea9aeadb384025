/**
 * The sweep: what only time decides. A beat writes a sign of life and gives W, how far everything received is in
 * PostgreSQL over all receivers; when the last sign of life of anybody lies too far back, a span in which nobody listened
 * is declared. A tick moves the ledger to W:
 *
 *   book      serials that count across calls: holes open, fill, are lost (delivery/book.ts)
 *   window    a loss window whose last copy has had its H closes, and its loss is frozen (delivery/window.ts)
 *   meaning   what serials count is learned, or contradicted (delivery/meaning.ts)
 *   calls     stale ones are presumed ended, ended ones settle, those that waited for facts are folded again
 *   gaps      deadlines that W has passed
 *
 * The order matters: facts first, then what depends on them. Any receiver may do any of it at any time.
 */
import { advance, EMPTY_BOOK, MOST_LOST_IN_A_ROW } from '../../delivery/book.js';
import { noFacts, type SourceFacts } from '../../delivery/facts.js';
import { holesOf } from '../../delivery/holes.js';
import { MOST_POOLED } from '../../delivery/window.js';
import { horizonMs, type Gap, type Settings } from '../../notification.js';
import { refold } from '../assemble/assemble.js';
import { deafTimes } from '../feed/deaf.js';
import { Heartbeat, NOTHING_NOTICED, type Noticed } from '../feed/heartbeat.js';
import { SilenceWatch } from '../feed/silence.js';
import { closeSpan, overflowsOf } from '../feed/span-gaps.js';
import { WindowCloser } from '../feed/windows.js';
import { Learner } from './learner.js';
import { quarantineGap, serialGap } from './sweep.gaps.js';
import type { LedgerStore } from '../ports.js';
import type { FeedStore } from '../spool/feed-store.js';
import type { AloneFor, DueKey, FeedFacts, SweepStore, SweptSource } from './sweep.ports.js';

export interface SweepOptions {
  readonly receiverId: string;
  readonly settings: Settings;
  readonly heartbeatMs: number;
  /** Where beats and feed facts go; to the store itself when nothing stands by for it. */
  readonly feed?: FeedStore;
}

/** What a tick leaves for ingest: the facts of each source as of W. */
export interface Swept {
  readonly through: number;
  readonly facts: ReadonlyMap<string, SourceFacts>;
}

/** A tick was ended before it was through: what it did is done, and the next one takes up where it stopped. */
export class TickCutShort extends Error {}

/** Rows per statement: large enough to keep up with 20,000 notifications/s at four ticks a second, small enough to hold no lock for long. */
const RECEIVED_AT_ONCE = 20_000;
const SETTLED_AT_ONCE = 5_000;
const SPANS_AT_ONCE = 500;
/** Rounds of one kind of work per tick, so that a backlog never starves the heartbeat. */
const ROUNDS = 4;
/**
 * Calls folded at once, between which datagrams are read and acks sent: 500 took 50 to 100 ms, and a source of 500/s whose meaning had just been
 * learned was acked with a p95 of 207 to 257 ms where it is 39 to 52 now (four and two runs in turn).
 */
const CALLS_AT_ONCE = 100;
const CALL_ROUNDS = 20;

export class Sweep {
  private readonly horizon: number;
  /** The first of a call stands for its number, and no Bye of a long one does: three in a row looked like serials begun anew. */
  private readonly alone: AloneFor;
  private readonly learner: Learner;
  private readonly heartbeat: Heartbeat;
  private readonly windows: WindowCloser;
  private readonly silence: SilenceWatch;
  /** How far back facts are kept for calls that may still change. */
  private readonly keepMs: number;
  /** The version of each source's meaning that its calls were last folded under here. */
  private readonly folded = new Map<string, number>();
  private isOver = (): boolean => false;

  constructor(
    private readonly store: SweepStore,
    private readonly ledger: LedgerStore,
    private readonly options: SweepOptions,
  ) {
    this.horizon = horizonMs(options.settings);
    const { staleRingingMs, staleAnsweredMs, lossWindowMs } = options.settings;
    this.keepMs = staleAnsweredMs + this.horizon + lossWindowMs * (MOST_POOLED + 1);
    this.alone = { ringingMs: staleRingingMs, laterMs: staleRingingMs + staleAnsweredMs + this.horizon };
    this.learner = new Learner(store, this.horizon);
    this.heartbeat = new Heartbeat(options.feed ?? store, options);
    this.windows = new WindowCloser(store, options.settings);
    this.silence = new SilenceWatch(store, options.settings);
  }

  /**
   * Sign of life, and what it means for the feed (docs/truth.md 17). Apart from the rest, because a sweep with much to do must
   * not make a receiver that serves look dead.
   * @param durableThrough up to when everything this receiver received is in PostgreSQL, or was refused as `noticed` says
   * @returns W
   */
  beat(now: number, durableThrough: number, noticed: Noticed = NOTHING_NOTICED): Promise<number> {
    return this.heartbeat.beat(now, durableThrough, noticed);
  }

  /**
   * The facts as they are stored, for ingest to begin with: a first tick over 10,000 sources or 50,000 calls takes longer than a sender is
   * patient. They reach up to no instant, so that nothing is decided by them that has to wait for one.
   */
  async known(through: number): Promise<Swept['facts']> {
    const [sources, feed] = [await this.store.sources(), await this.store.feedFacts(through - this.keepMs)];
    return this.factsOf(sources, feed, Number.NEGATIVE_INFINITY);
  }

  /**
   * Moves the ledger to W.
   * @param through W, as the last beat gave it
   * @param now the instant of this write
   * @param publish given the facts before calls are folded by them; resolves when nothing that ingest folded by older ones is
   *   still to be committed, so that it is found and folded again here
   * @param isOver asked between sources, and between pages of calls: whether to stop there
   * @throws TickCutShort, and whatever the store throws; the next tick takes up where this one stopped
   */
  async tick(
    through: number,
    now: number,
    publish: (facts: Swept['facts']) => Promise<void> = () => Promise.resolve(),
    isOver: () => boolean = () => false,
  ): Promise<Swept> {
    const { keepMs } = this;
    this.isOver = isOver;
    await this.store.declareQuarantine(through - 2 * this.horizon, (source, span, count) =>
      quarantineGap(source, span, count, this.horizon),
    );
    const before = await this.store.feedFacts(through - keepMs);
    const moved: SweptSource[] = [];
    let closed = 0;
    const deafOf = deafTimes(before);
    for (const source of await this.store.sources()) {
      this.mayGoOn();
      closed += await this.windows.close(source.key, before.windows.get(source.key) ?? [], deafOf(source.key), {
        through,
        keepMs,
      });
      const learned = await this.learner.look(source, through);
      moved.push(await this.moveBook(learned, through, keepMs));
    }
    const feed = closed > 0 ? await this.store.feedFacts(through - keepMs) : before;
    const facts = this.factsOf(moved, feed, through);
    await publish(facts);
    for (const source of moved) await this.reevaluate(source, facts, now);
    await this.moveCalls(facts, through, now);
    await this.moveGaps(through);
    await this.silence.look(moved, deafOf, through);
    return { through, facts };
  }

  /** Holes first: a span of time counts as lost with one lost in the same move. */
  private async moveGaps(through: number): Promise<void> {
    await this.store.expireHoles(through);
    for (let round = 0; round < ROUNDS; round++) {
      const due = await this.store.dueSpans(through, this.horizon, SPANS_AT_ONCE);
      if (due.length > 0) await this.store.putGaps(due.map((one) => closeSpan(one, this.options.settings)));
      if (due.length < SPANS_AT_ONCE) break;
    }
    await this.store.reviseSpans(through - this.keepMs, this.horizon);
  }

  /** Moves the book of a source whose serials count across calls. */
  private async moveBook(source: SweptSource, through: number, keepMs: number): Promise<SweptSource> {
    if (source.meaning !== 'per_source' && source.meaning !== 'call_number') return source;
    let current = source;
    for (let round = 0; round < ROUNDS; round++) {
      const after = current.processedThrough;
      if (after !== null && after >= through) break;
      const alone = source.meaning === 'call_number' ? this.alone : null;
      const received = await this.store.received(source.key, { after, through }, alone, RECEIVED_AT_ONCE);
      const last = received.at(-1);
      // A full page may have cut an instant in two: move only to the one before its last.
      const full = received.length >= RECEIVED_AT_ONCE && last !== undefined;
      const upTo = full ? last.firstAt - 1 : through;
      const { book, events } = advance(
        current.book ?? EMPTY_BOOK,
        received.filter((one) => one.firstAt <= upTo),
        upTo,
        { horizonMs: this.horizon, keepMs },
      );
      const gaps = newest(events.map((event) => serialGap(source.key, event, this.horizon, MOST_LOST_IN_A_ROW)));
      if (!(await this.store.saveBook(current, book, upTo, gaps))) break;
      current = { ...current, book, processedThrough: upTo };
      if (!full) break;
    }
    return current;
  }

  private factsOf(sources: readonly SweptSource[], feed: FeedFacts, through: number): ReadonlyMap<string, SourceFacts> {
    return new Map(
      sources.map((source) => {
        const windows = feed.windows.get(source.key) ?? [];
        const counted = source.meaning === 'per_source' || source.meaning === 'call_number';
        const facts: SourceFacts = {
          ...noFacts(source.key, this.options.settings),
          meaning: source.meaning,
          serialBase: source.serialBase,
          through: counted ? Math.min(through, source.processedThrough ?? Number.NEGATIVE_INFINITY) : through,
          holes: source.book === null ? [] : holesOf(source.book),
          epochs: source.book?.epochs ?? [],
          outages: feed.outages,
          versions: feed.versions,
          overflows: overflowsOf(source.key, feed.overflows),
          quarantinedAt: feed.quarantinedAt.get(source.key) ?? [],
          lossWindows: windows,
        };
        return [source.key, facts];
      }),
    );
  }

  /** Presumes, settles and folds again what is due. */
  private async moveCalls(facts: ReadonlyMap<string, SourceFacts>, through: number, now: number): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      if ((await this.store.settle(through, now, SETTLED_AT_ONCE)) < SETTLED_AT_ONCE) break;
    }
    for (const due of [this.store.staleCalls.bind(this.store), this.store.dueCalls.bind(this.store)]) {
      for (let round = 0; round < CALL_ROUNDS; round++) {
        const keys = await due(through, CALLS_AT_ONCE);
        await this.refoldKeys(keys, facts, now);
        if (keys.length < CALLS_AT_ONCE) break;
      }
    }
  }

  private async refoldKeys(
    due: readonly DueKey[],
    facts: ReadonlyMap<string, SourceFacts>,
    now: number,
  ): Promise<void> {
    this.mayGoOn();
    if (due.length === 0) return;
    const ids = new Map(due.map((one) => [one.key.callKey, new Set(one.ids)]));
    await this.ledger.commit(
      due.map((one) => one.key),
      (stored) =>
        due.flatMap(({ key }) => {
          const known = stored.get(key.callKey);
          const own = facts.get(key.sourceKey);
          if (known === undefined || own === undefined) return [];
          return refold(key, known, own, now, ids.get(key.callKey) ?? new Set()) ?? [];
        }),
    );
  }

  /**
   * Folds calls of a source again when what its serials mean has changed, whoever changed it (docs/truth.md 8): the open and
   * unsettled ones, by each receiver, for its ingest folded by the old meaning until now; and all of them when no meaning
   * was ever folded by, for the first holds from the first notification on. That is remembered with the source, so that a
   * receiver killed before or while it folds leaves the debt to whoever comes next.
   */
  private async reevaluate(source: SweptSource, facts: ReadonlyMap<string, SourceFacts>, now: number): Promise<void> {
    const { key, meaningVersion, foldedVersion } = source;
    const owed = foldedVersion < meaningVersion;
    if (meaningVersion > 0 && (owed || this.folded.get(key) !== meaningVersion)) {
      await this.refoldAll(key, owed && foldedVersion === 0, facts, now);
    }
    this.folded.set(key, meaningVersion);
    if (owed) await this.store.setFolded(key, meaningVersion);
  }

  private mayGoOn(): void {
    if (this.isOver()) throw new TickCutShort('the tick was cut short');
  }

  private async refoldAll(
    sourceKey: string,
    settledToo: boolean,
    facts: ReadonlyMap<string, SourceFacts>,
    now: number,
  ): Promise<void> {
    let after: string | null = null;
    for (;;) {
      const page: readonly DueKey[] = await this.store.callsOf(sourceKey, settledToo, after, CALLS_AT_ONCE);
      await this.refoldKeys(page, facts, now);
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.key.callKey;
    }
  }
}

/** Of several states of one gap in one move, the last. */
function newest(gaps: readonly Gap[]): readonly Gap[] {
  return [...new Map(gaps.map((gap) => [gap.id, gap])).values()];
}
