/** The public contract's records, one table each. Descriptions are what OpenAPI and GraphQL readers see. */
import { ACK_DIAGNOSES } from '../delivery/ack-health.js';
import {
  CALL_STATES,
  DISPOSITION_BASES,
  DISPOSITIONS,
  END_PROVENANCES,
  GAP_CERTAINTIES,
  GAP_KINDS,
  GAP_STATUSES,
  SERIAL_MEANINGS,
} from '../notification.js';
import {
  type Enumeration,
  type FieldTable,
  type RowOf,
  bytes,
  count,
  flag,
  instant,
  listOf,
  oneOf,
  orNull,
  ratio,
  span,
  text,
  uuid,
} from './field.js';

function enumeration<T extends string>(name: string, description: string, values: readonly T[]): Enumeration<T> {
  return { name, description, values };
}

/** How the stream of notifications of one source does. */
export const FEED_STATUSES = ['receiving', 'silent', 'never', 'impaired'] as const;
export type FeedStatus = (typeof FEED_STATUSES)[number];

/** What the copies of notifications say about the way our acks take back to a source. */
export const ACK_HEALTHS = ['ok', 'degraded', 'failing', 'unknown'] as const;
export type AckHealth = (typeof ACK_HEALTHS)[number];

/** What is wrong with acks, as far as copies tell: src/delivery/ack-health.ts. */
export const ACK_DIAGNOSIS = enumeration(
  'AckDiagnosis',
  'Why a source sends again, judged by how many copies come and how they are spread. understood: it does not. lost: some ' +
    'acks do not reach it. late: they come after its next try. not_understood: it runs through all its tries, so no ack ' +
    'ever counts. unknown: fewer than 20 recent notifications.',
  ACK_DIAGNOSES,
);

export const CALL_STATE = enumeration('CallState', 'Where a call is now.', CALL_STATES);
export const DISPOSITION = enumeration('Disposition', 'How an ended call turned out.', DISPOSITIONS);
export const DISPOSITION_BASIS = enumeration(
  'DispositionBasis',
  'What a disposition rests on: a notification said so, serials leave no room, or loss is improbable enough.',
  DISPOSITION_BASES,
);
export const END_PROVENANCE = enumeration(
  'EndProvenance',
  'A Bye was seen, or none came within the stale limit.',
  END_PROVENANCES,
);
export const GAP_KIND = enumeration('GapKind', 'What kind of thing may have been missed.', GAP_KINDS);
export const GAP_CERTAINTY = enumeration(
  'GapCertainty',
  'Serials or states prove it, or it is merely allowed.',
  GAP_CERTAINTIES,
);
export const GAP_STATUS = enumeration('GapStatus', 'What became of a gap.', GAP_STATUSES);
export const SERIAL_MEANING = enumeration('SerialMeaning', "What a source's Serial Number counts.", SERIAL_MEANINGS);
export const FEED_STATUS = enumeration(
  'FeedStatus',
  'receiving: heard as lately as its rhythm lets expect. silent: quiet for longer, which is an open silence gap; until its ' +
    'rhythm is learned, for longer than 5 minutes. never: no datagram ever. impaired: an outage, overflow or quarantine gap ' +
    'is open or recent, no receiver runs, or one holds records back.',
  FEED_STATUSES,
);
export const ACK_HEALTH = enumeration(
  'AckHealth',
  'Whether acks reach the source, judged by its retries: ok below 1.5 copies a notification, failing from half of ' +
    'all tries on, degraded between, unknown without recent notifications.',
  ACK_HEALTHS,
);

/** Its columns have names no other table has. That it has rows is asked once a statement: to look for each call costs an export a tenth. */
function e164Sql(column: string): string {
  const form = `(select e164 from number_form where of_source = source_key and of_number = ${column})`;
  return `case when (select exists (select from number_form)) then ${form} end`;
}

