/** The gap ledger: `GET /gaps`. */
import { Prisma } from '../generated/prisma/client.js';
import { GAP, type GapRow } from './contract.js';
import type { GAPS_QUERY } from './filters.js';
import { type Order, type Page, decodeCursor, pageOf, pageStatement } from './page.js';
import type { ValuesOf } from './parameters.js';
import { type Reads, at, columnsOf, rows } from './sql.js';

const COLUMNS = columnsOf(GAP);

const NEWEST_FIRST: Order<GapRow> = {
  name: 'gaps',
  descending: true,
  key: Prisma.sql`opened_at`,
  outputKey: Prisma.sql`"openedAt"`,
  type: 'timestamptz',
  nulls: 'never',
  tie: { column: Prisma.sql`id`, type: 'uuid' },
  valueOf: (row) => row.openedAt,
  idOf: (row) => row.id,
};

/** Gaps whose span overlaps [from, to), the newest declared first. An open-ended gap reaches to any time. */
export async function readGaps(db: Reads, query: ValuesOf<typeof GAPS_QUERY>): Promise<Page<GapRow>> {
  const { limit, cursor, ...filter } = query;
  const position = cursor === undefined ? null : decodeCursor(NEWEST_FIRST, filter, cursor);
  const where: Prisma.Sql[] = [];
  if (filter.from !== undefined) where.push(Prisma.sql`(to_at is null or to_at >= ${at(filter.from)})`);
  if (filter.to !== undefined) where.push(Prisma.sql`from_at < ${at(filter.to)}`);
  const among = { source_key: filter.source, kind: filter.kind, certainty: filter.certainty, status: filter.status };
  for (const [column, values] of Object.entries({ ...among, call_id: filter.callId })) {
    if (values !== undefined) where.push(Prisma.sql`${Prisma.raw(column)} = any(${[...values]}::text[])`);
  }
  const from = Prisma.sql`gap`;
  const statement = pageStatement({ columns: COLUMNS, from, where, order: NEWEST_FIRST, position, limit });
  return pageOf(await rows<GapRow>(db, statement), limit, NEWEST_FIRST, filter);
}
