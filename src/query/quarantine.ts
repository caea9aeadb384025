/** Datagrams that could not be stored as notifications: `GET /quarantine`. */
import { Prisma } from '../generated/prisma/client.js';
import { QUARANTINED, type QuarantinedRow } from './contract.js';
import type { QUARANTINE_QUERY } from './filters.js';
import { type Order, type Page, decodeCursor, pageOf, pageStatement } from './page.js';
import type { ValuesOf } from './parameters.js';
import { type Reads, at, columnsOf, rows } from './sql.js';

const COLUMNS = columnsOf(QUARANTINED);

const NEWEST_FIRST: Order<QuarantinedRow> = {
  name: 'quarantine',
  descending: true,
  key: Prisma.sql`received_at`,
  outputKey: Prisma.sql`"receivedAt"`,
  type: 'timestamptz',
  nulls: 'never',
  tie: { column: Prisma.sql`id`, type: 'uuid' },
  valueOf: (row) => row.receivedAt,
  idOf: (row) => row.id,
};

/** What was quarantined in [from, to), the newest first. */
export async function readQuarantine(
  db: Reads,
  query: ValuesOf<typeof QUARANTINE_QUERY>,
): Promise<Page<QuarantinedRow>> {
  const { limit, cursor, ...filter } = query;
  const position = cursor === undefined ? null : decodeCursor(NEWEST_FIRST, filter, cursor);
  const where: Prisma.Sql[] = [];
  if (filter.from !== undefined) where.push(Prisma.sql`received_at >= ${at(filter.from)}`);
  if (filter.to !== undefined) where.push(Prisma.sql`received_at < ${at(filter.to)}`);
  if (filter.source !== undefined) where.push(Prisma.sql`source_key = any(${[...filter.source]}::text[])`);
  if (filter.reason !== undefined) where.push(Prisma.sql`reason = any(${[...filter.reason]}::text[])`);
  const from = Prisma.sql`quarantine`;
  const statement = pageStatement({ columns: COLUMNS, from, where, order: NEWEST_FIRST, position, limit });
  return pageOf(await rows<QuarantinedRow>(db, statement), limit, NEWEST_FIRST, filter);
}
