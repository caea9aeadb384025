/** Takes the indexes of tables away and makes them again, for tables that are filled at once. */
import type pg from 'pg';

/** Memory of one index build, and processes beside it: of 10 million calls the largest index takes 700 MB to sort. */
const BUILD_MEMORY = '512MB';
const BUILD_HELPERS = 2;

/** Statements that make indexes again. Those of a partitioned table make those of its partitions, under the names PostgreSQL gives. */
export type Indexes = readonly string[];

interface Found {
  readonly take: string;
  readonly make: string;
}

/**
 * A table without partitions is in no tree of them. `only` is how the catalog prints an index of a partitioned table: without the
 * indexes of its partitions.
 */
const FIND = `
with filled as (
  select name::regclass as relid from unnest($1::text[]) as named (name)
  union select tree.relid from unnest($1::text[]) as named (name), pg_partition_tree(named.name::regclass) as tree
), keys as (
  select format('alter table %s drop constraint %I', conrelid::regclass, conname) as take,
    format('alter table %s add constraint %I %s', conrelid::regclass, conname, pg_get_constraintdef(pg_constraint.oid)) as make
  from pg_constraint join filled on relid = conrelid where contype = 'p' and conparentid = 0
), others as (
  select format('drop index %s', indexrelid::regclass) as take, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') as make
  from pg_index join filled on relid = indrelid
  where not indisprimary and not exists (select from pg_inherits where inhrelid = indexrelid)
)
select take, make from keys union all select take, make from others order by make`;

/** Drops every index of these tables, primary keys included. To be called in the transaction that makes them again. */
export async function takeIndexes(client: pg.Client, tables: readonly string[]): Promise<Indexes> {
  const { rows } = await client.query<Found>(FIND, [tables]);
  for (const { take } of rows) await client.query(take);
  return rows.map(({ make }) => make);
}

/** Makes them again. */
export async function restoreIndexes(client: pg.Client, indexes: Indexes): Promise<void> {
  await client.query(`set local maintenance_work_mem = '${BUILD_MEMORY}'`);
  await client.query(`set local max_parallel_maintenance_workers = ${String(BUILD_HELPERS)}`);
  for (const make of indexes) await client.query(make);
}