export const CALL = {
  id: uuid('Stable id of the call.'),
  source: text('Key of the source that reported the call.', 'source_key'),
  callId: text('Call ID as the source wrote it; sources may use one again for a later call.'),
  state: oneOf(CALL_STATE, 'Where the call is now.'),
  disposition: orNull(oneOf(DISPOSITION, 'How the call turned out; null until it ended.')),
  dispositionBasis: orNull(oneOf(DISPOSITION_BASIS, 'What the disposition rests on; null until the call ended.')),
  callerNumber: orNull(
    text('Caller number as reported; masked (+4420*****12) without the scope numbers:clear, as are the others.'),
  ),
  calleeNumber: orNull(text('Callee number as reported.')),
  forwardNumber: orNull(text('Number the call was forwarded to.')),
  callerE164: orNull(
    text(
      "Caller number in E.164, as the source's number rules read it now; null without rules, for what they cannot read, and " +
        'for a second or two where a number is new.',
      e164Sql('caller_number'),
    ),
  ),
  calleeE164: orNull(text('Callee number in E.164, likewise.', e164Sql('callee_number'))),
  menuId: orNull(text('Id of the IVR menu the call came from.')),
  menuName: orNull(text('Name of the IVR menu the call came from.')),
  firstSeenAt: instant('First receipt of any notification of the call.'),
  ringingAt: orNull(instant('Best estimate of when the callee began to ring.')),
  ringingAtEarliest: orNull(instant('Ringing began no earlier than this.')),
  ringingCode: orNull(text('180 or 183 as the earliest Ringing said; null when it said neither.')),
  answeredAt: orNull(
    instant('Best estimate of the answer. Null: not answered, or its OK is missing (see disposition).'),
  ),
  answeredAtEarliest: orNull(instant('The answer came no earlier than this.')),
  endedAt: orNull(instant('Best estimate of the end, from the Bye; null while none was seen.')),
  endedAtEarliest: orNull(instant('The end came no earlier than this.')),
  presumedEndedAt: orNull(instant('Last event plus the stale limit, when no Bye came by then.')),
  endProvenance: orNull(oneOf(END_PROVENANCE, 'How the end is known; null until the call ended.')),
  ringMs: orNull(span('Ringing until answer or end, in ms, unrounded.')),
  ringMsMin: orNull(span('ringMs is at least this.')),
  ringMsMax: orNull(span('ringMs is at most this; null when an earlier Ringing may be missing.')),
  talkMs: orNull(span('Answer until end (billsec) in ms, unrounded; null unless both are known.')),
  talkMsMin: orNull(span('talkMs is at least this.')),
  talkMsMax: orNull(span('talkMs is at most this.')),
  late: flag('A time of the call shows evidence of delayed receipt: use the bounds.'),
  conflict: flag('Copies or notifications of the call disagree.'),
  notificationCount: count('Notifications stored, copies aside.'),
  duplicateCount: count('Copies received beyond the first of each notification.'),
  missingCount: count('Notifications known to be missing.'),
  settled: flag('No ordinary retry and no backlog can still change the record.'),
  revision: count('Rises when a field of this record changes.'),
  updatedAt: instant('When the record was last written.'),
} satisfies FieldTable;
export type CallRow = RowOf<typeof CALL>;

export const NOTIFICATION = {
  serial: text('Serial Number as received; eventTime=<ms since 1970> where the source has none but gives times.'),
  state: text(
    'ringing, 180, 183, ok, bye; early:<raw> for a state before any ringing, other:<raw> for one nobody knows.',
  ),
  stateRaw: text('Call State as received.'),
  receivedAt: instant('First receipt.'),
  lastReceivedAt: instant('Receipt of the last copy.'),
  copies: count('How often it arrived.'),
  late: flag('A later state of the call was received before it.'),
} satisfies FieldTable;
export type NotificationRow = RowOf<typeof NOTIFICATION>;

