/** The public contract of the changes feed. */
import { CALL, type CallRow } from '../contract.js';
import { type Enumeration, type FieldTable, type RowOf, count, flag, listOf, oneOf, uuid } from '../field.js';
import { anyText, optionalFlag, optionalText, presetCount } from '../parameters.js';

export const BILLABLE_REASONS = [
  'superseded',
  'not_settled',
  'not_answered',
  'disposition_unknown',
  'end_presumed',
  'talk_unknown',
  'conflict',
] as const;
export type BillableReason = (typeof BILLABLE_REASONS)[number];

export const BILLABLE_REASON: Enumeration<BillableReason> = {
  name: 'BillableReason',
  description:
    'Why a record is not billable. superseded: its id was taken away, what was charged for it is to be credited. not_settled: ' +
    'a retry or a backlog may still change it. not_answered: nobody talked. disposition_unknown: its OK may be missing. ' +
    'end_presumed: no Bye came, so nothing bounds how long it lasted: talkMsMax is null. talk_unknown: answered and ' +
    'ended, but not known for how long. conflict: what was received of it disagrees, and a person should look.',
  values: BILLABLE_REASONS,
};

/** What REST and GraphQL show of a change beside `previous` and `call`, which they write differently. */
export const CHANGE = {
  id: uuid('Stable id of the call.'),
  revision: count('Which revision of the record this is. Those of one id are told in order, each at least once.'),
  superseded: flag(
    'The id was taken away: what it stood for is told under other ids (docs/truth.md 7). Should it come back, revisions go on.',
  ),
  billable: flag('Settled, answered, ended with a Bye, without conflict: talkMs can be charged.'),
  reasons: listOf(oneOf(BILLABLE_REASON, `Empty when it is billable. ${BILLABLE_REASON.description}`)),
} satisfies FieldTable;

/** Fields that differ between any two revisions, and so say nothing. */
const COUNTS_WRITES: ReadonlySet<string> = new Set(['revision', 'updatedAt']);
export const FORMER_FIELDS = Object.keys(CALL).filter((name) => !COUNTS_WRITES.has(name)) as (keyof CallRow)[];

/** The fields that changed, with the values they had. */
export type Former = Readonly<Partial<CallRow>>;

export interface ChangeRow extends RowOf<typeof CHANGE> {
  /** Null for the first revision, and when the one before is no longer kept. */
  readonly previous: Former | null;
  /** The record as of this revision. */
  readonly call: CallRow;
}

/** A poll that waits ends after this, s: proxies cut what is silent for a minute. */
export const WAIT_MAX_S = 30;

export const CHANGES_QUERY = {
  after: optionalText(
    'Where to go on: nextCursor of the page before. Absent: from the oldest change that is kept. now: from now on.',
  ),
  limit: presetCount(1, 500, 100, 'Changes on a page.'),
  wait: presetCount(0, WAIT_MAX_S, 0, 'Seconds to wait for a change while there is none.'),
  settled: optionalFlag(
    'true: settled records alone, and previous tells what changed since the last of them. Superseded ids are told anyway.',
  ),
  source: anyText('Key of the source.'),
};
