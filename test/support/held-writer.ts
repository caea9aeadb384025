/** A writer of the ledger whose transaction the test holds open: the product's own statements on a connection of its own. */
import pg from 'pg';
import { decodeEvidence } from '../../src/delivery/evidence.js';
import type { KeyChange, KeyRef, StoredKey } from '../../src/ingest/ports.js';
import { readSql } from '../../src/store/ledger/ledger-sql.js';
import { writeOf } from '../../src/store/ledger/ledger.js';
import { EPOCH } from './arrivals.js';

type FoundRow = readonly [callKey: string, version: number, document: KeyChange['document']];

export class HeldWriter {
  private constructor(
    private readonly client: pg.Client,
    readonly pid: number,
  ) {}

  static async open(url: string): Promise<HeldWriter> {
    const client = new pg.Client({ connectionString: url });
    // A test that kills the connection hears of it by the next statement.
    client.on('error', () => undefined);
    await client.connect();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    return new HeldWriter(client, rows[0]?.pid ?? 0);
  }

  /** Begins a transaction and takes its number. */
  async begin(): Promise<void> {
    await this.client.query('begin');
    await this.client.query('select pg_current_xact_id()');
  }

  /** What a batch does: reads what is stored, decides, writes. */
  async commit(
    keys: readonly KeyRef[],
    decide: (stored: ReadonlyMap<string, StoredKey>) => readonly KeyChange[],
  ): Promise<void> {
    const callKeys = keys.map(({ callKey }) => callKey).join(',');
    const { rows } = await this.client.query<{ found: string }>(readSql(false), [callKeys]);
    const found = JSON.parse(rows[0]?.found ?? '[]') as FoundRow[];
    const stored = found.map(([callKey, version, document]): [string, StoredKey] => {
      return [callKey, { version, notifications: decodeEvidence(document), calls: document.calls }];
    });
    const { sql, values } = writeOf(decide(new Map(stored)), EPOCH);
    await this.client.query(sql, [...values]);
  }

  /** Ends the transaction. */
  async end(how: 'commit' | 'rollback'): Promise<void> {
    await this.client.query(how);
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}
