/** The audit trail: GraphQL's `auditLog`. */
import { Prisma } from '../generated/prisma/client.js';
import { count, instant, oneOf, orNull, type FieldTable, type RowOf, text, uuid } from './field.js';
import { type Order, type Page, decodeCursor, pageOf, pageStatement } from './page.js';
import { anyText, optionalInstant, type ValuesOf } from './parameters.js';
import { PAGING } from './filters.js';
import { type Reads, at, columnsOf, rows } from './sql.js';

const AUDIT_KIND = {
  name: 'AuditKind',
  description:
    'change: it was asked for, and made unless a line after it says refused. refused: it was not made. clear_read: clear ' +
    'numbers or raw bytes were read.',
  values: ['change', 'refused', 'clear_read'] as const,
};

export const AUDIT = {
  id: uuid('Stable id.'),
  at: instant('When; the first time, where it was several.'),
  kind: oneOf(AUDIT_KIND, 'What kind of thing was done.'),
  who: text('Name and prefix of the key; operator: nobody had made a key. cli: somebody at the database.'),
  keyPrefix: orNull(text('Prefix of the key; null: done without one.')),
  address: text('Address it was asked from.'),
  action: text('The mutation, query or route.'),
  subject: orNull(text('What it was done to: a source, a key, a call.')),
  detail: orNull(text('Scopes of a key that was made; why a change was refused.')),
  times: count('How often within the minute.'),
} satisfies FieldTable;
export type AuditRow = RowOf<typeof AUDIT>;

export const AUDIT_FILTER = {
  from: optionalInstant('At this time or later.'),
  to: optionalInstant('Before this time.'),
  keyPrefix: anyText('Prefix of the key.'),
};
export const AUDIT_QUERY = { ...AUDIT_FILTER, ...PAGING };

const COLUMNS = columnsOf(AUDIT);

const NEWEST_FIRST: Order<AuditRow> = {
  name: 'audit',
  descending: true,
  key: Prisma.sql`audit.at`,
  outputKey: Prisma.sql`"at"`,
  type: 'timestamptz',
  nulls: 'never',
  tie: { column: Prisma.sql`audit.id`, type: 'uuid' },
  valueOf: (row) => row.at,
  idOf: (row) => row.id,
};

/** What was done in [from, to), the newest first. */
export async function readAudit(db: Reads, query: ValuesOf<typeof AUDIT_QUERY>): Promise<Page<AuditRow>> {
  const { limit, cursor, ...filter } = query;
  const position = cursor === undefined ? null : decodeCursor(NEWEST_FIRST, filter, cursor);
  const where: Prisma.Sql[] = [];
  if (filter.from !== undefined) where.push(Prisma.sql`audit.at >= ${at(filter.from)}`);
  if (filter.to !== undefined) where.push(Prisma.sql`audit.at < ${at(filter.to)}`);
  if (filter.keyPrefix !== undefined) where.push(Prisma.sql`key_prefix = any(${[...filter.keyPrefix]}::text[])`);
  const from = Prisma.sql`audit`;
  const statement = pageStatement({ columns: COLUMNS, from, where, order: NEWEST_FIRST, position, limit });
  return pageOf(await rows<AuditRow>(db, statement), limit, NEWEST_FIRST, filter);
}
