/**
 * Keyset pages. A cursor holds the sort value and the id of the last row shown, so that a page begins right after it
 * whatever was inserted meanwhile; the id breaks ties, so that rows of one instant are neither lost nor repeated.
 */
import { createHash } from 'node:crypto';
import { Prisma } from '../generated/prisma/client.js';
import { BadParameters } from './faults.js';
import { every } from './sql.js';

export type SortValue = Date | number | string | null;

/** One order of one list. */
export interface Order<Row> {
  /** Distinguishes the cursors of this order from all others. */
  readonly name: string;
  readonly descending: boolean;
  /** The sort key over the table, and over the selected row, where it is one of the output names. */
  readonly key: Prisma.Sql;
  readonly outputKey: Prisma.Sql;
  readonly type: 'timestamptz' | 'bigint' | 'text';
  /** Where the index has its nulls, in descending order; a key that is never null needs no say. */
  readonly nulls: 'never' | 'first' | 'last';
  readonly tie: { readonly column: Prisma.Sql; readonly type: 'uuid' | 'text' };
  readonly valueOf: (row: Row) => SortValue;
  readonly idOf: (row: Row) => string;
}

export interface Page<Row> {
  readonly data: readonly Row[];
  /** Null on the last page. */
  readonly nextCursor: string | null;
  /** The cursor that continues right after a row of this page. */
  readonly cursorOf: (row: Row) => string;
}

export interface Position {
  readonly value: string | null;
  readonly id: string;
}

/** What a list was asked, besides where to begin and how much. */
export type Question = Readonly<Record<string, unknown>>;

/** Ties a cursor to its question: 8 bytes, since it guards against mix-ups, not against forgers, who gain nothing. */
export function fingerprint(orderName: string, question: Question): string {
  const asked = Object.entries(question)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([orderName, asked]))
    .digest('base64url')
    .slice(0, 11);
}

/** Opaque to readers: base64url of [fingerprint, value, id]. */
export function encodeCursor<Row>(order: Order<Row>, question: Question, row: Row): string {
  const value = order.valueOf(row);
  const text = value === null ? null : value instanceof Date ? value.toISOString() : String(value);
  return Buffer.from(JSON.stringify([fingerprint(order.name, question), text, order.idOf(row)])).toString('base64url');
}

export const NO_CURSOR = 'is not a cursor this API gave out';

const SHAPES = {
  timestamptz: /^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  bigint: /^\d{1,16}$/,
  text: /^[^\0]*$/,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
} as const;

/**
 * The position a cursor names.
 * @throws BadParameters it is no cursor of ours, or belongs to another question or order
 */
export function decodeCursor<Row>(order: Order<Row>, question: Question, cursor: string): Position {
  const parts = parts3(cursor);
  if (parts === null) throw new BadParameters([{ parameter: 'cursor', reason: NO_CURSOR }]);
  const [print, value, id] = parts;
  if (print !== fingerprint(order.name, question)) {
    const reason = 'belongs to another query: it goes with the filters and the sort of the list that gave it out';
    throw new BadParameters([{ parameter: 'cursor', reason }]);
  }
  if (!fits(order, value) || !SHAPES[order.tie.type].test(id)) {
    throw new BadParameters([{ parameter: 'cursor', reason: NO_CURSOR }]);
  }
  return { value, id };
}

/** Whether PostgreSQL can read the value: whoever makes a cursor up is told so, and never that we failed. */
function fits<Row>({ type, nulls }: Order<Row>, value: string | null): boolean {
  if (value === null) return nulls !== 'never';
  return SHAPES[type].test(value) && (type !== 'timestamptz' || Number.isFinite(Date.parse(value)));
}

/** Whether a text has the form of a cursor; whether it belongs to a question shows only with it. */
export function isCursor(text: string): boolean {
  return parts3(text) !== null;
}

function parts3(cursor: string): readonly [string, string | null, string] | null {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (!Array.isArray(parsed) || parsed.length !== 3) return null;
    const [print, value, id] = parsed as readonly unknown[];
    if (typeof print !== 'string' || typeof id !== 'string') return null;
    return value === null || typeof value === 'string' ? [print, value, id] : null;
  } catch {
    return null;
  }
}

/** One statement that reads a page: `limit` rows and one more, which tells whether another page follows. */
export function pageStatement<Row>(parts: {
  readonly columns: Prisma.Sql;
  readonly from: Prisma.Sql;
  readonly where: readonly Prisma.Sql[];
  readonly order: Order<Row>;
  readonly position: Position | null;
  readonly limit: number;
}): Prisma.Sql {
  const { columns, from, where, order, position, limit } = parts;
  const { key, tie } = order;
  const way = Prisma.raw(order.descending ? 'desc' : 'asc');
  const beyond = Prisma.raw(order.descending ? '<' : '>');
  const tieType = Prisma.raw(tie.type);
  const segment = (conditions: readonly Prisma.Sql[], by: Prisma.Sql, most = Prisma.sql`${limit + 1}`): Prisma.Sql =>
    Prisma.sql`select ${columns} from ${from} where ${every([...where, ...conditions])} order by ${by} limit ${most}`;

  // Rows without a sort value come last in both directions, ordered by id: a segment of its own, so that each segment
  // is one range of one index.
  const afterId = position === null ? [] : [Prisma.sql`${tie.column} ${beyond} ${position.id}::${tieType}`];
  const isNull = Prisma.sql`${key} is null`;
  if (order.nulls !== 'never' && position?.value === null)
    return segment([isNull, ...afterId], Prisma.sql`${tie.column} ${way}`);

  const afterValue =
    position === null
      ? []
      : [
          Prisma.sql`(${key}, ${tie.column}) ${beyond} (${position.value}::${Prisma.raw(order.type)}, ${position.id}::${tieType})`,
        ];
  if (order.nulls === 'never') return segment(afterValue, Prisma.sql`${key} ${way}, ${tie.column} ${way}`);
  const nulls = Prisma.raw(`nulls ${(order.nulls === 'first') === order.descending ? 'first' : 'last'}`);
  const withValue = segment(
    [Prisma.sql`${key} is not null`, ...afterValue],
    Prisma.sql`${key} ${way} ${nulls}, ${tie.column} ${way}`,
  );
  // A limit of 0 reads nothing: 50,000 active calls, which have no end yet, are not sorted for a page that ends before them (400 ms).
  const withoutValue = segment(
    [isNull],
    Prisma.sql`${tie.column} ${way}`,
    Prisma.sql`(select ${limit + 1}::bigint - count(*) from valued)`,
  );
  return Prisma.sql`
    with valued as materialized (${withValue})
    select * from (select * from valued union all (${withoutValue})) segments
    order by ${order.outputKey} ${way} nulls last, "id" ${way} limit ${limit + 1}`;
}

/** Cuts what {@link pageStatement} read into a page. */
export function pageOf<Row>(read: readonly Row[], limit: number, order: Order<Row>, question: Question): Page<Row> {
  const data = read.slice(0, limit);
  const last = data.at(-1);
  const cursorOf = (row: Row): string => encodeCursor(order, question, row);
  return { data, nextCursor: read.length > limit && last !== undefined ? cursorOf(last) : null, cursorOf };
}
