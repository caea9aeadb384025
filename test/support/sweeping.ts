/** A ledger on a database of its own that is swept at instants of a test's choice: for what only time decides. */
import type pg from 'pg';
import { noFacts, type SourceFacts } from '../../src/delivery/facts.js';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { assemble } from '../../src/ingest/assemble/assemble.js';
import { NOTHING_STORED } from '../../src/ingest/ports.js';
import { Sweep } from '../../src/ingest/sweep/sweep.js';
import type { Arrival, SerialMeaning } from '../../src/notification.js';
import { PgLedgerStore } from '../../src/store/ledger/ledger.js';
import { PgSweepStore } from '../../src/store/sweep/sweep.js';
import { EPOCH, keyOf, SETTINGS } from './arrivals.js';
import { testDatabase, testPool, testPrisma, type TestDatabase } from './database.js';

/** The one source there is. */
export const SOURCE = '127.0.0.1';
/** Two receivers. */
export const [ONE, OTHER] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'] as const;
export const HEARTBEAT_MS = 1_000;

interface Opened {
  readonly database: TestDatabase;
  readonly prisma: PrismaClient;
  readonly pool: pg.Pool;
  readonly ledger: PgLedgerStore;
  readonly store: PgSweepStore;
}

export class SweptLedger {
  private opened: Opened | null = null;

  /** Opened before all tests of a file, emptied before each; a meaning given is set by an operator. */
  constructor(private readonly meaning: SerialMeaning | null = null) {
    beforeAll(async () => {
      const database = await testDatabase();
      const prisma = testPrisma(database, 6);
      const ledger = new PgLedgerStore(prisma, { now: () => EPOCH });
      this.opened = { database, prisma, pool: testPool(database), ledger, store: new PgSweepStore(prisma) };
    });
    beforeEach(() => this.empty());
    afterAll(async () => {
      await this.prisma.$disconnect();
      await this.pool.end();
      await this.is.database.close();
    });
  }

  get prisma(): PrismaClient {
    return this.is.prisma;
  }

  get pool(): pg.Pool {
    return this.is.pool;
  }

  get ledger(): PgLedgerStore {
    return this.is.ledger;
  }

  get store(): PgSweepStore {
    return this.is.store;
  }

  private get is(): Opened {
    if (this.opened === null) throw new Error('asked for outside of a test');
    return this.opened;
  }

  /** A receiver's sweep, as it starts. */
  sweepOf(receiverId: string): Sweep {
    return new Sweep(this.store, this.ledger, { receiverId, settings: SETTINGS, heartbeatMs: HEARTBEAT_MS });
  }

  async rows(sql: string): Promise<readonly unknown[]> {
    return (await this.pool.query<object>(sql)).rows;
  }

  /** As ingest commits a batch. */
  async commit(...arrivals: readonly Arrival[]): Promise<void> {
    const keys = [...new Map(arrivals.map((one) => [keyOf(one).callKey, keyOf(one)])).values()];
    await this.ledger.commit(keys, (stored) =>
      keys.map((key) => {
        const own = arrivals.filter((one) => keyOf(one).callKey === key.callKey);
        return assemble(key, stored.get(key.callKey) ?? NOTHING_STORED, own, this.facts(), EPOCH).change;
      }),
    );
  }

  private facts(): SourceFacts {
    const facts = noFacts(SOURCE, SETTINGS);
    return this.meaning === null ? facts : { ...facts, meaning: this.meaning };
  }

  private async empty(): Promise<void> {
    await this.pool.query(
      'truncate call, call_change, call_superseded, call_evidence, notification, gap, quarantine, outage, overflow, loss_window, receiver, source',
    );
    await this.pool.query('insert into source (key, name, addresses, created_at) values ($1, $1, array[$1], now())', [
      SOURCE,
    ]);
    if (this.meaning === null) return;
    await this.pool.query(
      'update source set serial_meaning = $1, meaning_pinned = true, meaning_version = 1, folded_version = 1',
      [this.meaning],
    );
  }
}
