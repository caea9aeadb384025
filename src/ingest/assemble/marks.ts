/** Marks by which one write tells what the one before it wrote. */
import { hash } from 'node:crypto';
import { contentText } from '../../delivery/evidence.js';
import type { FoldedCall } from '../../lifecycle/fold.js';
import type { CallRecord, Content } from '../../notification.js';

/** 64 bits of the content's hash, as PostgreSQL's signed bigint. */
export function contentDigest(content: Content): string {
  const hex = hash('sha256', contentText(content), 'hex').slice(0, 16);
  return String(BigInt.asIntN(64, BigInt(`0x${hex}`)));
}

/** What readers of the contract never see, or see only count writes and wait for time. */
type Unhashed = 'duplicateCount' | 'settled' | 'settleAfter' | 'staleAt' | 'awaitsFacts' | 'lossSample';

/**
 * Every other field, read one by one and times as spans since the first: a loop over names, or whole instants, which are
 * too large for V8's small integers, take three times as long.
 */
function contractText(record: Omit<CallRecord, Unhashed>): string {
  const { firstSeenAt } = record;
  const since = (at: number | null): string => (at === null ? '-' : String(at - firstSeenAt));
  const said = (text: string | null): string => (text === null ? '\u0001' : text);
  const { callerNumber, calleeNumber, forwardNumber, menuId, menuName } = record;
  const content =
    `${said(callerNumber)}\u0000${said(calleeNumber)}\u0000${said(forwardNumber)}\u0000` +
    `${said(menuId)}\u0000${said(menuName)}\u0000`;
  const outcome =
    `${record.id} ${record.state} ${said(record.disposition)} ${said(record.dispositionBasis)} ` +
    `${said(record.endProvenance)} ${said(record.ringingCode)} ${String(record.late)} ${String(record.conflict)} ` +
    `${String(record.notificationCount)} ${String(record.missingCount)} ${String(firstSeenAt)} `;
  const times =
    `${since(record.ringingAt)} ${since(record.ringingAtEarliest)} ${since(record.answeredAt)} ` +
    `${since(record.answeredAtEarliest)} ${since(record.endedAt)} ${since(record.endedAtEarliest)} ` +
    `${since(record.presumedEndedAt)} `;
  const spans =
    `${String(record.ringMs)} ${String(record.ringMsMin)} ${String(record.ringMsMax)} ` +
    `${String(record.talkMs)} ${String(record.talkMsMin)} ${String(record.talkMsMax)} `;
  return `${outcome}${times}${spans}${content}${record.sourceKey}\u0000${record.callId}`;
}

/** Hash of what a reader of the contract sees: 16 characters, 96 bits. */
export function recordHash(record: CallRecord): string {
  return hash('sha256', contractText(record), 'base64url').slice(0, 16);
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