export const GAP = {
  id: uuid('Stable id of the gap.'),
  source: text('Key of the source.', 'source_key'),
  kind: oneOf(GAP_KIND, 'What may have been missed.'),
  certainty: oneOf(GAP_CERTAINTY, 'How sure it is.'),
  status: oneOf(GAP_STATUS, 'What became of it.'),
  callId: orNull(text('Call ID it belongs to; null for a gap of the source.')),
  fromSerial: orNull(text('First missing serial, where serials show the gap.')),
  toSerial: orNull(text('Last missing serial; null when open-ended or not shown by serials.')),
  from: instant('What is missing was sent at this time or later.', 'from_at'),
  to: orNull(instant('What is missing was sent at this time or earlier; null when open-ended.', 'to_at')),
  openedAt: instant('When the gap was declared.'),
  deadlineAt: orNull(instant('Until then a retry may still fill it.')),
  closedAt: orNull(instant('When it was filled, lost or explained.')),
  estimatedLost: orNull(ratio('Expected number of lost notifications; null when not estimated.')),
  detail: text('The gap in words.'),
} satisfies FieldTable;
export type GapRow = RowOf<typeof GAP>;

export const SOURCE = {
  key: text('Immutable key; enters the ids of calls.'),
  name: text('Name as configured; may change.'),
  addresses: listOf(text('Addresses and CIDRs that map to the source.', "coalesce(addresses, '{}')")),
  codec: orNull(text('How its datagrams are written; null until detected.', "codec->>'codec'")),
  charset: text('Character set of its datagrams.', "coalesce(codec->>'charset', charset)"),
  delimiter: orNull(text('Between its fields or pairs; null: a comma, or the codec has none.', "codec->>'delimiter'")),
  quoted: flag('Fields may stand in double quotes.', "coalesce((codec->>'quoted')::boolean, false)"),
  lengthBytes: orNull(
    count(
      'Bytes of the length before each field; null: one, or the codec has none.',
      "(codec->>'lengthBytes')::integer",
    ),
  ),
  byteOrder: orNull(text('Order of those bytes, big or little; null: big, or none.', "codec->>'byteOrder'")),
  widths: listOf(
    count(
      'Bytes of each of the eight fields of a fixed codec; empty for others.',
      "array(select width::integer from json_array_elements_text(codec->'widths') as width)",
    ),
  ),
  ackContent: text(
    'What its acks repeat: call_id_serial, serial_call_id, call_id, serial or echo (the whole request).',
    "coalesce(ack_form->>'content', 'call_id_serial')",
  ),
  ackDelimiter: orNull(text("What stands between the two in its acks; null: the request's.", "ack_form->>'delimiter'")),
  ackTerminator: orNull(
    text("What ends its acks: none, nul, lf or crlf; null: the request's.", "ack_form->>'terminator'"),
  ),
  serialMeaning: oneOf(SERIAL_MEANING, 'What its serials count.'),
  serialBase: count("With per_call: the serial of a call's first notification."),
  serialMeaningPinned: flag('An operator set the meaning: learning leaves it alone.', 'meaning_pinned'),
  numberCountry: orNull(
    text(
      'Country that its numbers belong to where they do not say (ISO 3166); null: not set.',
      "number_rules->>'country'",
    ),
  ),
  numberRewrites: listOf(
    text(
      'What its numbers are rewritten by before they are read in E.164, as "pattern -> replacement"; the first that is found counts.',
      "array(select (one->>'pattern') || ' -> ' || (one->>'replacement') from json_array_elements(number_rules->'rewrites') as one)",
    ),
  ),
  locked: flag('The codec is locked: datagrams written otherwise are quarantined.'),
  lastHeardAt: orNull(instant('Last datagram of any kind; null: never heard.')),
  feed: oneOf(FEED_STATUS, 'How its feed does.'),
  ackHealth: oneOf(ACK_HEALTH, 'Whether our acks seem to reach it.'),
  ackDiagnosis: oneOf(ACK_DIAGNOSIS, 'What its copies say is wrong with our acks.'),
  copiesPerNotification: orNull(
    ratio(
      'Average copies of its last notifications (at most 1,000, of 24 hours, past their retries); null without any.',
    ),
  ),
  ackP99Ms: orNull(
    // No receiver writes it down: the one that answers adds what it measured (src/api/reading.ts).
    span(
      'From reading a datagram to its ack, in ms: 99 of 100 in the last 5 to 6 minutes took at most so long, at the receiver ' +
        'that answers; null without acks. Longer than intervalMs of the settings: the source repeats itself because of us.',
      'null',
    ),
  ),
} satisfies FieldTable;
export type SourceRow = RowOf<typeof SOURCE>;

