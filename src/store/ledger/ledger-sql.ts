/**
 * The two statements of a batch, whatever its size. Each starts with its name in a comment, by which the connection
 * keeps it prepared (`statement-name.ts`): planning the write anew costs 2 to 3 ms.
 */
import { CALL_COLUMNS, EVIDENCE_COLUMNS, GAP_COLUMNS, NOTIFICATION_COLUMNS } from './rows.js';

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

/** The contract's part of a call row, as a row of `call_change` repeats it. */
const TOLD_COLUMNS = CALL_COLUMNS.slice(0, CALL_COLUMNS.indexOf('updated_at') + 1);

/**
 * The number of this transaction, above that of every one that ended before it began, and PostgreSQL's time, so that both go
 * up together whatever the clocks of receivers say (docs/adr/0012-changes-feed.md). Read as `(select tx from written)`.
 */
export const WRITTEN = `written as materialized (
  select pg_current_xact_id()::text::bigint + ahead as tx, clock_timestamp() as at from change_base
)`;

/** Inserts into the changes feed the rows that `from` selects: call rows as they are now, with `changed_tx`. */
export function tellSql(from: string): string {
  return `insert into call_change (tx, at, superseded, ${TOLD_COLUMNS.join(', ')})
  select changed_tx, (select at from written), superseded, ${TOLD_COLUMNS.join(', ')} from (${from}) as raised`;
}

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
), ${WRITTEN}, sent_calls as materialized (
  ${sentRows('call', '$4', '$6')}
), calls as (
  insert into call as stored (${CALL_COLUMNS.join(', ')}, changed_tx)
  select ${CALL_COLUMNS.map((column) => (column === 'revision' ? FROM_REVISION : `sent.${column}`)).join(', ')},
    greatest((select tx from written), gone.tx)
  from sent_calls as sent left join call_superseded as gone using (call_key, id)
  on conflict (call_key, id, settled) do update set
    ${assign(CALL_VALUES, 'excluded')}, revision = stored.revision + least(excluded.revision, 1),
    changed_tx = greatest(stored.changed_tx, excluded.changed_tx)
  returning stored.*
), raw as (
  insert into notification
  ${sentRows('notification', '$5', '$6')}
)${parts.join('')}, told as (
  ${tellSql(raisedSql(rare))}
)
select 1 / (count(*) = $3)::integer as guarded from guarded`;
}

/** Revisions of an id that a re-cut took away and that comes back go on from there; 0 says that nothing changed. */
const FROM_REVISION = 'case sent.revision when 0 then 0 else sent.revision + coalesce(gone.revision, 0) end';

/** The call rows of a write whose revision rose, from its other parts; an id that is taken away has a last revision too. */
function raisedSql(rare: readonly RarePart[]): string {
  const raised = [...TOLD_COLUMNS, 'changed_tx'].join(', ');
  const parts = [
    `select ${raised}, false as superseded
    from calls join (select call_key, id from sent_calls where revision > 0) as sent using (call_key, id)`,
  ];
  if (rare.includes('moved')) parts.push(`select ${raised}, false from moved where raised`);
  if (rare.includes('superseded')) parts.push(`select ${raised}, true from superseded`);
  return parts.join('\n    union all ');
}

const RAW_KEY_MATCH = ['call_key', 'first_at', 'serial', 'state', 'digest']
  .map((column) => `stored.${column} = sent.${column}`)
  .join(' and ');

const RARE_SQL: Readonly<Record<RarePart, (parameter: string) => string>> = {
  // The row may stand in either partition and may change it; then the contract's `settled` changed too. `old` is the row as it
  // was, which `returning` alone cannot say before PostgreSQL 18.
  moved: (parameter) => `moved as (
  update call as stored set
    settled = sent.settled, ${assign(CALL_VALUES, 'sent')},
    revision = stored.revision + greatest(sent.revision, (stored.settled <> sent.settled)::integer),
    changed_tx = greatest(stored.changed_tx, (select tx from written))
  from (${sentRows('call', parameter, '$6')}) as sent
    join call as old on old.call_key = sent.call_key and old.id = sent.id
  where stored.call_key = sent.call_key and stored.id = sent.id and stored.settled = old.settled
  returning stored.*, sent.revision > 0 or old.settled <> sent.settled as raised
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
  superseded: (parameter) => `taken as (
  delete from call as stored
  using unnest(string_to_array(${parameter}, ',')::text[]) as sent (pair)
  where stored.call_key = split_part(pair, ' ', 1)::uuid and stored.id = split_part(pair, ' ', 2)::uuid
  returning stored.*
), superseded as (
  select ${TOLD_COLUMNS.map(takenColumn).join(', ')}, greatest(changed_tx, (select tx from written)) as changed_tx
  from taken
), kept_in_mind as (
  insert into call_superseded as known (call_key, id, revision, tx)
  select call_key, id, revision, changed_tx from superseded
  on conflict (call_key, id) do update set revision = excluded.revision, tx = excluded.tx
)`,
};

function takenColumn(column: string): string {
  if (column === 'revision') return 'revision + 1 as revision';
  return column === 'updated_at' ? '$6::timestamptz as updated_at' : column;
}

/** Every column list of the module, for the test that compares them with the tables. */
export const TABLE_COLUMNS = {
  call_evidence: EVIDENCE_COLUMNS,
  call: CALL_COLUMNS,
  notification: NOTIFICATION_COLUMNS,
  gap: GAP_COLUMNS,
} as const;
