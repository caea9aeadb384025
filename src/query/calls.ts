/** The history of calls: `GET /calls`. The tables and their indexes are in prisma/migrations. */
import { Prisma } from '../generated/prisma/client.js';
import { CALL, type CallRow } from './contract.js';
import type { CALL_FILTER, CALLS_QUERY, CallSort, TimeBase } from './filters.js';
import { type Order, type Page, type Question, type SortValue, decodeCursor, pageOf, pageStatement } from './page.js';
import type { NumberPattern, ValuesOf } from './parameters.js';
import { type Reads, at, columnsOf, rows } from './sql.js';

export type CallFilter = ValuesOf<typeof CALL_FILTER>;
export type CallsQuery = ValuesOf<typeof CALLS_QUERY>;

export const CALL_COLUMNS = columnsOf(CALL);
const CALL_TABLE = Prisma.sql`call`;
/** Billing's time of the end; spelled as the index on it is, or it is not used. */
const ENDED = Prisma.sql`coalesce(ended_at, presumed_ended_at)`;

const TIMES: Readonly<Record<TimeBase, Prisma.Sql>> = {
  firstSeenAt: Prisma.sql`first_seen_at`,
  ringingAt: Prisma.sql`ringing_at`,
  answeredAt: Prisma.sql`answered_at`,
  endedAt: ENDED,
};

type Sorting = Pick<Order<CallRow>, 'key' | 'outputKey' | 'type' | 'nulls' | 'valueOf'>;

const SORTINGS: Readonly<Record<CallSort, Sorting>> = {
  firstSeenAt: {
    key: Prisma.sql`first_seen_at`,
    outputKey: Prisma.sql`"firstSeenAt"`,
    type: 'timestamptz',
    nulls: 'never',
    valueOf: (row): SortValue => row.firstSeenAt,
  },
  endedAt: {
    key: ENDED,
    outputKey: Prisma.sql`coalesce("endedAt", "presumedEndedAt")`,
    type: 'timestamptz',
    nulls: 'first',
    valueOf: (row): SortValue => row.endedAt ?? row.presumedEndedAt,
  },
  talkMs: {
    key: Prisma.sql`talk_ms`,
    outputKey: Prisma.sql`"talkMs"`,
    type: 'bigint',
    nulls: 'last',
    valueOf: (row): SortValue => row.talkMs,
  },
};

function orderOf(sort: CallsQuery['sort'], list: string): Order<CallRow> {
  const descending = sort.startsWith('-');
  const name = (descending ? sort.slice(1) : sort) as CallSort;
  return {
    ...SORTINGS[name],
    name: `${list} ${sort}`,
    descending,
    tie: { column: Prisma.sql`id`, type: 'uuid' },
    idOf: (row): string => row.id,
  };
}

/** A text inside a like pattern: \ % _ stand for themselves. */
function likeText(text: string): string {
  return text.replace(/[\\%_]/g, (special) => `\\${special}`);
}

/** One comparison a value, since `like any (array)` reads no index. */
function numberMatches(column: Prisma.Sql, patterns: readonly NumberPattern[]): Prisma.Sql {
  const each = patterns.map(({ match, digits }) => {
    if (match === 'exact') return Prisma.sql`${column} = ${digits}`;
    return Prisma.sql`${column} like ${match === 'prefix' ? `${likeText(digits)}%` : `%${likeText(digits)}%`}`;
  });
  return Prisma.sql`(${Prisma.join(each, ' or ')})`;
}

/**
 * The gaps `gap` that belong to the call `call`. A gap names a Call ID, which several calls may share: it is this
 * call's when the receipt its span is reckoned from (its begin + H; deadline - opening is H) falls into the time from
 * the call's first receipt until the next call's.
 */
const GAP_ANCHOR = Prisma.sql`(gap.from_at + coalesce(gap.deadline_at - gap.opened_at, interval '0'))`;
export const GAP_OF_CALL = Prisma.sql`
  gap.ledger_key = call.call_key
  and (call.first_seen_at <= ${GAP_ANCHOR} or not exists (
    select 1 from call earlier where earlier.call_key = call.call_key and earlier.first_seen_at < call.first_seen_at))
  and not exists (
    select 1 from call later where later.call_key = call.call_key
      and later.first_seen_at > call.first_seen_at and later.first_seen_at <= ${GAP_ANCHOR})`;

/** First by Call ID, which one hash answers for all of history; then, for the few that pass, by call. */
const HAS_GAPS = Prisma.sql`
  (call_key in (select ledger_key from gap where status in ('open', 'lost') and call_key is not null)
   and exists (select 1 from gap where gap.status in ('open', 'lost') and ${GAP_OF_CALL}))`;

/** The conditions a filter sets. */
export function callConditions(filter: CallFilter): Prisma.Sql[] {
  const time = TIMES[filter.by];
  const conditions: Prisma.Sql[] = [];
  if (filter.from !== undefined) conditions.push(Prisma.sql`${time} >= ${at(filter.from)}`);
  if (filter.to !== undefined) conditions.push(Prisma.sql`${time} < ${at(filter.to)}`);
  const among = (column: string, values: readonly string[] | undefined): void => {
    if (values !== undefined) conditions.push(Prisma.sql`${Prisma.raw(column)} = any(${[...values]}::text[])`);
  };
  among('state', filter.state);
  // What has not ended is not settled: saying so keeps the read in the small partition.
  if (filter.state?.includes('ended') === false) conditions.push(Prisma.sql`not settled`);
  among('disposition', filter.disposition);
  among('menu_id', filter.menuId);
  among('source_key', filter.source);
  among('call_id', filter.callId);
  const matching = (column: string, patterns: readonly NumberPattern[] | undefined): void => {
    if (patterns !== undefined) conditions.push(numberMatches(Prisma.raw(column), patterns));
  };
  matching('caller_number', filter.caller);
  matching('callee_number', filter.callee);
  matching('forward_number', filter.forward);
  if (filter.minTalkMs !== undefined) conditions.push(Prisma.sql`talk_ms >= ${filter.minTalkMs}::bigint`);
  if (filter.settled !== undefined) conditions.push(filter.settled ? Prisma.sql`settled` : Prisma.sql`not settled`);
  if (filter.hasGaps !== undefined) conditions.push(filter.hasGaps ? HAS_GAPS : Prisma.sql`not ${HAS_GAPS}`);
  return conditions;
}

/** A page of calls that meet the query's filter and `conditions`; `list` keeps the cursors of two lists apart. */
export async function callPage(
  db: Reads,
  query: CallsQuery,
  list: string,
  conditions: readonly Prisma.Sql[],
): Promise<Page<CallRow>> {
  const { limit, cursor, sort, ...filter } = query;
  const order = orderOf(sort, list);
  const question: Question = filter;
  const position = cursor === undefined ? null : decodeCursor(order, question, cursor);
  const where = [...callConditions(filter), ...conditions];
  const statement = pageStatement({ columns: CALL_COLUMNS, from: CALL_TABLE, where, order, position, limit });
  return pageOf(await rows<CallRow>(db, statement), limit, order, question);
}

/** History: every call that meets the filter, whatever its state. */
export function readCalls(db: Reads, query: CallsQuery): Promise<Page<CallRow>> {
  return callPage(db, query, 'calls', []);
}
