/** Which parameters each list takes: one table for REST, OpenAPI and GraphQL. */
import {
  CALL_STATE,
  DISPOSITION,
  DISPOSITION_BASIS,
  END_PROVENANCE,
  GAP_CERTAINTY,
  GAP_KIND,
  GAP_STATUS,
} from './contract.js';
import type { Enumeration } from './field.js';
import {
  anyEnum,
  anyNumber,
  anyText,
  optionalCount,
  optionalEnum,
  optionalFlag,
  optionalInstant,
  optionalSearch,
  optionalText,
  orderBy,
  type Parameter,
  presetCount,
  presetEnum,
} from './parameters.js';
import { isCursor, NO_CURSOR } from './page.js';

export const TIME_BASES = ['firstSeenAt', 'ringingAt', 'answeredAt', 'endedAt'] as const;
export type TimeBase = (typeof TIME_BASES)[number];
const TIME_BASE: Enumeration<TimeBase> = {
  name: 'TimeBase',
  description: 'The time of a call that from and to speak of.',
  values: TIME_BASES,
};

export const CALL_SORTS = ['firstSeenAt', 'endedAt', 'talkMs'] as const;
export type CallSort = (typeof CALL_SORTS)[number];

const REVISION_MAX = 2_147_483_647;
const span = (description: string): Parameter<number | undefined> =>
  optionalCount(0, Number.MAX_SAFE_INTEGER, description);

const source = anyText('Key of the source.');
const callId = anyText('Call ID, exactly.');

/** Judged with the other parameters, so that every fault is told at once; whether it belongs to the question shows later. */
export function cursorText(description: string): Parameter<string | undefined> {
  const cursor = optionalText(description);
  const mayBe = (text: string | undefined): boolean => text === undefined || text === '' || isCursor(text);
  return { ...cursor, schema: cursor.schema.refine(mayBe, NO_CURSOR) };
}

export const PAGING = {
  limit: presetCount(1, 500, 100, 'Rows on a page.'),
  cursor: cursorText('Where to go on: nextCursor of the page before.'),
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
  callerE164: anyNumber('Caller number in E.164 (+442071234567).'),
  calleeE164: anyNumber('Callee number in E.164.'),
  menuId: anyText('Menu id, exactly.'),
  source,
  callId,
  minTalkMs: span('Talked for at least so many ms.'),
  maxTalkMs: span('Talked for at most so many ms.'),
  minRingMs: span('Rang for at least so many ms.'),
  maxRingMs: span('Rang for at most so many ms.'),
  dispositionBasis: anyEnum(DISPOSITION_BASIS, 'What the disposition rests on.'),
  endProvenance: anyEnum(END_PROVENANCE, 'How the end is known.'),
  minRevision: optionalCount(1, REVISION_MAX, 'Written anew so often or more.'),
  maxRevision: optionalCount(1, REVISION_MAX, 'Written anew so often at most.'),
  q: optionalSearch(
    'Text in the Call ID or in one of the numbers, or the whole id of the call; at least 4 characters, as they were received.',
  ),
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

export const TOTAL_BASES = ['estimate', 'exact'] as const;
export type TotalBasis = (typeof TOTAL_BASES)[number];
export const TOTAL_BASIS: Enumeration<TotalBasis> = {
  name: 'TotalBasis',
  description:
    "How calls are counted. estimate: PostgreSQL's guess from its statistics, at once; it may be off by any factor. exact: one " +
    'by one, which takes as long as there are many.',
  values: TOTAL_BASES,
};

export const COUNTING = {
  count: optionalEnum(TOTAL_BASIS, 'Tell in total how many calls meet the filter, on this page or not.'),
};

export const CALLS_QUERY = { ...CALL_FILTER, ...SORTING, ...PAGING, ...COUNTING };
/** Active calls are always counted. */
export const ACTIVE_QUERY = { ...CALL_FILTER, ...SORTING, ...PAGING };
export const GAPS_QUERY = { ...GAP_FILTER, ...PAGING };
export const QUARANTINE_QUERY = { ...QUARANTINE_FILTER, ...PAGING };
export const SOURCES_QUERY = { ...PAGING };
export const SOURCE_CHANGES_QUERY = { ...PAGING };
