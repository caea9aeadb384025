/**
 * What the sweep asks of storage. Every write is idempotent or compares before it sets, so that several receivers may
 * sweep one database.
 */
import type { Book, Received } from '../delivery/book.js';
import type { SampledSerial } from '../delivery/meaning.js';
import type { LossWindow, Span } from '../delivery/facts.js';
import type { WindowSample } from '../delivery/window.js';
import type { Gap, SerialMeaning } from '../notification.js';
import type { KeyRef } from './ports.js';

export interface SweptSource {
  readonly key: string;
  readonly meaning: SerialMeaning;
  readonly serialBase: number;
  /** The operator set the meaning: learning leaves it alone. */
  readonly pinned: boolean;
  readonly meaningVersion: number;
  /** Its last datagram, as far as it was written down. */
  readonly lastHeardAt: number | null;
  readonly book: Book | null;
  /** W up to which the book was moved; null when never. */
  readonly processedThrough: number | null;
}

/** What serials of a source mean from an instant (W at the change) on. */
export interface MeaningChange {
  readonly since: number;
  readonly meaning: SerialMeaning;
  readonly serialBase: number;
}

/** A closed window with what it was closed on. */
export interface ClosedWindow extends LossWindow {
  readonly sample: WindowSample;
}

/** Feed facts since some instant, by source where they belong to one. */
export interface FeedFacts {
  readonly outages: readonly Span[];
  readonly windows: ReadonlyMap<string, readonly ClosedWindow[]>;
  readonly quarantinedAt: ReadonlyMap<string, readonly number[]>;
}

export interface Beat {
  /** W: the least time, over receivers that are alive, up to which all that was received is in PostgreSQL. */
  readonly through: number;
  /** The latest sign of life of any receiver before this beat; null when there was none ever. */
  readonly aliveAt: number | null;
}

/** Calls of one key that are due. */
export interface DueKey {
  readonly key: KeyRef;
  readonly ids: readonly string[];
}

export interface SweepStore {
  /** Writes this receiver's sign of life and how far it is durable. */
  beat(receiverId: string, now: number, durableThrough: number): Promise<Beat>;
  /** Says that this receiver stopped on purpose, with all it received durable. */
  stopped(receiverId: string, now: number): Promise<void>;
  /** Declares a span in which no receiver served, as a fact and as a gap of every known source. */
  declareOutage(receiverId: string, span: Span, gaps: (sourceKey: string) => Gap): Promise<void>;
  sources(): Promise<readonly SweptSource[]>;
  feedFacts(since: number): Promise<FeedFacts>;
  /**
   * Notifications of a source first received in (after, through], in order of receipt.
   * @param firstOfCallMs null: each counts. Otherwise one counts when nothing of its Call ID came in the time before it.
   */
  received(
    sourceKey: string,
    span: { readonly after: number | null; readonly through: number },
    firstOfCallMs: number | null,
    limit: number,
  ): Promise<readonly Received[]>;
  /** The newest notifications of a source first received up to `through`, at most `limit`. */
  recent(sourceKey: string, through: number, limit: number): Promise<readonly SampledSerial[]>;
  /** Stores a moved book and its gaps; false when another receiver moved it meanwhile (nothing is written then). */
  saveBook(source: SweptSource, book: Book, through: number, gaps: readonly Gap[]): Promise<boolean>;
  /**
   * Sets the meaning of a source's serials; false when it was changed or pinned meanwhile. Its book starts anew, and the
   * serial gaps that the old meaning had open are explained by it.
   */
  setMeaning(source: SweptSource, change: MeaningChange): Promise<boolean>;
  /** Sums over the calls of a source that ended in [from, to). */
  windowSample(sourceKey: string, window: Span): Promise<WindowSample>;
  /** First instant anything of the source was received; null when nothing was. */
  firstReceivedAt(sourceKey: string): Promise<number | null>;
  closeWindow(sourceKey: string, window: ClosedWindow): Promise<void>;
  /** Settles every call whose time has come and whose outcome waits for nothing else; returns how many. */
  settle(through: number, now: number, limit: number): Promise<number>;
  /** Ended calls whose time has come and whose outcome waits for facts. */
  dueCalls(through: number, limit: number): Promise<readonly DueKey[]>;
  /** Calls still open whose stale limit has passed. */
  staleCalls(through: number, limit: number): Promise<readonly DueKey[]>;
  /** Calls of at most `limit` keys of a source, in key order after `after`: the unsettled ones, or all. */
  callsOf(sourceKey: string, settledToo: boolean, after: string | null, limit: number): Promise<readonly DueKey[]>;
  /** Gaps whose deadline W has passed: lost, or explained where they are spans of time with nothing missing inside. */
  expireGaps(through: number, horizonMs: number): Promise<void>;
  /** Declares spans of quarantine since `since` as gaps. */
  declareQuarantine(since: number, gap: (sourceKey: string, span: Span, count: number) => Gap): Promise<void>;
}
