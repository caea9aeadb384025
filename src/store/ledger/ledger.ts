import { decodeEvidence } from '../../delivery/evidence.js';
import type { Clock } from '../../clock.js';
import type { PrismaClient } from '../../generated/prisma/client.js';
import type { EvidenceDocument, KeyChange, KeyRef, LedgerStore, StoredKey } from '../../ingest/ports.js';
import { StoreUnavailable } from '../../ingest/ports.js';
import { CheckFailed, Contended, faultOf } from '../faults.js';
import { RARE_PARTS, readSql, writeSql } from './ledger-sql.js';
import { Remembered } from './remembered.js';
import { callRow, evidenceRow, gapRow, notificationKeyRow, notificationRow, rowArray, sinceBase } from './rows.js';

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

/** How one try of a batch knows what is stored: as remembered, as read, or as read and locked. */
type Basis = 'remembered' | 'read' | 'locked';

/** From what is stored to what is to be written. */
type Decide = (stored: ReadonlyMap<string, StoredKey>) => readonly KeyChange[];

/**
 * The ledger in PostgreSQL: at most one read and one write per batch, whatever its size.
 *
 * The first try takes no locks and so needs no transaction: the write itself checks that every key is still at the version
 * it was made from. When it lost against another receiver it is tried again under row locks.
 */
export class PgLedgerStore implements LedgerStore {
  private readonly remembered = new Remembered();

  constructor(
    private readonly prisma: PrismaClient,
    private readonly clock: Clock,
  ) {}

  commit(keys: readonly KeyRef[], decide: Decide): Promise<void> {
    return this.tryFrom('read', keys, decide);
  }

  add(keys: readonly KeyRef[], decide: Decide): Promise<void> {
    return this.tryFrom('remembered', keys, decide);
  }

  private async tryFrom(first: Basis, keys: readonly KeyRef[], decide: Decide): Promise<void> {
    for (let attempt = 1; attempt <= TRIES_MAX; attempt++) {
      const fault = await this.attempt(keys, decide, attempt === 1 ? first : 'locked');
      if (fault === null) return;
      this.remembered.forget(keys);
      if (!(fault instanceof Contended || (fault instanceof CheckFailed && attempt === 1))) throw fault;
      this.remembered.doubt(this.clock.now());
    }
    throw new StoreUnavailable(`other receivers wrote the same calls first, ${String(TRIES_MAX)} times in a row`);
  }

  /** Null when it is committed. What `decide` throws is a bug, not a fault of the database, and goes up as it is. */
  private async attempt(
    keys: readonly KeyRef[],
    decide: Decide,
    basis: Basis,
  ): Promise<ReturnType<typeof faultOf> | null> {
    const phase = { deciding: false };
    const run = async (runner: Runner): Promise<void> => {
      const stored =
        basis === 'remembered' ? await this.recall(runner, keys) : await read(runner, keys, basis === 'locked');
      phase.deciding = true;
      const changes = decide(stored);
      phase.deciding = false;
      if (changes.length === 0) return;
      await write(runner, changes, this.clock.now());
      this.remembered.keep(changes);
    };
    try {
      await (basis === 'locked' ? this.prisma.$transaction(run, { timeout: LOCKING_TIMEOUT_MS }) : run(this.prisma));
      return null;
    } catch (error) {
      if (phase.deciding) throw error;
      return faultOf(error);
    }
  }

  private async recall(runner: Runner, keys: readonly KeyRef[]): Promise<ReadonlyMap<string, StoredKey>> {
    const { stored, unread } = this.remembered.recall(keys, this.clock.now());
    if (unread.length === 0) return stored;
    const found = await read(runner, unread, false);
    this.remembered.learn(unread.length, found.size);
    for (const [callKey, one] of found) stored.set(callKey, one);
    return stored;
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
  const since = sinceBase(updatedAt);
  const calls = { stay: [] as string[], move: [] as string[] };
  const raw = { insert: [] as string[], update: [] as string[], delete: [] as string[] };
  for (const change of changes) {
    const { callKey } = change.key;
    for (const call of change.calls) {
      const stays = call.place === 'insert' || (call.place === 'open' && !call.record.settled);
      calls[stays ? 'stay' : 'move'].push(callRow(callKey, call, updatedAt, since));
    }
    for (const one of change.raw) {
      const { firstAt } = one.notification;
      raw[one.replaces.includes(firstAt) ? 'update' : 'insert'].push(notificationRow(change, one, since));
      const gone = one.replaces.filter((old) => old !== firstAt);
      raw.delete.push(...gone.map((old) => notificationKeyRow(callKey, old, one, since)));
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
      ...[rowArray(changes.map((change) => evidenceRow(change, since))), documents, changes.length],
      ...[rowArray(calls.stay), rowArray(raw.insert), new Date(updatedAt).toISOString()],
      ...parts.map((part) => rare[part]),
    ],
  };
}
