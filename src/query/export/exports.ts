/** Exports of calls: `GET /exports/calls`. */
import type pg from 'pg';
import type { Access } from '../../access/access.js';
import { TooMany } from '../../access/denied.js';
import { NUMBER_FIELDS, shownNumber } from '../../access/mask.js';
import { Prisma } from '../../generated/prisma/client.js';
import { readAdmitted } from '../admission.js';
import { callConditions } from '../calls.js';
import { decodeCursor, encodeCursor, type Order } from '../page.js';
import { every } from '../sql.js';
import { ALL_COLUMNS, type Column, EXPORT_QUERY, type ExportFormat, type ExportQuery } from './contract.js';
import { RowCursor, type Write } from './cursor.js';
import { csvHeader, linesOf } from './lines.js';
import type { Printed } from './record.js';

/** Side by side; each is a connection of PostgreSQL beside the pools, and a core while it runs. */
const EXPORTS_MAX = 4;
const BUSY_RETRY_S = 10;
/** Rows between two marks: what a client that was cut off has to fetch again, 0.1 s of work. */
const MARK_ROWS = 10_000;
const NUMBERS: ReadonlySet<string> = new Set(NUMBER_FIELDS);
const BOM = '\uFEFF';

/** An export under way. */
export interface CallExport {
  readonly format: ExportFormat;
  readonly gzip: boolean;
  /**
   * Its text, in pieces of about a MB. Nothing is read ahead of whoever takes them but one block of rows.
   * @throws ReadUnavailable what was given until then is no whole export
   */
  readonly pieces: AsyncIterable<string>;
  /** Stops it, and the query behind it; to be called in any case. */
  close(): Promise<void>;
}

interface Mark {
  readonly id: string;
  readonly firstSeenAt: string;
}

export class Exports {
  private opening = 0;
  private readonly running = new Set<RowCursor>();

  constructor(private readonly connect: () => pg.Client) {}

  /**
   * Begins an export.
   * @param gone aborted when nobody waits for it any more
   * @throws BadParameters, Forbidden, TooMany, ReadUnavailable
   */
  async open(access: Access, raw: Readonly<Record<string, unknown>>, gone: AbortSignal): Promise<CallExport> {
    const query = readAdmitted(access, EXPORT_QUERY, raw);
    const order = orderOf(query);
    const columns = query.columns ?? ALL_COLUMNS;
    const { selected, line } = linesOf({ format: query.format, columns, zone: query.tz, masks: masksOf(access) });
    const mark = query.marks === undefined ? null : markMaker(query.marks, selected.length, order, query);
    const { write, end } = mark === null ? { write: line, end: nothing } : marking(line, mark);
    const cursor = await this.cursorOf(statementOf(query, selected, order), write, gone);
    return {
      format: query.format,
      gzip: query.gzip ?? false,
      pieces: piecesOf(cursor, headOf(query, columns), end),
      close: async () => {
        this.running.delete(cursor);
        await cursor.close();
      },
    };
  }

  /** Cuts every export short. */
  async stop(): Promise<void> {
    await Promise.all([...this.running].map((cursor) => cursor.close()));
  }

  private async cursorOf(statement: Prisma.Sql, write: Write, gone: AbortSignal): Promise<RowCursor> {
    if (this.running.size + this.opening >= EXPORTS_MAX) {
      throw new TooMany(`${String(EXPORTS_MAX)} exports are running: try again when one is done.`, BUSY_RETRY_S);
    }
    this.opening += 1;
    try {
      const cursor = await RowCursor.open(this.connect, statement, write, gone);
      this.running.add(cursor);
      return cursor;
    } finally {
      this.opening -= 1;
    }
  }
}

/** What is shown of numbers to whoever may not see them clear. */
function masksOf(access: Access): ReadonlyMap<Column, (number: string) => string> {
  if (access.can('numbers:clear')) return new Map();
  const hidden = ALL_COLUMNS.filter((name) => NUMBERS.has(name));
  return new Map(hidden.map((name) => [name, (number) => shownNumber(access, number) ?? '']));
}

function orderOf({ sort }: ExportQuery): Order<Mark> {
  return {
    name: `export ${sort}`,
    descending: sort.startsWith('-'),
    key: Prisma.sql`first_seen_at`,
    outputKey: Prisma.sql`first_seen_at`,
    type: 'timestamptz',
    nulls: 'never',
    tie: { column: Prisma.sql`id`, type: 'uuid' },
    valueOf: ({ firstSeenAt }) => firstSeenAt,
    idOf: ({ id }) => id,
  };
}

/** What a cursor belongs to: which calls and in what order; how they are written may change on the way. */
function questionOf(query: ExportQuery): Readonly<Record<string, unknown>> {
  const {
    format: _format,
    columns: _columns,
    tz: _tz,
    bom: _bom,
    gzip: _gzip,
    cursor: _cursor,
    marks: _marks,
    ...rest
  } = query;
  return rest;
}

/** What lines are made of, and behind it what a mark names. */
function statementOf(query: ExportQuery, selected: readonly string[], order: Order<Mark>): Prisma.Sql {
  const position = query.cursor === undefined ? null : decodeCursor(order, questionOf(query), query.cursor);
  const way = Prisma.raw(order.descending ? 'desc' : 'asc');
  const beyond = Prisma.raw(order.descending ? '<' : '>');
  const after =
    position === null
      ? []
      : [Prisma.sql`(first_seen_at, id) ${beyond} (${position.value}::timestamptz, ${position.id}::uuid)`];
  return Prisma.sql`
    select row(${Prisma.raw([...selected, 'first_seen_at', 'id'].join(', '))})::text from call
    where ${every([...callConditions(query), ...after])} order by first_seen_at ${way}, id ${way}`;
}

/** A continuation is put behind what is there, which has a header. */
function headOf({ format, bom, cursor }: ExportQuery, columns: readonly Column[]): string {
  if (format !== 'csv' || cursor !== undefined) return '';
  return `${bom === true ? BOM : ''}${csvHeader(columns)}`;
}

type MarkLine = (rows: number, last: Printed | null, end: boolean) => string;

function markMaker(token: string, behind: number, order: Order<Mark>, query: ExportQuery): MarkLine {
  const question = questionOf(query);
  return (rows, last, end) => {
    const [printed, id] = last?.slice(behind) ?? [];
    const cursor =
      typeof printed === 'string' && typeof id === 'string'
        ? encodeCursor(order, question, {
            id,
            firstSeenAt: new Date(`${printed.slice(0, -3).replace(' ', 'T')}Z`).toISOString(),
          })
        : (query.cursor ?? null);
    return `${token} ${JSON.stringify({ rows, cursor, end })}\n`;
  };
}

/** Lines with marks between them, and the mark after the last. */
function marking(line: Write, mark: MarkLine): { readonly write: Write; readonly end: () => string } {
  let rows = 0;
  let last: Printed | null = null;
  return {
    write: (row) => {
      rows += 1;
      last = row;
      return rows % MARK_ROWS === 0 ? line(row) + mark(rows, row, false) : line(row);
    },
    end: () => mark(rows, last, true),
  };
}

function nothing(): string {
  return '';
}

async function* piecesOf(cursor: RowCursor, head: string, end: () => string): AsyncGenerator<string> {
  if (head !== '') yield head;
  for (let text = await cursor.next(); text !== ''; text = await cursor.next()) yield text;
  const last = end();
  if (last !== '') yield last;
}
