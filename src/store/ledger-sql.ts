/**
 * The two statements of a batch, whatever its size. Each starts with its name in a comment, by which the connection
 * keeps it prepared (`statementName`): planning the write anew costs 2 to 3 ms.
 */
import { CALL_COLUMNS, EVIDENCE_COLUMNS, GAP_COLUMNS, NOTIFICATION_COLUMNS } from './rows.js';

/**
 * Name of a prepared statement: the comment its SQL starts with; '' (not kept) for all other SQL, such as the client's own.
 */
export function statementName(sql: string): string {
  return /^\/\* (\w+) \*\//.exec(sql)?.[1] ?? '';
}

/**
 * The evidence of the keys $1 as one text, a JSON array of [callKey, version, document]: Prisma decodes results value
 * by value (30 us a row of three columns), one text is parsed at once. Locking goes in key order, so that two receivers wait
 * for each other and never deadlock.
 */
export function readSql(locking: boolean): string {
  return `/* ledger_read${locking ? '_locking' : ''} */
select '[' || coalesce(string_agg('["' || call_key || '",' || version || ',' || evidence || ']', ','), '') || ']' as found
from (
  select call_key, version, evidence::text as evidence
  from call_evidence
  where call_key = any (string_to_array($1, ',')::uuid[])
  ${locking ? 'order by call_key for update' : ''}
) as stored`;
}

/** Parts that most batches do not need; a part left out costs nothing. */
export const RARE_PARTS = ['moved', 'gaps', 'raw_updates', 'raw_deletes', 'superseded'] as const;
export type RarePart = (typeof RARE_PARTS)[number];

const CALL_VALUES = CALL_COLUMNS.slice(3).filter((column) => column !== 'revision');

function assign(columns: readonly string[], from: string): string {
  return columns.map((column) => `${column} = ${from}.${column}`).join(', ');
}

/** Columns that hold instants: `..._at`, `..._at_earliest` and `settle_after`. */
const INSTANT = /_at(?:_earliest)?$|^settle_after$/;

function instantOf(column: string, base: string): string {
  return `${base}::timestamptz + ${column} * interval '1 ms' as ${column}`;
}

/** The rows of a table that a parameter holds (see `rows.ts`), as the table has them. */
export function sentRows(table: 'call' | 'notification', parameter: string, base: string): string {
  const values = TABLE_COLUMNS[table].map((column) => (INSTANT.test(column) ? instantOf(column, base) : column));
  return `select ${values.join(', ')} from unnest(${parameter}::${table}_sent[])`;
}

/**
 * $1 evidence rows, $2 their documents (separated by the unit separator, which JSON text never holds), $3 how many,
 * $4 calls to insert or to update where they stand, $5 raw rows to insert, $6 the base their instants count from; then one
 * parameter per rare part, in order.
 *
 * The last line divides by zero, and so rolls all of it back, unless every evidence row was still at the version that was
 * read: another receiver's update is never overwritten. It is one statement, so it needs no transaction around it.
 */
export function writeSql(rare: readonly RarePart[]): string {
  const parts = rare.map((part, index) => `,\n${RARE_SQL[part](`$${String(index + 7)}`)}`);
  return `/* ledger_write_${rare.map((part) => RARE_PARTS.indexOf(part)).join('')} */
with guarded as (
  insert into call_evidence as stored (${EVIDENCE_COLUMNS.join(', ')})
  select call_key, source_key, call_id, version, document::json, ${instantOf('last_at', '$6')}
  from rows from (unnest($1::call_evidence_sent[]), unnest(string_to_array($2, e'\\x1f')))
    as sent (call_key, source_key, call_id, version, last_at, document)
  on conflict (call_key) do update set
    version = excluded.version, evidence = excluded.evidence, last_at = greatest(stored.last_at, excluded.last_at)
    where stored.version = excluded.version - 1
  returning 1
), calls as (
  insert into call as stored
  ${sentRows('call', '$4', '$6')}
  on conflict (call_key, id, settled) do update set
    ${assign(CALL_VALUES, 'excluded')}, revision = stored.revision + excluded.revision
), raw as (
  insert into notification
  ${sentRows('notification', '$5', '$6')}
)${parts.join('')}
select 1 / (count(*) = $3)::integer as guarded from guarded`;
}

const RAW_KEY_MATCH = ['call_key', 'first_at', 'serial', 'state', 'digest']
  .map((column) => `stored.${column} = sent.${column}`)
  .join(' and ');

const RARE_SQL: Readonly<Record<RarePart, (parameter: string) => string>> = {
  // The row may stand in either partition and may change it; then the contract's `settled` changed too.
  moved: (parameter) => `moved as (
  update call as stored set
    settled = sent.settled, ${assign(CALL_VALUES, 'sent')},
    revision = stored.revision + greatest(sent.revision, (stored.settled <> sent.settled)::integer)
  from (${sentRows('call', parameter, '$6')}) as sent
  where stored.call_key = sent.call_key and stored.id = sent.id
)`,
  gaps: (parameter) => `gaps as (
  insert into gap
  select * from unnest(${parameter}::gap[])
  on conflict (ledger_key, id) do update set ${assign(GAP_COLUMNS.slice(2), 'excluded')}
)`,
  raw_updates: (parameter) => `raw_updates as (
  update notification as stored set ${assign(['last_at', 'copies'], 'sent')}
  from (${sentRows('notification', parameter, '$6')}) as sent
  where ${RAW_KEY_MATCH}
)`,
  raw_deletes: (parameter) => `raw_deletes as (
  delete from notification as stored using (${sentRows('notification', parameter, '$6')}) as sent where ${RAW_KEY_MATCH}
)`,
  superseded: (parameter) => `superseded as (
  delete from call as stored
  using unnest(string_to_array(${parameter}, ',')::text[]) as sent (pair)
  where stored.call_key = split_part(pair, ' ', 1)::uuid and stored.id = split_part(pair, ' ', 2)::uuid
)`,
};

/** Every column list of the module, for the test that compares them with the tables. */
export const TABLE_COLUMNS = {
  call_evidence: EVIDENCE_COLUMNS,
  call: CALL_COLUMNS,
  notification: NOTIFICATION_COLUMNS,
  gap: GAP_COLUMNS,
} as const;
