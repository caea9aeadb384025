/** Marks by which one write tells what the one before it wrote. */
import { hash } from 'node:crypto';
import { contentText } from '../delivery/evidence.js';
import type { FoldedCall } from '../lifecycle/fold.js';
import type { CallRecord, Content } from '../notification.js';

/** 64 bits of the content's hash, as PostgreSQL's signed bigint. */
export function contentDigest(content: Content): string {
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
export function recordHash(record: CallRecord): string {
  let text = '';
  for (const field of HASHED) text += `${record[field] === null ? '\u0001' : String(record[field])}\u0000`;
  return hash('sha256', text, 'base64url').slice(0, 16);
}

/**
 * Tells whether a call is still made of the same receipts. Each arrival adds a copy, and a cut elsewhere moves whole
 * notifications, which the sum of first receipts shows.
 */
export function seenMark({ notifications }: FoldedCall): string {
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
