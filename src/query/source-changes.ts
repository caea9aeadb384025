/** What was changed of a source: `GET /sources/{key}/changes`. */
import { Prisma } from '../generated/prisma/client.js';
import { SOURCE_CHANGE, type SourceChangeRow } from './contract.js';
import type { SOURCE_CHANGES_QUERY } from './filters.js';
import { type Order, type Page, decodeCursor, pageOf, pageStatement } from './page.js';
import type { ValuesOf } from './parameters.js';
import { type Reads, columnsOf, rows } from './sql.js';

const COLUMNS = columnsOf(SOURCE_CHANGE);

const NEWEST_FIRST: Order<SourceChangeRow> = {
  name: 'source_changes',
  descending: true,
  key: Prisma.sql`source_change.at`,
  outputKey: Prisma.sql`"at"`,
  type: 'timestamptz',
  nulls: 'never',
  tie: { column: Prisma.sql`source_change.id`, type: 'uuid' },
  valueOf: (row) => row.at,
  idOf: (row) => row.id,
};

/** A page of the changes of one source, the newest first. */
export async function readSourceChanges(
  db: Reads,
  key: string,
  { limit, cursor }: ValuesOf<typeof SOURCE_CHANGES_QUERY>,
): Promise<Page<SourceChangeRow>> {
  const question = { key };
  const position = cursor === undefined ? null : decodeCursor(NEWEST_FIRST, question, cursor);
  const where = [Prisma.sql`source_key = ${key}`];
  const from = Prisma.sql`source_change`;
  const statement = pageStatement({ columns: COLUMNS, from, where, order: NEWEST_FIRST, position, limit });
  return pageOf(await rows<SourceChangeRow>(db, statement), limit, NEWEST_FIRST, question);
}

/** The last `limit` changes of each of these sources, the newest first, by key. */
export async function lastChangesOf(
  db: Reads,
  keys: readonly string[],
  limit: number,
): Promise<ReadonlyMap<string, readonly SourceChangeRow[]>> {
  const found = await rows<SourceChangeRow & { readonly key: string }>(
    db,
    Prisma.sql`
      select asked.key, last.* from unnest(${[...keys]}::text[]) as asked(key)
      cross join lateral (
        select ${COLUMNS} from source_change where source_key = asked.key
        order by source_change.at desc, source_change.id desc limit ${limit}) as last
      order by asked.key, last.at desc, last.id desc`,
  );
  const changes = new Map<string, SourceChangeRow[]>(keys.map((key) => [key, []]));
  for (const { key, ...change } of found) changes.get(key)?.push(change);
  return changes;
}
