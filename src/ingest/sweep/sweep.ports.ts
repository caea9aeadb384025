/**
 * What the sweep asks of storage. Every write is idempotent or compares before it sets, so that several receivers may
 * sweep one database.
 */
import type { Book, Received } from '../../delivery/book.js';
import type { Mature, SampledSerial } from '../../delivery/meaning.js';
import type { LossWindow, Outage, SettingsVersion, Span } from '../../delivery/facts.js';
import type { WindowRhythm } from '../../delivery/rhythm.js';
import type { WindowSample } from '../../delivery/window.js';
import type { Gap, SerialMeaning, Settings } from '../../notification.js';
import type { KeyRef } from '../ports.js';

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
  /** Up to which version of the meaning all its calls have been folded again. */
  readonly foldedVersion: number;
  /** How long it may be silent now, as it was last written; null: not learned. */
  readonly silentAfterMs: number | null;
}

/** What serials of a source mean from an instant (W at the change) on. */
export interface MeaningChange {
  readonly since: number;
  readonly meaning: SerialMeaning;
  readonly serialBase: number;
}

/**
 * For how long before a notification nothing of its call may have come, ms, for it to stand for the call's number: a Ringing may
 * follow another code's; an OK or a Bye follows its Ringing by all of the ringing and talking.
 */
export interface AloneFor {
  readonly ringingMs: number;
  readonly laterMs: number;
}

/** A closed window with what it was closed on. */
export interface ClosedWindow extends LossWindow {
  readonly sample: WindowSample;
}

/** A span in which one receiver dropped datagrams, with what it took in beside them. */
export interface Overflow extends Span {
  /** null: dropped by the kernel unread, whoever sent it. */
  readonly sourceKey: string | null;
  /** `kernel`, or why they were refused. */
  readonly reason: string;
  readonly dropped: number;
  /** What was taken in of the source; of all sources where it is not known. */
  readonly received: number;
}

/** What overflows are declared with as gaps: all that is known of the minutes they lie in. */
export interface OverflowKnown {
  readonly overflows: readonly Overflow[];
  /** Every source, with the network's loss in its last closed window. */
  readonly loss: ReadonlyMap<string, number>;
}

/** A span of time that is a gap and whose deadline W has passed, with what shows what it cost. */
export interface DueSpan {
  readonly gap: Gap;
  /** Notifications inside that serials or states prove lost. */
  readonly holes: number;
  /** What the source said shortly before: how many notifications in how many ms; null when nothing. */
  readonly heard: { readonly count: number; readonly ms: number } | null;
  /** The last receipt of anybody inside: until then somebody listened; null when nothing was received inside. */
  readonly servedUntil: number | null;
  /** Loss of the network in the source's last closed window. */
  readonly p: number;
}

/** Feed facts since some instant, by source where they belong to one. */
export interface FeedFacts {
  readonly outages: readonly Span[];
  readonly overflows: readonly Overflow[];
  /** Every version of the settings, oldest first. */
  readonly versions: readonly SettingsVersion[];
  readonly windows: ReadonlyMap<string, readonly ClosedWindow[]>;
  readonly quarantinedAt: ReadonlyMap<string, readonly number[]>;
}

export interface Beat {
  /** W: the least time, over receivers that are alive, up to which all that was received is in PostgreSQL. */
  readonly through: number;
  /** The latest sign of life of the other receivers; null when there was none ever. */
  readonly othersAliveAt: number | null;
}

/** What receivers left of themselves, as one that starts finds it. */
export interface LastSigns {
  /** The latest sign of life of any receiver; null when there was none ever. */
  readonly aliveAt: number | null;
  /** Whether one of them may serve: it has not stopped, and is not gone. */
  readonly mayServe: boolean;
}

/** Calls of one key that are due. */
export interface DueKey {
  readonly key: KeyRef;
  readonly ids: readonly string[];
}

