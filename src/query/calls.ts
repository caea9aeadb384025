/** The history of calls: `GET /calls`. The tables and their indexes are in prisma/migrations. */
import { Prisma } from '../generated/prisma/client.js';
import { CALL, type CallRow } from './contract.js';
import type { ACTIVE_QUERY, CALL_FILTER, CALLS_QUERY, CallSort, TimeBase, TotalBasis } from './filters.js';
import { type Order, type Page, type Question, type SortValue, decodeCursor, pageOf, pageStatement } from './page.js';
import type { NumberPattern, ValuesOf } from './parameters.js';
import { type Reads, at, columnsOf, every, rows } from './sql.js';

export type CallFilter = ValuesOf<typeof CALL_FILTER>;
export type CallsQuery = ValuesOf<typeof CALLS_QUERY>;
export type ActiveQuery = ValuesOf<typeof ACTIVE_QUERY>;

/** How many calls meet a filter. */
export interface Total {
  readonly calls: number;
  readonly basis: TotalBasis;
}

export interface CallsPage extends Page<CallRow> {
  /** Null unless it was asked for. */
  readonly total: Total | null;
}

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

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const SEARCHED = ['call_id', 'caller_number', 'callee_number', 'forward_number'];

/** Free text over the Call ID and the numbers: each by the one trigram index on all of them; and over the id. */
function holds(text: string): Prisma.Sql {
  const pattern = `%${likeText(text)}%`;
  const each = SEARCHED.map((column) => Prisma.sql`${Prisma.raw(column)} like ${pattern}`);
  return Prisma.sql`(${Prisma.join(UUID.test(text) ? [...each, Prisma.sql`id = ${text}::uuid`] : each, ' or ')})`;
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

/**
 * One question for the planner to answer as suits: call after call of a page, by the index on open and lost gaps (1 call in 75 has one),
 * or by one hash for a count. A list of Call IDs beside it made every page go through all gaps there are.
 */
const HAS_GAPS = Prisma.sql`
  exists (select 1 from gap where gap.status in ('open', 'lost') and gap.call_key is not null and ${GAP_OF_CALL})`;

/**
 * What follows from any time of a call lying before `to`, said so that a page in the order of `first_seen_at` begins there
 * and not at the newest call (of 1 million calls, the newest 15 days took 650 ms to walk past). An event is believed to have
 * happened at most STALE_ANSWERED_S before its first receipt (src/lifecycle/moment.ts), or H where it was received late.
 */
function seenBefore(to: number): Prisma.Sql {
  return Prisma.sql`first_seen_at < coalesce(${at(to)} + interval '1 ms' *
    (select max(stale_answered_ms + retry * interval_ms + margin_ms) from settings), 'infinity')`;
}

/** A number in E.164 begins with a +, whether it is asked with one or not. */
function writtenAs(column: Prisma.Sql, patterns: readonly NumberPattern[]): Prisma.Sql {
  const whole = patterns.map((pattern) => {
    const bare = pattern.match === 'part' || pattern.digits.startsWith('+');
    return bare ? pattern : { ...pattern, digits: `+${pattern.digits}` };
  });
  const forms = numberMatches(Prisma.sql`e164`, whole);
  return Prisma.sql`(source_key, ${column}) in (select of_source, of_number from number_form where ${forms})`;
}

/**
 * Whether only calls that ended can meet a filter. Each of them has a disposition and no other has one: saying so spares a page the walk past
 * all that are active, which are the newest (50 ms of 50,000).
 */
function ofEnded(filter: CallFilter): boolean {
  const { state, disposition, dispositionBasis, endProvenance, minTalkMs, maxTalkMs } = filter;
  if (state?.every((one) => one === 'ended') === true) return true;
  return [disposition, dispositionBasis, endProvenance, minTalkMs, maxTalkMs].some((asked) => asked !== undefined);
}

/** The conditions a filter sets. */
export function callConditions(filter: CallFilter): Prisma.Sql[] {
  const time = TIMES[filter.by];
  const conditions: Prisma.Sql[] = [];
  if (filter.from !== undefined) conditions.push(Prisma.sql`${time} >= ${at(filter.from)}`);
  if (filter.to !== undefined) conditions.push(Prisma.sql`${time} < ${at(filter.to)}`);
  if (filter.to !== undefined && filter.by !== 'firstSeenAt') conditions.push(seenBefore(filter.to));
  const among = (column: string, values: readonly string[] | undefined): void => {
    // One value is compared, not searched for: only then does an index on it keep the order of its next column.
    if (values?.length === 1) conditions.push(Prisma.sql`${Prisma.raw(column)} = ${values[0]}`);
    else if (values !== undefined) conditions.push(Prisma.sql`${Prisma.raw(column)} = any(${[...values]}::text[])`);
  };
  among('state', filter.state);
  // What has not ended is not settled: saying so keeps the read in the small partition.
  if (filter.state?.includes('ended') === false) conditions.push(Prisma.sql`not settled`);
  if (ofEnded(filter)) conditions.push(Prisma.sql`disposition is not null`);
  among('disposition', filter.disposition);
  among('menu_id', filter.menuId);
  among('source_key', filter.source);
  among('call_id', filter.callId);
  const matching = (column: string, patterns: readonly NumberPattern[] | undefined): void => {
    if (patterns !== undefined) conditions.push(numberMatches(Prisma.raw(column), patterns));
  };
  const written = (column: string, patterns: readonly NumberPattern[] | undefined): void => {
    if (patterns !== undefined) conditions.push(writtenAs(Prisma.raw(column), patterns));
  };
  matching('caller_number', filter.caller);
  matching('callee_number', filter.callee);
  matching('forward_number', filter.forward);
  written('caller_number', filter.callerE164);
  written('callee_number', filter.calleeE164);
  among('disposition_basis', filter.dispositionBasis);
  among('end_provenance', filter.endProvenance);
  const between = (column: string, least: number | undefined, most: number | undefined): void => {
    if (least !== undefined) conditions.push(Prisma.sql`${Prisma.raw(column)} >= ${least}::bigint`);
    if (most !== undefined) conditions.push(Prisma.sql`${Prisma.raw(column)} <= ${most}::bigint`);
  };
  between('talk_ms', filter.minTalkMs, filter.maxTalkMs);
  between('ring_ms', filter.minRingMs, filter.maxRingMs);
  between('revision', filter.minRevision, filter.maxRevision);
  if (filter.q !== undefined) conditions.push(holds(filter.q));
  if (filter.settled !== undefined) conditions.push(filter.settled ? Prisma.sql`settled` : Prisma.sql`not settled`);
  if (filter.hasGaps !== undefined) conditions.push(filter.hasGaps ? HAS_GAPS : Prisma.sql`not ${HAS_GAPS}`);
  return conditions;
}

/** A page of calls that meet the query's filter and `conditions`; `list` keeps the cursors of two lists apart. */
export async function callPage(
  db: Reads,
  query: ActiveQuery,
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

/** What the planner of PostgreSQL says of a statement, as far as it is of use here. */
interface Planned {
  readonly 'QUERY PLAN': readonly [{ readonly Plan: { readonly 'Plan Rows': number } }];
}

async function countCalls(db: Reads, filter: CallFilter, basis: TotalBasis): Promise<number> {
  const where = every(callConditions(filter));
  if (basis === 'exact') {
    const [counted] = await rows<{ readonly calls: number }>(
      db,
      Prisma.sql`select count(*)::float8 as calls from call where ${where}`,
    );
    return counted?.calls ?? 0;
  }
  const [planned] = await rows<Planned>(db, Prisma.sql`explain (format json) select 1 from call where ${where}`);
  return planned?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}

/** History: every call that meets the filter, whatever its state; counted only when asked. */
export async function readCalls(db: Reads, { count, ...query }: CallsQuery): Promise<CallsPage> {
  const page = await callPage(db, query, 'calls', []);
  if (count === undefined) return { ...page, total: null };
  // A first page that holds everything has counted it.
  const whole = query.cursor === undefined && page.nextCursor === null;
  if (whole) return { ...page, total: { calls: page.data.length, basis: 'exact' } };
  return { ...page, total: { calls: await countCalls(db, query, count), basis: count } };
}
