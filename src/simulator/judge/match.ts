import type { LedgerCall, LedgerNotification } from './reading.js';
import type { SentNotification, TrueCall } from '../truth.js';

/** A true call with what the ledger made of it. */
export interface Matched {
  readonly call: TrueCall;
  /** The record of the call; null: the ledger has none. */
  readonly record: LedgerCall | null;
  /** Further records that begin within this call: it was cut in pieces. */
  readonly extra: readonly LedgerCall[];
  /** Its notifications found in any timeline of its Call ID, with the record that holds each. */
  readonly stored: ReadonlyMap<SentNotification, LedgerCall>;
}

export interface Matching {
  readonly calls: readonly Matched[];
  /** Records of no call that was made. */
  readonly strayRecords: readonly LedgerCall[];
  /** Notifications in the ledger that nobody sent. */
  readonly strayNotifications: readonly { readonly record: LedgerCall; readonly notification: LedgerNotification }[];
  /** The ledger's name of each simulated source that it heard. */
  readonly sourceNames: ReadonlyMap<number, string>;
}

/**
 * Lays the ledger beside the truth. A record belongs to the latest call of its Call ID that had begun when the record
 * begins; a stored notification is the latest one of its identity sent by then. Pure.
 *
 * @param toleranceMs how far the two clocks may be apart
 */
export function match(truth: readonly TrueCall[], records: readonly LedgerCall[], toleranceMs: number): Matching {
  const byCallId = new Map<string, TrueCall[]>();
  for (const call of truth) {
    const same = byCallId.get(call.callId);
    if (same === undefined) byCallId.set(call.callId, [call]);
    else same.push(call);
  }
  const recordsOf = new Map<TrueCall, LedgerCall[]>();
  const storedOf = new Map<TrueCall, Map<SentNotification, LedgerCall>>();
  const strayRecords: LedgerCall[] = [];
  const strayNotifications: { record: LedgerCall; notification: LedgerNotification }[] = [];
  const sourceNames = new Map<number, string>();
  for (const record of [...records].sort((one, other) => one.firstSeenAt - other.firstSeenAt)) {
    const namesakes = byCallId.get(record.callId) ?? [];
    const owner = namesakes.findLast((call) => beganAt(call) <= record.firstSeenAt + toleranceMs);
    if (owner === undefined) strayRecords.push(record);
    else {
      recordsOf.set(owner, [...(recordsOf.get(owner) ?? []), record]);
      sourceNames.set(owner.source, record.source);
    }
    for (const notification of record.notifications) {
      const found = sentAs(notification, namesakes, toleranceMs);
      if (found === null) strayNotifications.push({ record, notification });
      else {
        const stored = storedOf.get(found.call) ?? new Map<SentNotification, LedgerCall>();
        storedOf.set(found.call, stored.set(found.sent, record));
      }
    }
  }
  const calls = truth.map((call) => {
    const [record = null, ...extra] = recordsOf.get(call) ?? [];
    return { call, record, extra, stored: storedOf.get(call) ?? new Map<SentNotification, LedgerCall>() };
  });
  return { calls, strayRecords, strayNotifications, sourceNames };
}

function beganAt(call: TrueCall): number {
  return call.notifications[0]?.sentAt ?? Number.POSITIVE_INFINITY;
}

function sentAs(
  notification: LedgerNotification,
  namesakes: readonly TrueCall[],
  toleranceMs: number,
): { call: TrueCall; sent: SentNotification } | null {
  for (const call of [...namesakes].reverse()) {
    const sent = call.notifications.find(
      ({ serial, state, sentAt }) =>
        serial === notification.serial &&
        state === notification.state &&
        sentAt !== null &&
        sentAt <= notification.receivedAt + toleranceMs,
    );
    if (sent !== undefined) return { call, sent };
  }
  return null;
}
