/**
 * The shared value types: what a datagram says once decoded, and what the ledger keeps of it.
 *
 * Pure leaf: imports nothing. Instants are milliseconds since the Unix epoch (UTC); spans end in `Ms`.
 */

/**
 * The wire state of a notification (docs/truth.md 1). `early:<raw>` comes before any ringing, `other:<raw>` is known to
 * nobody and may have been the OK; both are stored and move no lifecycle.
 */
export type WireState = 'ringing' | '180' | '183' | 'ok' | 'bye' | `early:${string}` | `other:${string}`;

/** Where a call is now. */
export const CALL_STATES = ['ringing', 'answered', 'ended'] as const;
export type CallState = (typeof CALL_STATES)[number];

/** How an ended call turned out; null before it ended. */
export const DISPOSITIONS = ['answered', 'not_answered', 'unknown'] as const;
export type Disposition = (typeof DISPOSITIONS)[number];

/** What a disposition rests on: a notification said it, serials leave no room, or loss is improbable enough. */
export const DISPOSITION_BASES = ['reported', 'proven', 'inferred'] as const;
export type DispositionBasis = (typeof DISPOSITION_BASES)[number];

/** `reported`: a Bye was seen. `presumed`: none within the stale limit. */
export const END_PROVENANCES = ['reported', 'presumed'] as const;
export type EndProvenance = (typeof END_PROVENANCES)[number];

export const GAP_KINDS = ['serial', 'state', 'outage', 'overflow', 'silence', 'quarantine'] as const;
export type GapKind = (typeof GAP_KINDS)[number];
export const GAP_CERTAINTIES = ['certain', 'possible'] as const;
export type GapCertainty = (typeof GAP_CERTAINTIES)[number];
export const GAP_STATUSES = ['open', 'filled', 'lost', 'explained'] as const;
export type GapStatus = (typeof GAP_STATUSES)[number];

/** What a source's Serial Number counts (docs/truth.md 8). */
export const SERIAL_MEANINGS = ['per_call', 'per_source', 'constant', 'call_number', 'opaque', 'unknown'] as const;
export type SerialMeaning = (typeof SERIAL_MEANINGS)[number];

/** The fields of a report beyond its identity. An empty field on the wire is null here, never ''. */
export interface Content {
  readonly callerNumber: string | null;
  readonly calleeNumber: string | null;
  readonly forwardNumber: string | null;
  readonly menuId: string | null;
  readonly menuName: string | null;
}

/** One decoded datagram: identity within its source, the raw state text, and the content. */
export interface Report extends Content {
  readonly callId: string;
  /** Kept as text: it may exceed 2^53 or be no number at all. */
  readonly serial: string;
  readonly state: WireState;
  readonly stateRaw: string;
}

const EVENT_TIME = 'eventTime=';

/**
 * What stands in the serial's place where a report has none but says when its event happened: two posts of one event
 * share it, two events do not.
 * @param eventAt ms since the epoch, as the digits received
 */
export function eventTimeSerial(eventAt: string): string {
  return EVENT_TIME + eventAt;
}

/** Whether a serial is one of those that stand for an event time, whatever follows. */
export function isEventTimeSerial(serial: string): boolean {
  return serial.startsWith(EVENT_TIME);
}

/** When the event happened that a notification with this serial reports, ms since the epoch; null where a sender gives no times. */
export function eventTimeOf(serial: string): number | null {
  if (!isEventTimeSerial(serial)) return null;
  const digits = serial.slice(EVENT_TIME.length);
  return /^\d{1,15}$/.test(digits) ? Number(digits) : null;
}

/** When something was received. */
export interface Stamp {
  /** Wall-clock anchor plus monotonic time, so a stepped clock never makes time run backwards. */
  readonly at: number;
  /** How long the receive loop had not run before this datagram was read: it may have waited that long in the kernel. */
  readonly idleMs: number;
}

/** One arrival of a report from a source. */
export interface Arrival {
  readonly sourceKey: string;
  readonly report: Report;
  readonly stamp: Stamp;
  /** The datagram as received, for the raw table. */
  readonly payload: Uint8Array;
}

/**
 * A stored notification: the copies of one identity with one content that a chain of receipts at most H apart
 * links (docs/truth.md 2, 3). Merging two is interval union, so any processing order gives the same rows.
 */
