/**
 * Rows as PostgreSQL reads them fastest: one text parameter holding an array of rows, `unnest($1::call_sent[])`.
 * Measured for 256 rows of `call` (40 columns): reading the parameter takes 8 us a row this way, 15 us as 40 arrays, and
 * 25 us more than that as `json_to_recordset`.
 *
 * The types `..._sent` are the tables' columns, with each instant as milliseconds since the base that travels with the
 * batch: PostgreSQL reads an ISO text in 0.7 us and adds such a number in 0.1, and a notification writes eleven instants.
 * The fields of a row stand in the order of the columns: `test/db/ledger.spec.ts` compares the three.
 */
import type { CallWrite, KeyChange, RawWrite } from '../../ingest/ports.js';
import type { Gap, LossSample } from '../../notification.js';

/** What a field of a row inside an array cannot hold bare: the syntax of rows and of arrays, and the empty text (null). */
const SPECIAL = /["\\(),]/;

export const EVIDENCE_COLUMNS = ['call_key', 'source_key', 'call_id', 'version', 'evidence', 'last_at'] as const;

export const CALL_COLUMNS = [
  ...['call_key', 'id', 'settled', 'source_key', 'call_id', 'state', 'disposition', 'disposition_basis'],
  ...['caller_number', 'callee_number', 'forward_number', 'menu_id', 'menu_name', 'first_seen_at'],
  ...['ringing_at', 'ringing_at_earliest', 'ringing_code', 'answered_at', 'answered_at_earliest'],
  ...['ended_at', 'ended_at_earliest', 'presumed_ended_at', 'end_provenance'],
  ...['ring_ms', 'ring_ms_min', 'ring_ms_max', 'talk_ms', 'talk_ms_min', 'talk_ms_max'],
  ...['late', 'conflict', 'notification_count', 'duplicate_count', 'missing_count', 'revision', 'updated_at'],
  ...['settle_after', 'stale_at', 'awaits_facts', 'loss_sample'],
] as const;

export const NOTIFICATION_COLUMNS = [
  ...['call_key', 'first_at', 'serial', 'state', 'digest', 'source_key', 'call_id', 'state_raw', 'last_at'],
  ...['copies', 'idle_ms', 'caller_number', 'callee_number', 'forward_number', 'menu_id', 'menu_name', 'payload'],
] as const;

export const GAP_COLUMNS = [
  ...['ledger_key', 'id', 'source_key', 'call_key', 'call_id', 'kind', 'certainty', 'status', 'from_serial'],
  ...['to_serial', 'from_at', 'to_at', 'opened_at', 'deadline_at', 'closed_at', 'estimated_lost', 'detail'],
  'expected_lost',
] as const;

/** An array of rows, as the text of one parameter. */
export function rowArray(rows: readonly string[]): string {
  return `{${rows.join(',')}}`;
}

/** Instants of one batch, as milliseconds since its base; nothing at all is null. */
export type Since = (at: number | null) => string;

export function sinceBase(base: number): Since {
  return (at) => (at === null ? '' : String(Math.round(at - base)));
}

/** The evidence row without its document, which travels apart (see `ledger-sql.ts`). */
export function evidenceRow({ key, expectedVersion, lastAt }: KeyChange, since: Since): string {
  return `"(${key.callKey},${text(key.sourceKey)},${text(key.callId)},${String(expectedVersion + 1)},${since(lastAt)})"`;
}

/** A call row. Its `revision` is what the statement adds to the one stored. */
export function callRow(
  callKey: string,
  { record, place, revised }: CallWrite,
  updatedAt: number,
  since: Since,
): string {
  const revision = revised || place === 'insert' ? 1 : 0;
  const { notificationCount, duplicateCount, missingCount } = record;
  return (
    `"(${callKey},${record.id},${flag(record.settled)},${text(record.sourceKey)},${text(record.callId)},` +
    `${record.state},${text(record.disposition)},${text(record.dispositionBasis)},` +
    `${text(record.callerNumber)},${text(record.calleeNumber)},${text(record.forwardNumber)},` +
    `${text(record.menuId)},${text(record.menuName)},${since(record.firstSeenAt)},` +
    `${since(record.ringingAt)},${since(record.ringingAtEarliest)},${text(record.ringingCode)},` +
    `${since(record.answeredAt)},${since(record.answeredAtEarliest)},` +
    `${since(record.endedAt)},${since(record.endedAtEarliest)},${since(record.presumedEndedAt)},` +
    `${text(record.endProvenance)},${number(record.ringMs)},${number(record.ringMsMin)},${number(record.ringMsMax)},` +
    `${number(record.talkMs)},${number(record.talkMsMin)},${number(record.talkMsMax)},` +
    `${flag(record.late)},${flag(record.conflict)},` +
    `${number(notificationCount)},${number(duplicateCount)},${number(missingCount)},${number(revision)},` +
    `${since(updatedAt)},${since(record.settleAfter)},${since(record.staleAt)},${flag(record.awaitsFacts)},` +
    `\\"{${lossNumbers(record.lossSample)}}\\")"`
  );
}

/** A raw notification row. */
export function notificationRow({ key }: KeyChange, { notification, digest, payload }: RawWrite, since: Since): string {
  const { content } = notification;
  const hex = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('hex');
  return (
    `"(${key.callKey},${since(notification.firstAt)},${text(notification.serial)},${text(notification.state)},${digest},` +
    `${text(key.sourceKey)},${text(key.callId)},${text(notification.stateRaw)},${since(notification.lastAt)},` +
    `${number(notification.copies)},${number(notification.idleMs)},` +
    `${text(content.callerNumber)},${text(content.calleeNumber)},${text(content.forwardNumber)},` +
    `${text(content.menuId)},${text(content.menuName)},\\\\\\\\x${hex})"`
  );
}

/** What names a raw row: enough to find it, in a row of its table. */
export function notificationKeyRow(
  callKey: string,
  firstAt: number,
  { notification, digest }: RawWrite,
  since: Since,
): string {
  const blank = ','.repeat(NOTIFICATION_COLUMNS.length - 5);
  return `"(${callKey},${since(firstAt)},${text(notification.serial)},${text(notification.state)},${digest}${blank})"`;
}

/** A gap row; `ledgerKey` is the call key, or the uuid of a source's own gaps. */
export function gapRow(ledgerKey: string, gap: Gap): string {
  return (
    `"(${ledgerKey},${gap.id},${text(gap.sourceKey)},${text(gap.callKey)},${text(gap.callId)},` +
    `${gap.kind},${gap.certainty},${gap.status},${text(gap.fromSerial)},${text(gap.toSerial)},` +
    `${instant(gap.from)},${instant(gap.to)},${instant(gap.openedAt)},${instant(gap.deadlineAt)},` +
    `${instant(gap.closedAt)},${number(gap.estimatedLost)},${text(gap.detail)},${number(gap.expectedLost ?? null)})"`
  );
}

function lossNumbers(sample: LossSample): string {
  const { copyPairs, copiesMissing, statePairs, statesInverted, statePairBin, serialsSeen, serialsLost } = sample;
  return [copyPairs, copiesMissing, statePairs, statesInverted, statePairBin, serialsSeen, serialsLost].join(',');
}

function flag(value: boolean): string {
  return value ? 't' : 'f';
}

function number(value: number | null): string {
  return value === null ? '' : String(value);
}

/** Text of a row that is itself quoted inside an array: what needs quotes is escaped twice. Nothing at all is null. */
function text(value: string | null): string {
  if (value === null) return '';
  if (value !== '' && !SPECIAL.test(value)) return value;
  const quoted = `"${value.replace(/["\\]/g, '\\$&')}"`;
  return quoted.replace(/["\\]/g, '\\$&');
}

/** ISO 8601 in UTC. */
function instant(ms: number | null): string {
  return ms === null ? '' : new Date(ms).toISOString();
}