export interface SweepStore {
  /** The signs of life there are before the first beat of a receiver. */
  lastSigns(receiverId: string, now: number): Promise<LastSigns>;
  /** Writes this receiver's sign of life and how far it is durable. */
  beat(receiverId: string, now: number, durableThrough: number): Promise<Beat>;
  /**
   * Says that this receiver stopped on purpose, with all it received durable.
   * @param servedUntil when it stopped reading: an outage begins there. Null: it never listened, and its first sign of life stands
   */
  stopped(receiverId: string, now: number, servedUntil: number | null): Promise<void>;
  /** Declares a span in which no receiver served, as a fact and as a gap of every known source. */
  declareOutage(receiverId: string, outage: Outage, gaps: (sourceKey: string) => Gap): Promise<void>;
  /**
   * Declares what was dropped, as facts and as gaps. Call it before the beat that moves W past it.
   * @param gaps given what is known of the minutes they lie in, what overflowed there before included
   */
  declareOverflow(
    receiverId: string,
    overflows: readonly Overflow[],
    gaps: (known: OverflowKnown) => readonly Gap[],
  ): Promise<void>;
  sources(): Promise<readonly SweptSource[]>;
  feedFacts(since: number): Promise<FeedFacts>;
  /**
   * Notifications of a source first received in (after, through], in order of receipt.
   * @param alone null: each counts. Otherwise one counts when nothing of its Call ID and serial came in the time before it.
   */
  received(
    sourceKey: string,
    span: { readonly after: number | null; readonly through: number },
    alone: AloneFor | null,
    limit: number,
  ): Promise<readonly Received[]>;
  /** The newest notifications of a source first received up to `through`, at most `limit`. */
  recent(sourceKey: string, through: number, limit: number): Promise<readonly SampledSerial[]>;
  /**
   * What H has gone by for at `through`: the newest calls that began before that, at most `calls`, whole; and the newest
   * notifications up to `through`, at most `notifications`.
   */
  mature(
    sourceKey: string,
    through: number,
    horizonMs: number,
    limits: { readonly calls: number; readonly notifications: number },
  ): Promise<Mature>;
  /** Stores a moved book and its gaps; false when another receiver moved it meanwhile (nothing is written then). */
  saveBook(source: SweptSource, book: Book, through: number, gaps: readonly Gap[]): Promise<boolean>;
  /**
   * Sets the meaning of a source's serials; false when it was changed or pinned meanwhile. Its book starts anew, and the
   * serial gaps that the old meaning had open are explained by it.
   */
  setMeaning(source: SweptSource, change: MeaningChange): Promise<boolean>;
  /**
   * Sums over the calls of a source that ended in [from, to).
   * @param deaf when what came may not have been taken in. What is missing for that says nothing of the network: serials of calls that went on
   *   up to H before, or were first heard within H and a ringing's limit after; states whose first was received from then to H after; and
   *   copies between one before and one after
   */
  windowSample(sourceKey: string, window: Span, deaf: readonly Span[], settings: Settings): Promise<WindowSample>;
  /** First instant anything of the source was received; null when nothing was. */
  firstReceivedAt(sourceKey: string): Promise<number | null>;
  /** When the source spoke in [from, to); null when it did not. */
  windowRhythm(sourceKey: string, window: Span): Promise<WindowRhythm | null>;
  closeWindow(sourceKey: string, window: ClosedWindow): Promise<void>;
  /** The rhythms of the windows of a source that began at `since` or later, in order of time. */
  rhythms(sourceKey: string, since: number): Promise<readonly WindowRhythm[]>;
  /** Silences not broken yet. */
  openSilences(): Promise<readonly Gap[]>;
  /** Whether a `silence` gap of a source tells of any of this time. */
  hasSilence(sourceKey: string, span: Span): Promise<boolean>;
  setSilentAfter(sourceKey: string, silentAfterMs: number | null): Promise<void>;
  /** Says that all calls of a source have been folded under this version of its meaning. */
  setFolded(sourceKey: string, meaningVersion: number): Promise<void>;
  /** Settles every call whose time has come and whose outcome waits for nothing else; returns how many. */
  settle(through: number, now: number, limit: number): Promise<number>;
  /** Ended calls whose time has come and whose outcome waits for facts. */
  dueCalls(through: number, limit: number): Promise<readonly DueKey[]>;
  /** Calls still open whose stale limit has passed. */
  staleCalls(through: number, limit: number): Promise<readonly DueKey[]>;
  /** Calls of at most `limit` keys of a source, in key order after `after`: the unsettled ones, or all. */
  callsOf(sourceKey: string, settledToo: boolean, after: string | null, limit: number): Promise<readonly DueKey[]>;
  /** Holes and missing states whose deadline W has passed are lost. */
  expireHoles(through: number): Promise<void>;
  /** Spans of time whose deadline W has passed and that no hole still open lies in. */
  dueSpans(through: number, horizonMs: number, limit: number): Promise<readonly DueSpan[]>;
  /**
   * Spans closed after `since`, as what serials and states show inside by now has them: a hole inside a call may show hours later, when
   * the call goes on. `lost` with one inside, else `explained`; the estimate is what they leave of what was expected.
   */
  reviseSpans(since: number, horizonMs: number): Promise<void>;
  /** Writes gaps of sources as they stand now. */
  putGaps(gaps: readonly Gap[]): Promise<void>;
  /** Declares spans of quarantine since `since` as gaps. */
  declareQuarantine(since: number, gap: (sourceKey: string, span: Span, count: number) => Gap): Promise<void>;
}
