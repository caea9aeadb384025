/**
 * From stored evidence and new arrivals to what must be written: pure, so that the store only locks, reads and writes.
 *
 * Ingest folds the calls its arrivals touched and leaves the others alone; what facts change later (a window closed, a
 * stale limit passed, a hole filled) is the sweep's, through {@link refold}.
 */
import {
  addArrival,
  byReceipt,
  contentText,
  encodeEvidence,
  type ArrivalOutcome,
  type NotificationChange,
} from '../../delivery/evidence.js';
import { settingsAt, type SourceFacts } from '../../delivery/facts.js';
import { fold, type FoldedCall, recordIdOf } from '../../lifecycle/fold.js';
import { closeGap } from '../../lifecycle/gap.js';
import { horizonMs, type Arrival, type Gap, type Notification } from '../../notification.js';
import { contentDigest, recordHash, seenMark } from './marks.js';
import type { CallWrite, KeyChange, KeyRef, RawWrite, StoredKey, WrittenCall } from '../ports.js';

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
function gapWrites(before: readonly Gap[], now: FoldedCall, asOf: number): readonly Gap[] {
  const found = now.gaps;
  const changed = found.filter((gap) => {
    const old = before.find((one) => one.id === gap.id);
    return old === undefined || JSON.stringify(old) !== JSON.stringify(gap);
  });
  const gone = before.filter((gap) => !found.some((one) => one.id === gap.id));
  const call = { id: now.record.id, notifications: now.notifications, gaps: now.gaps };
  return [...changed, ...gone.map((gap) => closeGap(gap, call, asOf))];
}

/** Gaps of a call that is no more: what was missing may have come, and opened the call that holds its notifications now. */
function gapsLeft(callKey: string, gone: WrittenCall, folded: readonly FoldedCall[], asOf: number): readonly Gap[] {
  if (gone.gaps.length === 0) return [];
  const heir = folded.find((call) => call.notifications.some((one) => recordIdOf(callKey, one) === gone.id));
  const now = heir === undefined ? null : { id: gone.id, notifications: heir.notifications, gaps: heir.gaps };
  return gone.gaps.map((gap) => closeGap(gap, now, asOf));
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
  callKey: string,
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
  gaps.push(...gone.flatMap((one) => gapsLeft(callKey, one, folded, asOf)));
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
    notifications,
    document: { ...encodeEvidence(notifications), calls: kept },
    lastAt: Math.max(...notifications.map((one) => one.lastAt)),
    raw,
    calls,
    superseded,
    gaps,
  };
}

/**
 * A Call ID that is used again for years would make each fold longer than the last: 1,000 past calls took 120 ms. So the
 * evidence row lets go of a call once it has been settled for as long as an answered call may stay unheard of, which no
 * backlog reaches back over; its record and its raw notifications stay. The last call of a key is never let go.
 */
function isPast(call: FoldedCall, folded: readonly FoldedCall[], facts: SourceFacts): boolean {
  const { settleAfter } = call.record;
  return call !== folded.at(-1) && settleAfter !== null && facts.through > settleAfter + facts.settings.staleAnsweredMs;
}

/** Stored rows that none of these calls is made of. */
function without(notifications: readonly Notification[], calls: readonly FoldedCall[]): readonly Notification[] {
  const owned = calls.flatMap((call) => call.notifications);
  return notifications.filter(
    (row) =>
      !owned.some(
        (one) =>
          one.serial === row.serial &&
          one.state === row.state &&
          one.firstAt <= row.firstAt &&
          row.lastAt <= one.lastAt,
      ),
  );
}

/** Lets go of past calls that this write does not touch. */
function letGo(
  stored: StoredKey,
  folded: readonly FoldedCall[],
  facts: SourceFacts,
): { readonly past: readonly FoldedCall[]; readonly present: readonly FoldedCall[]; readonly stored: StoredKey } {
  if (folded.length < 2) return { past: [], present: folded, stored };
  const isKnown = (call: FoldedCall): boolean =>
    stored.calls.some((one) => one.id === call.record.id && one.seen === seenMark(call));
  const past = folded.filter((call) => isPast(call, folded, facts) && isKnown(call));
  const ids = new Set(past.map((call) => call.record.id));
  return {
    past,
    present: folded.filter((call) => !past.includes(call)),
    stored: { ...stored, calls: stored.calls.filter((one) => !ids.has(one.id)) },
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
  const horizonAt = (at: number): number => horizonMs(settingsAt(facts, at));
  let { notifications } = stored;
  let raw: RawWrite[] = [];
  const outcomes = arrivals.map((arrival) => {
    const merge = addArrival(notifications, arrival, horizonAt);
    notifications = merge.notifications;
    raw = addRawWrite(raw, merge.change, arrival.payload);
    return merge.outcome;
  });
  const untouched = (before: WrittenCall, now: WrittenCall): boolean => before.seen === now.seen;
  const left = letGo(stored, fold(key, notifications, facts), facts);
  const changes = diff(key.callKey, left.stored, left.present, asOf, untouched);
  const evidence = left.past.length === 0 ? notifications : without(notifications, left.past);
  return { change: changeOf(key, stored, evidence, raw, changes), outcomes };
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
  const changes = diff(key.callKey, stored, fold(key, stored.notifications, facts), asOf, leave);
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
 * What a rebuild writes of a key: the records that stand wrong in their table, and evidence that is not what the raw
 * notifications say. Past calls that the evidence row has let go of are not put back.
 * @param standing what is amiss in the `call` table: ids to write, by whether they are missing, and ids of nobody's call
 * @returns null when nothing is amiss
 */
export function rebuilt(
  key: KeyRef,
  stored: StoredKey,
  raw: readonly Notification[],
  folded: readonly FoldedCall[],
  standing: { readonly amiss: ReadonlyMap<string, 'missing' | 'different'>; readonly stray: ReadonlySet<string> },
  asOf: number,
): KeyChange | null {
  const { amiss } = standing;
  const past = folded.filter(
    (call) =>
      call !== folded.at(-1) && !amiss.has(call.record.id) && !stored.calls.some((one) => one.id === call.record.id),
  );
  const present = folded.filter((call) => !past.includes(call));
  const changes = diff(key.callKey, stored, present, asOf, () => false);
  const calls = changes.calls.flatMap((call): CallWrite[] => {
    const fault = amiss.get(call.record.id);
    return fault === undefined ? [] : [{ ...call, place: fault === 'missing' ? 'insert' : 'either', revised: true }];
  });
  const evidence = without(raw, past);
  const superseded = [...new Set([...changes.superseded, ...standing.stray])];
  // Evidence stands in the order it came to be merged in: two documents are equal by what they hold.
  const document = { ...encodeEvidence([...evidence].sort(byReceipt)), calls: changes.kept };
  const known = { ...encodeEvidence([...stored.notifications].sort(byReceipt)), calls: stored.calls };
  const same = calls.length === 0 && superseded.length === 0 && JSON.stringify(document) === JSON.stringify(known);
  return same ? null : changeOf(key, stored, evidence, [], { ...changes, calls, superseded });
}
