/** Writes made-up history, for `ringledger seed`: nothing here runs in a ledger that receives. */
import { v5 as uuidv5 } from 'uuid';
import type { LossWindow } from '../delivery/facts.js';
import type { PrismaClient } from '../generated/prisma/client.js';
import type { KeyChange } from '../ingest/ports.js';
import type { SerialMeaning, Settings } from '../notification.js';
import { writeOf } from './ledger.js';
import { DAILY_TABLES, ensurePartitions } from './partitions.js';
import { declareSettings } from './settings.js';

/** A source as it is after a long time: its serials are understood. */
export interface SeededSource {
  readonly key: string;
  readonly meaning: SerialMeaning;
}

/** What a seeded ledger stands on besides its calls. */
export interface SeededGround {
  readonly from: number;
  /** W: everything received up to here is stored. */
  readonly until: number;
  readonly settings: Settings;
  readonly sources: readonly SeededSource[];
  /** The last window that closed, for every source; calls that it does not touch see no loss. */
  readonly window: LossWindow;
}

/** What reads and statistics are made from; sources, settings and keys stay with `--force`. */
const EMPTIED = [
  ...['notification', 'call_evidence', 'call', 'call_change', 'call_superseded', 'change_floor', 'gap', 'quarantine'],
  ...['loss_window', 'outage', 'overflow', 'receiver', 'settings', 'source', 'source_change'],
];
const DAY_MS = 86_400_000;
const RECEIVER_SPACE = '5b3c7c0e-6f0a-5d0e-8f39-0f6f4a1d2c11';
const NO_SAMPLE = {
  ...{ copyPairs: 0, copiesMissing: 0, statesInverted: 0, orderedBins: [0, 0, 0, 0, 0, 0, 0, 0], serialsSeen: 0 },
  ...{ serialsLost: 0, ended: 0, answered: 0, rang: 0, unansweredReported: 0, unansweredPresumed: 0 },
};

export class PgSeedStore {
  constructor(private readonly prisma: PrismaClient) {}

  /** Whether anything was ever received or seeded. */
  async isEmpty(): Promise<boolean> {
    const [row] = await this.prisma.$queryRaw<{ empty: boolean }[]>`
      select not exists (select 1 from call) and not exists (select 1 from notification)
        and not exists (select 1 from receiver) as empty`;
    return row?.empty === true;
  }

  /** Drops every call and all that came with them. */
  async empty(): Promise<void> {
    await this.prisma.$executeRawUnsafe(`truncate ${EMPTIED.join(', ')}`);
  }

  /** Settings, sources, a receiver that served all the time and stopped, the last loss window, and the days' partitions. */
  async lay({ from, until, settings, sources, window }: SeededGround): Promise<void> {
    // A day early: a rebuild leaves alone what may have begun before the oldest partition.
    for (const table of DAILY_TABLES) await ensurePartitions(this.prisma, table, from - DAY_MS, until + DAY_MS);
    await declareSettings(this.prisma, settings, from);
    const [since, now] = [new Date(from), new Date(until)];
    const id = uuidv5(`${String(from)} ${String(until)}`, RECEIVER_SPACE);
    await this.prisma.$executeRaw`
      insert into receiver (id, name, started_at, beat_at, durable_through, stopped_at)
      values (${id}::uuid, 'seed', ${since}, ${now}, ${now}, ${now})`;
    for (const { key, meaning } of sources) {
      const meanings = JSON.stringify([{ since: from, meaning, serialBase: 1 }]);
      await this.prisma.$executeRaw`
        insert into source (key, name, serial_meaning, meaning_version, folded_version, meanings, last_heard_at, created_at)
        values (${key}, ${key}, ${meaning}, 1, 1, ${meanings}::json, ${now}, ${since})`;
      await this.prisma.$executeRaw`
        insert into loss_window (source_key, start_at, end_at, sample, habits, p)
        values (${key}, ${new Date(window.from)}, ${new Date(window.to)}, ${JSON.stringify(NO_SAMPLE)}::json,
          ${JSON.stringify(window.habits)}::json, ${window.p})`;
    }
  }

  /** Writes Call IDs nobody has written before, by the statement that ingest writes with. */
  async write(changes: readonly KeyChange[], at: number): Promise<void> {
    const { sql, values } = writeOf(changes, at);
    await this.prisma.$queryRawUnsafe(sql, ...values);
  }

  /** Statistics for the planner, without which every figure measured would be chance; and the maps that index-only reads need. */
  async analyze(): Promise<void> {
    for (const table of ['call', 'call_evidence', 'gap', 'notification', 'call_change'])
      await this.prisma.$executeRawUnsafe(`analyze ${table}`);
  }
}
