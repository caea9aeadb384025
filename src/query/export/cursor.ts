/** A cursor of PostgreSQL on a connection of its own: rows in blocks of text, as many at a time as somebody takes. */
import pg from 'pg';
import type { Prisma } from '../../generated/prisma/client.js';
import { sessionIn } from '../../store/database.js';
import { ReadUnavailable } from '../faults.js';
import { type Printed, valuesOf } from './record.js';

/** Rows fetched at a time, 0.1 MB of text: more are no faster, and take more memory. */
export const BLOCK_ROWS = 250;

/** What is written of one row. Called once for each, in their order. */
export type Write = (row: Printed) => string;

interface Block {
  readonly text: string;
  readonly rows: number;
}

const NOTHING: Block = { text: '', rows: 0 };

/** Makes a connection to a database, not open yet. Times are printed in UTC. */
export function connectionTo(url: string): () => pg.Client {
  return () =>
    new pg.Client({
      ...sessionIn(url),
      application_name: 'ringledger export',
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
    });
}

/** Opened by `open`, ended by `close`, which also stops a statement that runs. */
export class RowCursor {
  private ending: Promise<void> | null = null;
  private readonly abandon = (): void => void this.close();

  private constructor(
    private readonly client: pg.Client,
    private readonly write: Write,
    private ahead: Promise<Block>,
    private readonly gone: AbortSignal,
  ) {
    gone.addEventListener('abort', this.abandon);
  }

  /**
   * Runs a query and fetches its first block, so that what is wrong with it shows here.
   * @param query selects one value a row, a composite as text
   * @param write what is written of a row
   * @param gone aborted when nobody waits any more: the query is stopped then, before its first row and after it
   * @throws ReadUnavailable
   */
  static async open(connect: () => pg.Client, query: Prisma.Sql, write: Write, gone: AbortSignal): Promise<RowCursor> {
    const client = connect();
    const end = (): void => void client.end().catch(() => undefined);
    gone.addEventListener('abort', end);
    // A connection that breaks is told by the fetch that needs it.
    client.on('error', () => undefined);
    try {
      await client.connect();
      // PostgreSQL then looks every second whether we are still there, even in the middle of a sort; where it cannot (on
      // Windows) it refuses, and notices at its next write.
      await client.query("set client_connection_check_interval = '1s'").catch(() => undefined);
      await client.query('begin read only');
      // The plan that begins at once: an index in the order asked for, and no sort of millions of rows before the first.
      await client.query('set local cursor_tuple_fraction = 0.01');
      await client.query(`declare rows no scroll cursor for ${query.text}`, query.values);
      const first = await fetchBlock(client, write);
      if (gone.aborted) throw new Error('Nobody waits for it.');
      return new RowCursor(client, write, Promise.resolve(first), gone);
    } catch (error) {
      end();
      throw unavailable(error);
    } finally {
      gone.removeEventListener('abort', end);
    }
  }

  /**
   * What is written of the next rows; '': that was all. The block after them is made while the caller sends this one.
   * @throws ReadUnavailable also once it was closed: what was read until then is not all
   */
  async next(): Promise<string> {
    try {
      const block = await this.ahead;
      if (this.ending !== null) throw new Error('The export was stopped.');
      this.ahead = block.rows === BLOCK_ROWS ? fetchBlock(this.client, this.write) : Promise.resolve(NOTHING);
      // Whoever closes meanwhile never waits for it.
      this.ahead.catch(() => undefined);
      return block.text;
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** Ends the connection, and a statement that runs on it; its transaction has written nothing. */
  close(): Promise<void> {
    // A signal may outlive many exports, as that of a process does.
    this.gone.removeEventListener('abort', this.abandon);
    this.ending ??= this.client.end().catch(() => undefined);
    return this.ending;
  }
}

/** As of every read (src/query/sql.ts): a statement that is wrong is our fault, whatever else is the database's absence. */
function unavailable(error: unknown): unknown {
  const code = error instanceof pg.DatabaseError ? (error.code ?? '') : '';
  return /^(22|42)/.test(code) ? error : new ReadUnavailable(error);
}

/** Rows are written as they arrive: so PostgreSQL makes some while we write others, and no row lives long enough to be memory. */
function fetchBlock(client: pg.Client, write: Write): Promise<Block> {
  const text = `fetch ${String(BLOCK_ROWS)} from rows`;
  const asked: pg.QueryArrayConfig = { text, rowMode: 'array' };
  const query = new pg.Query<[string]>(asked);
  return new Promise((resolve, reject) => {
    let written = '';
    let rows = 0;
    query.on('row', ([record]) => {
      written += write(valuesOf(record));
      rows += 1;
    });
    query.on('end', () => {
      resolve({ text: written, rows });
    });
    query.on('error', reject);
    client.query(query);
  });
}
