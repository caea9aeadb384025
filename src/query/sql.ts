/** The only door to the database for reads. */
import { Prisma, type PrismaClient } from '../generated/prisma/client.js';
import { ReadUnavailable } from './faults.js';
import { type FieldTable, snakeCase } from './field.js';

/** What reads need of the client. */
export type Reads = Pick<PrismaClient, '$queryRaw'>;

/**
 * An instant to select. Prisma's adapter drops the offset PostgreSQL prints and takes the rest for UTC, so that a session
 * in any other zone would shift every time: the instant is handed over as UTC's wall clock.
 */
export function utc(expression: string): Prisma.Sql {
  return Prisma.raw(utcText(expression));
}

function utcText(expression: string): string {
  return `(${expression} at time zone 'UTC')`;
}

/** A bigint arrives as a double, exact up to 2^53; an instant as UTC's wall clock. */
function selected(name: string, { sql, kind }: FieldTable[string]): string {
  const expression = sql ?? snakeCase(name);
  if (kind === 'span') return `${expression}::float8 as "${name}"`;
  return `${kind === 'instant' ? utcText(expression) : expression} as "${name}"`;
}

/** The select list of a contract table, without the fields named in `except`, which the query makes itself. */
export function columnsOf(table: FieldTable, except: readonly string[] = []): Prisma.Sql {
  const names = Object.entries(table).filter(([name]) => !except.includes(name));
  return Prisma.raw(names.map(([name, field]) => selected(name, field)).join(', '));
}

/** An instant as a parameter: as text with its zone, so that no session setting can shift it. */
export function at(instantMs: number): Prisma.Sql {
  return Prisma.sql`${new Date(instantMs).toISOString()}::timestamptz`;
}

/** All of the conditions; none is true. */
export function every(conditions: readonly Prisma.Sql[]): Prisma.Sql {
  return conditions.length === 0 ? Prisma.sql`true` : Prisma.join([...conditions], ' and ');
}

/**
 * Runs one statement.
 * @throws ReadUnavailable whatever kept the database from answering. A statement PostgreSQL finds wrong (SQLSTATE 22,
 *   42) is our fault, not its absence, and is thrown as it is.
 */
export async function rows<T>(db: Reads, statement: Prisma.Sql): Promise<readonly T[]> {
  try {
    return await db.$queryRaw<T[]>(statement);
  } catch (error) {
    throw /^(22|42)/.test(sqlState(error)) ? error : new ReadUnavailable(error);
  }
}

/** The SQLSTATE that Prisma 7 wraps in `meta.driverAdapterError.cause.originalCode`; '' when there is none. */
function sqlState(error: unknown): string {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return '';
  const wrapped = error.meta?.['driverAdapterError'];
  const cause = wrapped instanceof Error ? wrapped.cause : undefined;
  const code = typeof cause === 'object' && cause !== null && 'originalCode' in cause ? cause.originalCode : undefined;
  return typeof code === 'string' ? code : '';
}
