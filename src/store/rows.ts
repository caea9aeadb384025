/**
 * Rows as PostgreSQL reads them fastest: one text parameter holding an array of a table's own row type,
 * `unnest($1::call[])`. Measured for 256 rows of `call` (40 columns): reading the parameter takes 8 us a row this way,
 * 15 us as 40 arrays, and 25 us more than that as `json_to_recordset`.
 *
 * The fields of a row stand in the order of the table's columns: `test/db/ledger-rows.spec.ts` compares the two.
 */
import type { CallWrite, KeyChange, RawWrite } from '../ingest/ports.js';
import type { Gap, LossSample } from '../notification.js';

type Field = string | number | boolean | null;

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
] as const;

/** An array of rows, as the text of one parameter. */
export function rowArray(rows: readonly string[]): string {
  return `{${rows.join(',')}}`;
}

/** The evidence row without its document, which travels apart (see `ledger-sql.ts`). */
export function evidenceRow({ key, expectedVersion, lastAt }: KeyChange): string {
  return row([key.callKey, key.sourceKey, key.callId, expectedVersion + 1, null, instant(lastAt)]);
}

/** A call row. Its `revision` is what the statement adds to the one stored. */
export function callRow(callKey: string, { record, place, revised }: CallWrite, updatedAt: number): string {
  return row([
    ...[callKey, record.id, record.settled, record.sourceKey, record.callId, record.state],
    ...[record.disposition, record.dispositionBasis],
    ...[record.callerNumber, record.calleeNumber, record.forwardNumber, record.menuId, record.menuName],
    ...[instant(record.firstSeenAt), instant(record.ringingAt), instant(record.ringingAtEarliest), record.ringingCode],
    ...[instant(record.answeredAt), instant(record.answeredAtEarliest)],
    ...[instant(record.endedAt), instant(record.endedAtEarliest), instant(record.presumedEndedAt)],
    record.endProvenance,
    ...[record.ringMs, record.ringMsMin, record.ringMsMax, record.talkMs, record.talkMsMin, record.talkMsMax],
    ...[record.late, record.conflict, record.notificationCount, record.duplicateCount, record.missingCount],
    ...[revised || place === 'insert' ? 1 : 0, instant(updatedAt)],
    ...[instant(record.settleAfter), instant(record.staleAt), record.awaitsFacts, lossSample(record.lossSample)],
  ]);
}

/** A raw notification row. */
export function notificationRow(change: KeyChange, { notification, digest, payload }: RawWrite): string {
  const { callKey, sourceKey, callId } = change.key;
  const { content } = notification;
  return row([
    ...[callKey, instant(notification.firstAt), notification.serial, notification.state, digest, sourceKey, callId],
    ...[notification.stateRaw, instant(notification.lastAt), notification.copies, notification.idleMs],
    ...[content.callerNumber, content.calleeNumber, content.forwardNumber, content.menuId, content.menuName],
    `\\x${Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('hex')}`,
  ]);
}

/** What names a raw row: enough to find it, in a row of its table. */
export function notificationKeyRow(callKey: string, firstAt: number, { notification, digest }: RawWrite): string {
  const blank = NOTIFICATION_COLUMNS.slice(5).map(() => null);
  return row([callKey, instant(firstAt), notification.serial, notification.state, digest, ...blank]);
}

/** A gap row; `ledgerKey` is the call key, or the uuid of a source's own gaps. */
export function gapRow(ledgerKey: string, gap: Gap): string {
  return row([
    ...[ledgerKey, gap.id, gap.sourceKey, gap.callKey, gap.callId, gap.kind, gap.certainty, gap.status],
    ...[gap.fromSerial, gap.toSerial, instant(gap.from), instant(gap.to), instant(gap.openedAt)],
    ...[instant(gap.deadlineAt), instant(gap.closedAt), gap.estimatedLost, gap.detail],
  ]);
}

function lossSample(sample: LossSample): string {
  const { copyPairs, copiesMissing, statePairs, statesInverted, statePairBin, serialsSeen, serialsLost } = sample;
  return `{${[copyPairs, copiesMissing, statePairs, statesInverted, statePairBin, serialsSeen, serialsLost].join(',')}}`;
}

function instant(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

function row(fields: readonly Field[]): string {
  let text = '"(';
  for (const [index, field] of fields.entries()) {
    if (index > 0) text += ',';
    if (field !== null) text += bare(field);
  }
  return `${text})"`;
}

/** A field of a row that is itself quoted inside an array: what needs quotes is escaped twice. */
function bare(field: string | number | boolean): string {
  if (typeof field !== 'string') return String(field);
  if (field !== '' && !SPECIAL.test(field)) return field;
  const quoted = `"${field.replace(/["\\]/g, '\\$&')}"`;
  return quoted.replace(/["\\]/g, '\\$&');
}
