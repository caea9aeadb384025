/**
 * PostgreSQL alone: the product's own statements for the same traffic, made ready beforehand and sent over `pg`, so that
 * nothing but the database is measured. What the product could reach at most on this machine.
 */
import pg from 'pg';
import { noFacts } from '../src/delivery/facts.js';
import { assemble } from '../src/ingest/assemble/assemble.js';
import { type KeyChange, type KeyRef, NOTHING_STORED, type StoredKey } from '../src/ingest/ports.js';
import { decodeEvidence } from '../src/delivery/evidence.js';
import { callKeyOf } from '../src/lifecycle/keys.js';
import type { Settings } from '../src/notification.js';
import { readSql } from '../src/store/ledger/ledger-sql.js';
import { writeOf } from '../src/store/ledger/ledger.js';
import { statementName } from '../src/store/statement-name.js';
import { parse } from '../src/wire/codec.js';
import { type Outgoing, Traffic } from './traffic.js';

const SOURCE = '127.0.0.1';
const SETTINGS: Settings = {
  ...{ retry: 6, intervalMs: 3_000, marginMs: 1_000 },
  ...{ staleRingingMs: 300_000, staleAnsweredMs: 14_400_000, lossWindowMs: 300_000 },
};

interface Batch {
  readonly read: { readonly sql: string; readonly values: readonly unknown[] };
  readonly write: { readonly sql: string; readonly values: readonly unknown[] };
}

/**
 * Notifications per second with batches of `batchSize`, `connections` side by side.
 * @param notifications how many to write in all
 */
export async function postgresAlone(
  url: string,
  batchSize: number,
  connections: number,
  notifications: number,
): Promise<number> {
  // A lane is the traffic of one connection, so that no two write the same call at once.
  const lanes = Array.from({ length: connections }, (_, lane) =>
    batchesOf(
      `alone${String(batchSize)}-${String(lane)}-${String(Date.now())}`,
      batchSize,
      notifications / connections,
    ),
  );
  const pool = new pg.Pool({ connectionString: url, max: connections });
  await Promise.all(lanes.map(() => pool.query('select 1')));
  const startedAt = performance.now();
  await Promise.all(lanes.map((batches) => send(pool, batches)));
  const seconds = (performance.now() - startedAt) / 1_000;
  await pool.end();
  return (lanes.reduce((sum, batches) => sum + batches.length, 0) * batchSize) / seconds;
}

async function send(pool: pg.Pool, batches: readonly Batch[]): Promise<void> {
  const client = await pool.connect();
  for (const { read, write } of batches) {
    for (const { sql, values } of [read, write]) {
      await client.query({ name: statementName(sql), text: sql, values: [...values] });
    }
  }
  client.release();
}

function batchesOf(run: string, batchSize: number, notifications: number): readonly Batch[] {
  const traffic = new Traffic(run, 10 * batchSize);
  const stored = new Map<string, StoredKey>();
  const batches: Batch[] = [];
  let now = Date.now();
  while (batches.length * batchSize < notifications) {
    const outgoing = Array.from({ length: batchSize }, () => traffic.next()).filter((one) => one !== null);
    const changes = outgoing.map((one) => changeOf(one, stored, now));
    const callKeys = changes.map(({ key }) => key.callKey).join(',');
    batches.push({ read: { sql: readSql(false), values: [callKeys] }, write: writeOf(changes, now) });
    for (const one of outgoing) traffic.acked(one);
    now += 10;
  }
  return batches;
}

function changeOf({ payload }: Outgoing, stored: Map<string, StoredKey>, at: number): KeyChange {
  const parsed = parse(payload, { codec: 'delimited', delimiter: ',', charset: 'utf-8' });
  if (!parsed.ok) throw new Error(`the traffic cannot be read: ${parsed.reason}`);
  const { report } = parsed;
  const key: KeyRef = { callKey: callKeyOf(SOURCE, report.callId), sourceKey: SOURCE, callId: report.callId };
  const arrival = { sourceKey: SOURCE, report, stamp: { at, idleMs: 0 }, payload };
  const before = stored.get(key.callKey) ?? NOTHING_STORED;
  const { change } = assemble(key, before, [arrival], noFacts(SOURCE, SETTINGS), at);
  const { document, expectedVersion } = change;
  stored.set(key.callKey, {
    version: expectedVersion + 1,
    notifications: decodeEvidence(document),
    calls: document.calls,
  });
  return change;
}
