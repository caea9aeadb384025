/**
 * From stored evidence and new arrivals to what must be written: pure, so that the store only locks, reads and writes.
 *
 * Ingest folds the calls its arrivals touched and leaves the others alone; what facts change later (a window closed, a
 * stale limit passed, a hole filled) is the sweep's, through {@link refold}.
 */
import { hash } from 'node:crypto';
import {
  addArrival,
  contentText,
  encodeEvidence,
  type ArrivalOutcome,
  type NotificationChange,
} from '../delivery/evidence.js';
import type { SourceFacts } from '../delivery/facts.js';
import { fold, type FoldedCall } from '../lifecycle/fold.js';
import { closeGap } from '../lifecycle/gap.js';
import {
  horizonMs,
  type Arrival,
  type CallRecord,
  type Content,
  type Gap,
  type Notification,
} from '../notification.js';
import type { CallWrite, KeyChange, KeyRef, RawWrite, StoredKey, WrittenCall } from './ports.js';

/** 64 bits of the content's hash, as PostgreSQL's signed bigint. */
function contentDigest(content: Content): string {
  return String(hash('sha256', contentText(content), 'buffer').readBigInt64BE());
}

/** What readers of the contract never see, or see only count writes and wait for time. */
type Unhashed = 'duplicateCount' | 'settled' | 'settleAfter' | 'staleAt' | 'awaitsFacts' | 'lossSample';

/** Every other field. Listed once and hashed in a loop: copying and serializing the record costs four times as much. */
const HASHED = Object.keys({
  ...{ id: true, sourceKey: true, callId: true, state: true, disposition: true, dispositionBasis: true },
  ...{ callerNumber: true, calleeNumber: true, forwardNumber: true, menuId: true, menuName: true },
  ...{ firstSeenAt: true, ringingAt: true, ringingAtEarliest: true, ringingCode: true },
  ...{ answeredAt: true, answeredAtEarliest: true, endedAt: true, endedAtEarliest: true },
  ...{ presumedEndedAt: true, endProvenance: true, ringMs: true, ringMsMin: true, ringMsMax: true },
  ...{ talkMs: true, talkMsMin: true, talkMsMax: true, late: true, conflict: true },
  ...{ notificationCount: true, missingCount: true },
} satisfies Record<Exclude<keyof CallRecord, Unhashed>, true>) as readonly Exclude<keyof CallRecord, Unhashed>[];

/** Hash of what a reader of the contract sees: 16 characters, 96 bits. Null differs from every text. */
function recordHash(record: CallRecord): string {
  let text = '';
  for (const field of HASHED) text += `${record[field] === null ? '\u0001' : String(record[field])}\u0000`;
  return hash('sha256', text, 'base64url').slice(0, 16);
}

/**
 * Tells whether a call is still made of the same receipts. Each arrival adds a copy, and a cut elsewhere moves whole
 * notifications, which the sum of first receipts shows.
 */
function seenMark({ notifications }: FoldedCall): string {
  let copies = 0;
  let firsts = 0;
  let last = 0;
  for (const one of notifications) {
    copies += one.copies;
    firsts += one.firstAt;
    last = Math.max(last, one.lastAt);
  }
  return `${String(notifications.length)} ${String(copies)} ${String(firsts)} ${String(last)}`;
}

/** Folds several arrivals' changes into one write per row: what a batch itself made is not a row to replace. */
function addRawWrite(writes: RawWrite[], change: NotificationChange, payload: Uint8Array): RawWrite[] {
  const { notification } = change;
  const same = (write: RawWrite): boolean =>
    write.notification.serial === notification.serial &&
    write.notification.state === notification.state &&
    change.replaces.includes(write.notification.firstAt) &&
    contentText(write.notification.content) === contentText(notification.content);
  const own = writes.filter(same);
  const ownFirsts = own.map((write) => write.notification.firstAt);
  const replaces = [
    ...own.flatMap((write) => write.replaces),
    ...change.replaces.filter((firstAt) => !ownFirsts.includes(firstAt)),
  ];
  const kept = own.find((write) => write.notification.firstAt === notification.firstAt)?.payload ?? payload;
  return [
    ...writes.filter((write) => !own.includes(write)),
    { notification, replaces, payload: kept, digest: contentDigest(notification.content) },
  ];
}

/** Gaps of one call to write: new or changed ones, and those that went away. */
function gapWrites(before: readonly Gap[], now: FoldedCall | null, asOf: number): readonly Gap[] {
  const found = now?.gaps ?? [];
  const changed = found.filter((gap) => {
    const old = before.find((one) => one.id === gap.id);
    return old === undefined || JSON.stringify(old) !== JSON.stringify(gap);
  });
  const gone = before.filter((gap) => !found.some((one) => one.id === gap.id));
  const call = now === null ? null : { id: now.record.id, notifications: now.notifications, gaps: now.gaps };
  return [...changed, ...gone.map((gap) => closeGap(gap, call, asOf))];
}

function written(call: FoldedCall): WrittenCall {
  return {
    id: call.record.id,
    hash: recordHash(call.record),
    seen: seenMark(call),
    ended: call.record.state === 'ended',
    gaps: call.gaps,
  };
}

