/** Which parameters each list takes: one table for REST, OpenAPI and GraphQL. */
import { CALL_STATE, DISPOSITION, GAP_CERTAINTY, GAP_KIND, GAP_STATUS } from './contract.js';
import type { Enumeration } from './field.js';
import {
  anyEnum,
  anyNumber,
  anyText,
  optionalCount,
  optionalFlag,
  optionalInstant,
  optionalText,
  orderBy,
  presetCount,
  presetEnum,
} from './parameters.js';

export const TIME_BASES = ['firstSeenAt', 'ringingAt', 'answeredAt', 'endedAt'] as const;
export type TimeBase = (typeof TIME_BASES)[number];
const TIME_BASE: Enumeration<TimeBase> = {
  name: 'TimeBase',
  description: 'The time of a call that from and to speak of.',
  values: TIME_BASES,
};

export const CALL_SORTS = ['firstSeenAt', 'endedAt', 'talkMs'] as const;
export type CallSort = (typeof CALL_SORTS)[number];

const source = anyText('Key of the source.');
const callId = anyText('Call ID, exactly.');

export const PAGING = {
  limit: presetCount(1, 500, 100, 'Rows on a page.'),
  cursor: optionalText('Where to go on: nextCursor of the page before.'),
};

export const SORTING = {
  sort: orderBy(
    CALL_SORTS,
    '-firstSeenAt',
    'Order, - for descending. endedAt takes presumedEndedAt where no Bye was seen. Calls without the value come last.',
  ),
};

export const CALL_FILTER = {
  from: optionalInstant('Calls at this time or later.'),
  to: optionalInstant('Calls before this time.'),
  by: presetEnum(TIME_BASE, 'firstSeenAt', 'The time from and to speak of; endedAt includes presumedEndedAt.'),
  state: anyEnum(CALL_STATE, 'Where the call is now.'),
  disposition: anyEnum(DISPOSITION, 'How the call turned out.'),
  caller: anyNumber('Caller number.'),
  callee: anyNumber('Callee number.'),
  forward: anyNumber('Forward number.'),
  menuId: anyText('Menu id, exactly.'),
  source,
  callId,
  minTalkMs: optionalCount(0, Number.MAX_SAFE_INTEGER, 'Talked for at least so many ms.'),
  hasGaps: optionalFlag('Whether an open or lost gap belongs to the call.'),
  settled: optionalFlag('Whether the record is settled.'),
};

export const GAP_FILTER = {
  from: optionalInstant('Gaps that reach to this time or beyond it.'),
  to: optionalInstant('Gaps that begin before this time.'),
  source,
  kind: anyEnum(GAP_KIND, 'What may have been missed.'),
  certainty: anyEnum(GAP_CERTAINTY, 'How sure it is.'),
  status: anyEnum(GAP_STATUS, 'What became of the gap.'),
  callId,
};

export const QUARANTINE_FILTER = {
  from: optionalInstant('Received at this time or later.'),
  to: optionalInstant('Received before this time.'),
  source,
  reason: anyText('Why it was quarantined, exactly.'),
};

export const CALLS_QUERY = { ...CALL_FILTER, ...SORTING, ...PAGING };
export const GAPS_QUERY = { ...GAP_FILTER, ...PAGING };
export const QUARANTINE_QUERY = { ...QUARANTINE_FILTER, ...PAGING };
export const SOURCES_QUERY = { ...PAGING };
export const SOURCE_CHANGES_QUERY = { ...PAGING };