export const SOURCE_CHANGE = {
  id: uuid('Stable id.'),
  at: instant('When it was changed.'),
  by: text(
    'Who changed it: name and prefix of a key; operator (no key had been made); learned (three datagrams that agreed).',
  ),
  field: text('What was changed, named as the source names it; codec with its options as one word.'),
  before: orNull(text('What it was; null: none.')),
  after: orNull(text('What it is; null: none.')),
} satisfies FieldTable;
export type SourceChangeRow = RowOf<typeof SOURCE_CHANGE>;

export const QUARANTINED = {
  id: uuid('Stable id.'),
  receivedAt: instant('First receipt.'),
  lastReceivedAt: instant('Receipt of the last copy.'),
  copies: count('How often it arrived.'),
  source: text('Key of the source.', 'source_key'),
  address: text('Address of its sender.'),
  reason: text('Why it could not be stored as a notification.'),
  detail: text('The reason in words; no value of the datagram is in them.'),
  bytesBase64: orNull(
    bytes(
      'The bytes kept, in base64; null without the scope numbers:clear.',
      "translate(encode(bytes, 'base64'), E'\\n', '')",
    ),
  ),
  length: count('Bytes received; more than were kept when the datagram was oversized.'),
} satisfies FieldTable;
export type QuarantinedRow = RowOf<typeof QUARANTINED>;

export const SETTINGS = {
  retry: count('Tries after the first (IVR_CALL_REPORT_RETRY).'),
  intervalMs: span('Time between tries (IVR_CALL_REPORT_RETRY_INTERVAL).'),
  marginMs: span('Allowance for path delay and timers of the sender (RETRY_MARGIN_MS).'),
  horizonMs: span('H: how old a notification first seen now can be; retry x intervalMs + marginMs.'),
  staleRingingMs: span('A ringing call without news for so long is presumed ended (STALE_RINGING_S).'),
  staleAnsweredMs: span('An answered call without news for so long is presumed ended (STALE_ANSWERED_S).'),
  lossWindowMs: span('Width of the window that loss is estimated over (LOSS_WINDOW_S).'),
  retentionDays: count('Days that raw notifications are kept (RETENTION_DAYS).'),
  maxDatagramBytes: count('Longer datagrams are quarantined (UDP_MAX_DATAGRAM_BYTES).'),
  udpPort: count('Port that reports are received on (IVR_CALL_REPORT_PORT).'),
  udpHosts: listOf(text('Addresses that reports are received on (UDP_HOST).')),
} satisfies FieldTable;
export type SettingsRow = RowOf<typeof SETTINGS>;

export const FEED = {
  source: text('Key of the source.'),
  status: oneOf(FEED_STATUS, 'How its feed does.'),
  lastHeardAt: orNull(instant('Last datagram of any kind; null: never heard.')),
  gaps: count('Open and lost gaps that overlap the asked period; 10,000 also where there are more.'),
  heldBackBy: orNull(
    text(
      'The receiver whose backlog keeps records from settling; of changes, the long transaction that keeps them from being ' +
        'told. Null: none does.',
    ),
  ),
  spooled: count('Notifications acknowledged from the spool of the receiver that answers: not in the answer yet.'),
} satisfies FieldTable;
export type FeedRow = RowOf<typeof FEED>;
