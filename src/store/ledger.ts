import { decodeEvidence } from '../delivery/evidence.js';
import type { Clock } from '../clock.js';
import type { PrismaClient } from '../generated/prisma/client.js';
import type { EvidenceDocument, KeyChange, KeyRef, LedgerStore, StoredKey } from '../ingest/ports.js';
import { StoreUnavailable } from '../ingest/ports.js';
import { Contended, faultOf } from './faults.js';
import { RARE_PARTS, readSql, writeSql } from './ledger-sql.js';
import { callRow, evidenceRow, gapRow, notificationKeyRow, notificationRow, rowArray } from './rows.js';

/** What runs SQL: the client, or a transaction of it. */
type Runner = Pick<PrismaClient, '$queryRawUnsafe'>;

/** Tries of one batch against other receivers; from the second on it holds locks, so more than two are rare. */
const TRIES_MAX = 6;

/** A transaction that waits this long for locks is given up: 18 s is all the time a sender gives us. */
const LOCKING_TIMEOUT_MS = 15_000;

/** Separates documents: JSON text holds control characters only as escapes. */
const UNIT_SEPARATOR = '\u001f';

/** One row of the answer of `readSql`. */
type FoundRow = readonly [callKey: string, version: number, document: EvidenceDocument];

/**
 * The ledger in PostgreSQL: one read and one write per batch, whatever its size.
 *
 * The first try takes no locks and so needs no transaction: the write itself checks that every key is still at the version
 * read. When it lost against another receiver it is tried again under row locks.
 */
export class PgLedgerStore implements LedgerStore {
  constructor(
    private readonly prisma: PrismaClient,
    private readonly clock: Clock,
  ) {}

  async commit(
    keys: readonly KeyRef[],
    decide: (stored: ReadonlyMap<string, StoredKey>) => readonly KeyChange[],
  ): Promise<void> {
    for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
      const fault = await this.attempt(keys, decide, attempt > 1);
      if (fault === null) return;
      if (!(fault instanceof Contended)) throw fault;
    }
    throw new StoreUnavailable(`other receivers wrote the same calls first, ${String(TRIES_MAX)} times in a row`);
  }

  /** Null when it is committed. What `decide` throws is a bug, not a fault of the database, and goes up as it is. */
  private async attempt(
    keys: readonly KeyRef[],
    decide: (stored: ReadonlyMap<string, StoredKey>) => readonly KeyChange[],
    locking: boolean,
  ): Promise<ReturnType<typeof faultOf> | null> {
    const phase = { deciding: false };
    const run = async (runner: Runner): Promise<void> => {
      const stored = await read(runner, keys, locking);
      phase.deciding = true;
      const changes = decide(stored);
      phase.deciding = false;
      if (changes.length > 0) await write(runner, changes, this.clock.now());
    };
    try {
      await (locking ? this.prisma.$transaction(run, { timeout: LOCKING_TIMEOUT_MS }) : run(this.prisma));
      return null;
    } catch (error) {
      if (phase.deciding) throw error;
      return faultOf(error);
    }
  }
}

async function read(runner: Runner, keys: readonly KeyRef[], locking: boolean): Promise<Map<string, StoredKey>> {
  const callKeys = keys.map(({ callKey }) => callKey).join(',');
  const [answer] = await runner.$queryRawUnsafe<{ found: string }[]>(readSql(locking), callKeys);
  if (answer === undefined) throw new Error('an aggregate without a row');
  const found = JSON.parse(answer.found) as FoundRow[];
  return new Map(
    found.map(([callKey, version, document]) => [
      callKey,
      { version, notifications: decodeEvidence(document), calls: document.calls },
    ]),
  );
}

async function write(runner: Runner, changes: readonly KeyChange[], updatedAt: number): Promise<void> {
  const { sql, values } = writeOf(changes, updatedAt);
  await runner.$queryRawUnsafe(sql, ...values);
}

/**
 * The statement that writes changes, and its parameters.
 * Rows go out in key order: two writes that meet wait for each other instead of deadlocking.
 * @param updatedAt instant of the write, ms since the epoch
 */
export function writeOf(
  unordered: readonly KeyChange[],
  updatedAt: number,
): { readonly sql: string; readonly values: readonly (string | number)[] } {
  const changes = [...unordered].sort((a, b) => (a.key.callKey < b.key.callKey ? -1 : 1));
  const calls = { stay: [] as string[], move: [] as string[] };
  const raw = { insert: [] as string[], update: [] as string[], delete: [] as string[] };
  for (const change of changes) {
    const { callKey } = change.key;
    for (const call of change.calls) {
      const stays = call.place === 'insert' || (call.place === 'open' && !call.record.settled);
      calls[stays ? 'stay' : 'move'].push(callRow(callKey, call, updatedAt));
    }
    for (const one of change.raw) {
      const { firstAt } = one.notification;
      raw[one.replaces.includes(firstAt) ? 'update' : 'insert'].push(notificationRow(change, one));
      const gone = one.replaces.filter((old) => old !== firstAt);
      raw.delete.push(...gone.map((old) => notificationKeyRow(callKey, old, one)));
    }
  }
  const rare = {
    moved: rowArray(calls.move),
    gaps: rowArray(changes.flatMap(({ key, gaps }) => gaps.map((gap) => gapRow(key.callKey, gap)))),
    raw_updates: rowArray(raw.update),
    raw_deletes: rowArray(raw.delete),
    superseded: changes.flatMap(({ key, superseded }) => superseded.map((id) => `${key.callKey} ${id}`)).join(','),
  };
  const parts = RARE_PARTS.filter((part) => rare[part] !== '{}' && rare[part] !== '');
  const documents = changes.map(({ document }) => JSON.stringify(document)).join(UNIT_SEPARATOR);
  return {
    sql: writeSql(parts),
    values: [
      ...[rowArray(changes.map(evidenceRow)), documents, changes.length, rowArray(calls.stay), rowArray(raw.insert)],
      ...parts.map((part) => rare[part]),
    ],
  };
}