export interface Notification {
  readonly serial: string;
  readonly state: WireState;
  readonly stateRaw: string;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly copies: number;
  /** `Stamp.idleMs` of the first receipt. */
  readonly idleMs: number;
  readonly content: Content;
}

/** The settings a notification falls under; append-only, shared by all receivers (docs/truth.md, "What a record depends on"). */
export interface Settings {
  /** Tries after the first (IVR_CALL_REPORT_RETRY). */
  readonly retry: number;
  readonly intervalMs: number;
  readonly marginMs: number;
  readonly staleRingingMs: number;
  readonly staleAnsweredMs: number;
  /** Width of the window loss is estimated over (LOSS_WINDOW_S). */
  readonly lossWindowMs: number;
}

/** H: how old a first-seen copy can be, in ms. */
export function horizonMs(settings: Pick<Settings, 'retry' | 'intervalMs' | 'marginMs'>): number {
  return settings.retry * settings.intervalMs + settings.marginMs;
}

/** A receiver whose last sign of life is older than this is taken for dead: W waits for it no longer, since nothing of it can still arrive unasked. */
export const RECEIVER_GONE_MS = 10_000;

/** One call's lifecycle record: the contract's `Call`, with instants in ms, before the store adds `revision` and `updatedAt`. */
export interface CallRecord extends Content {
  readonly id: string;
  readonly sourceKey: string;
  readonly callId: string;
  readonly state: CallState;
  readonly disposition: Disposition | null;
  readonly dispositionBasis: DispositionBasis | null;
  readonly firstSeenAt: number;
  readonly ringingAt: number | null;
  readonly ringingAtEarliest: number | null;
  /** '180' or '183' as the earliest Ringing said; null when it said neither. */
  readonly ringingCode: string | null;
  readonly answeredAt: number | null;
  readonly answeredAtEarliest: number | null;
  readonly endedAt: number | null;
  readonly endedAtEarliest: number | null;
  readonly presumedEndedAt: number | null;
  readonly endProvenance: EndProvenance | null;
  readonly ringMs: number | null;
  readonly ringMsMin: number | null;
  readonly ringMsMax: number | null;
  readonly talkMs: number | null;
  readonly talkMsMin: number | null;
  readonly talkMsMax: number | null;
  readonly late: boolean;
  readonly conflict: boolean;
  readonly notificationCount: number;
  readonly duplicateCount: number;
  readonly missingCount: number;
  readonly settled: boolean;
  /** Internal: when W passes this the record may settle; null while the call is open. */
  readonly settleAfter: number | null;
  /** Internal: when W passes this an open call is presumed ended; null once ended. */
  readonly staleAt: number | null;
  /** Internal: the disposition still depends on feed facts (holes, loss windows), so settling must fold again. */
  readonly awaitsFacts: boolean;
  /** Internal: what this call says about loss in its window (docs/truth.md 12). */
  readonly lossSample: LossSample;
}

/** Evidence of per-datagram loss, additive over calls. */
export interface LossSample {
  /** Consecutive received copies, and the copies missing between them by the retry schedule. */
  readonly copyPairs: number;
  readonly copiesMissing: number;
  /** Adjacent states in the order they happened / inverted, and how many retry intervals lie between the ordered ones (bin 0..7). */
  readonly statePairs: number;
  readonly statesInverted: number;
  readonly statePairBin: number;
  /** Serials seen and lost for good within the call. */
  readonly serialsSeen: number;
  readonly serialsLost: number;
}

/** One row of the gap ledger. */
export interface Gap {
  readonly id: string;
  readonly sourceKey: string;
  /** Which call it belongs to; null for a gap of the source. */
  readonly callKey: string | null;
  readonly callId: string | null;
  readonly kind: GapKind;
  readonly certainty: GapCertainty;
  readonly status: GapStatus;
  readonly fromSerial: string | null;
  readonly toSerial: string | null;
  /** The span of time in which what is missing was sent. */
  readonly from: number;
  readonly to: number | null;
  readonly openedAt: number;
  readonly deadlineAt: number | null;
  readonly closedAt: number | null;
  readonly estimatedLost: number | null;
  /** Of a closed span of time, what it may have cost in all; `estimatedLost` is what of that serials and states do not show. */
  readonly expectedLost?: number;
  readonly detail: string;
}