interface Diff {
  readonly calls: readonly CallWrite[];
  readonly kept: readonly WrittenCall[];
  readonly superseded: readonly string[];
  readonly gaps: readonly Gap[];
}

/** Compares what the fold says with what the last one left; `leave` tells which calls are none of this write's business. */
function diff(
  stored: StoredKey,
  folded: readonly FoldedCall[],
  asOf: number,
  leave: (before: WrittenCall, now: WrittenCall) => boolean,
): Diff {
  const calls: CallWrite[] = [];
  const kept: WrittenCall[] = [];
  const gaps: Gap[] = [];
  for (const call of folded) {
    const now = written(call);
    const before = stored.calls.find((one) => one.id === now.id);
    if (before !== undefined && leave(before, now)) {
      kept.push(before);
      continue;
    }
    kept.push(now);
    const place = before === undefined ? 'insert' : before.ended ? 'either' : 'open';
    calls.push({ record: call.record, place, revised: before?.hash !== now.hash });
    gaps.push(...gapWrites(before?.gaps ?? [], call, asOf));
  }
  const gone = stored.calls.filter((one) => !kept.some((now) => now.id === one.id));
  gaps.push(...gone.flatMap((one) => gapWrites(one.gaps, null, asOf)));
  return { calls, kept, superseded: gone.map((one) => one.id), gaps };
}

function changeOf(
  key: KeyRef,
  stored: StoredKey,
  notifications: readonly Notification[],
  raw: readonly RawWrite[],
  { calls, kept, superseded, gaps }: Diff,
): KeyChange {
  return {
    key,
    expectedVersion: stored.version,
    document: { ...encodeEvidence(notifications), calls: kept },
    lastAt: Math.max(...notifications.map((one) => one.lastAt)),
    raw,
    calls,
    superseded,
    gaps,
  };
}

/**
 * Adds arrivals, in the order given, to what is stored under a key and folds the calls they touch.
 * @param asOf the instant of this write, for `closedAt` of gaps that went away
 * @returns what to write, and what each arrival turned out to be, in the order given
 */
export function assemble(
  key: KeyRef,
  stored: StoredKey,
  arrivals: readonly Arrival[],
  facts: SourceFacts,
  asOf: number,
): { change: KeyChange; outcomes: readonly ArrivalOutcome[] } {
  const horizon = horizonMs(facts.settings);
  let { notifications } = stored;
  let raw: RawWrite[] = [];
  const outcomes = arrivals.map((arrival) => {
    const merge = addArrival(notifications, arrival, horizon);
    notifications = merge.notifications;
    raw = addRawWrite(raw, merge.change, arrival.payload);
    return merge.outcome;
  });
  const untouched = (before: WrittenCall, now: WrittenCall): boolean => before.seen === now.seen;
  const changes = diff(stored, fold(key, notifications, facts), asOf, untouched);
  return { change: changeOf(key, stored, notifications, raw, changes), outcomes };
}

/**
 * Folds again what is stored, because the facts changed: a settled window, a filled hole, another meaning, a rebuild.
 * @param due ids of the calls to write; the others keep what they say, for `facts` may not reach back to them
 * @returns what to write, or null when nothing changes
 */
export function refold(
  key: KeyRef,
  stored: StoredKey,
  facts: SourceFacts,
  asOf: number,
  due: ReadonlySet<string> | 'all',
): KeyChange | null {
  const leave = (before: WrittenCall): boolean => due !== 'all' && !due.has(before.id);
  const changes = diff(stored, fold(key, stored.notifications, facts), asOf, leave);
  if (changes.calls.length === 0 && changes.superseded.length === 0) return null;
  return changeOf(key, stored, stored.notifications, [], changes);
}

/**
 * Folds a key anew under each meaning its source's serials have had, oldest first. A call falls under the first one under
 * which it settled, for that is when the sweep wrote it down.
 */
export function foldAnew(
  key: KeyRef,
  raw: readonly Notification[],
  facts: readonly SourceFacts[],
): readonly FoldedCall[] {
  let folded: readonly FoldedCall[] = [];
  for (const version of facts) {
    folded = fold(key, raw, version);
    if (folded.every((call) => call.record.settled)) break;
  }
  return folded;
}

/**
 * What a rebuild writes of a key, as if nothing had been derived from its raw notifications yet.
 * @param wrong ids of calls whose row is not what was last written: written whatever the hash says
 * @returns null when what is stored is what the fold says
 */
export function rebuilt(
  key: KeyRef,
  stored: StoredKey,
  raw: readonly Notification[],
  folded: readonly FoldedCall[],
  wrong: ReadonlySet<string>,
  asOf: number,
): KeyChange | null {
  const changes = diff(stored, folded, asOf, () => false);
  const calls = changes.calls.filter((call) => call.revised || wrong.has(call.record.id));
  const document = { ...encodeEvidence(raw), calls: changes.kept };
  const known = { ...encodeEvidence(stored.notifications), calls: stored.calls };
  if (calls.length === 0 && changes.superseded.length === 0 && JSON.stringify(document) === JSON.stringify(known))
    return null;
  const writes = calls.map((call): CallWrite => ({
    ...call,
    place: call.place === 'insert' ? 'insert' : 'either',
    revised: true,
  }));
  return changeOf(key, stored, raw, [], { ...changes, calls: writes });
}
