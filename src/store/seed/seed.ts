/** Writes made-up history, for `ringledger seed`: nothing here runs in a ledger that receives. */
import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { v5 as uuidv5 } from 'uuid';
import type { LossWindow } from '../../delivery/facts.js';
import type { SerialMeaning, Settings } from '../../notification.js';
import { countDueHours, noteAllHours } from '../bi/recount.js';
import { connectWithin } from '../connect.js';
import { ensurePartitions, type SqlRunner } from '../upkeep/partitions.js';
import { restoreIndexes, takeIndexes } from './seed-indexes.js';
import { COPIED, COPY_OPTIONS, type CopiedTable, type SeedBlock } from './seed-rows.js';

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

/** History to write: `count` blocks, the first of which has the number `firstTx` in the changes feed. */
export interface SeedBlocks {
  readonly count: number;
  make(firstTx: number): AsyncIterable<SeedBlock>;
}

/** How a server of our own is run meanwhile: tables that one transaction empties and fills need no log, only to be on disk in the end. */
export const FILLING_SETTINGS = { wal_level: 'minimal', max_wal_senders: '0' };

export class LedgerNotEmpty extends Error {
  override readonly name = 'LedgerNotEmpty';
}

/** Tables that hold what was received and counted; sources, settings and keys stay with an empty ledger. */
const FILLED = [
  'notification',
  'call_evidence',
  'call',
  'call_change',
  'gap',
  'call_hour',
  'call_day',
  'call_peak',
  'rollup_due',
];
/** What else `--force` deletes. */
const EMPTIED = [
  ...['call_superseded', 'change_floor', 'quarantine', 'loss_window', 'outage', 'overflow', 'receiver', 'settings'],
  ...['source', 'source_change'],
];
/** Tables so large that their indexes are made when they are full. */
const LARGE = ['call_evidence', 'call', 'notification', 'call_change'];
const DAY_MS = 86_400_000;
const RECEIVER_SPACE = '5b3c7c0e-6f0a-5d0e-8f39-0f6f4a1d2c11';
const NO_SAMPLE = {
  ...{ copyPairs: 0, copiesMissing: 0, statesInverted: 0, orderedBins: [0, 0, 0, 0, 0, 0, 0, 0], serialsSeen: 0 },
  ...{ serialsLost: 0, ended: 0, answered: 0, rang: 0, unansweredReported: 0, unansweredPresumed: 0, answers: 0 },
};

/** Whether nothing was ever received or seeded. */
export async function isEmptyLedger(db: SqlRunner): Promise<boolean> {
  const [row] = await db.$queryRawUnsafe<{ empty: boolean }[]>(`
    select not exists (select from call) and not exists (select from notification) and not exists (select from call_evidence)
      and not exists (select from call_change) and not exists (select from gap) and not exists (select from receiver) as empty`);
  return row?.empty === true;
}

/**
 * Fills an empty ledger in one transaction: whoever stops it leaves the ledger as it was, indexes included. They are taken away first
 * and made of full tables, in a fifth of the time.
 * @param force deletes first what the ledger holds
 * @param told how many calls are written, after each block
 * @throws LedgerNotEmpty
 */
export async function fillLedger(
  url: string,
  ground: SeededGround,
  blocks: SeedBlocks,
  { force, told }: { readonly force: boolean; readonly told: (calls: number) => void },
): Promise<void> {
  const client = await connectWithin(url);
  try {
    const db = runnerOf(client);
    const refuse = async (): Promise<void> => {
      if (!force && !(await isEmptyLedger(db))) throw new LedgerNotEmpty('The ledger is not empty.');
    };
    // Before the locks too: a ledger in use is not to wait for us.
    await refuse();
    await client.query('begin');
    // Nobody writes, and nobody begins to, until it is filled. Tables emptied in a transaction need no log where wal_level is minimal.
    await client.query(`lock table ${[...FILLED, 'receiver'].join(', ')} in access exclusive mode`);
    await refuse();
    await client.query(`truncate ${[...FILLED, ...(force ? EMPTIED : [])].join(', ')}`);
    await lay(client, db, ground);
    const firstTx = await takeNumbers(client, blocks.count);
    const indexes = await takeIndexes(client, LARGE);
    let calls = 0;
    for await (const block of blocks.make(firstTx)) {
      await copy(client, block);
      calls += block.calls;
      told(calls);
    }
    await tellChanges(client);
    await restoreIndexes(client, indexes);
    // Without statistics every figure measured would be chance.
    await client.query(`analyze ${[...LARGE, 'gap'].join(', ')}`);
    await countHours(client, db, ground.until);
    await client.query('commit');
    // The maps that index-only reads need.
    await client.query(`vacuum ${[...LARGE, 'gap'].join(', ')}`);
  } finally {
    await client.end();
  }
}

function runnerOf(client: pg.Client): SqlRunner {
  return {
    $executeRawUnsafe: async (sql, ...values) => (await client.query(sql, values)).rowCount ?? 0,
    $queryRawUnsafe: async <T>(sql: string, ...values: unknown[]) => (await client.query(sql, values)).rows as T,
  };
}

/** Settings, sources, a receiver that served all the time and stopped, the last loss window, and the days' partitions. */
async function lay(
  client: pg.Client,
  db: SqlRunner,
  { from, until, settings, sources, window }: SeededGround,
): Promise<void> {
  // A day early: a rebuild leaves alone what may have begun before the oldest partition.
  await ensurePartitions(db, 'notification', from - DAY_MS, until + DAY_MS);
  const { rows } = await client.query<{ at: number }>('select extract(epoch from now())::float8 * 1000 as at');
  const [{ at } = { at: until }] = rows;
  await ensurePartitions(db, 'call_change', at, at);
  const [since, now] = [new Date(from).toISOString(), new Date(until).toISOString()];
  const { retry, intervalMs, marginMs, staleRingingMs, staleAnsweredMs, lossWindowMs } = settings;
  await client.query(
    `insert into settings (since, retry, interval_ms, margin_ms, stale_ringing_ms, stale_answered_ms, loss_window_ms)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [since, retry, intervalMs, marginMs, staleRingingMs, staleAnsweredMs, lossWindowMs],
  );
  await client.query(
    `insert into receiver (id, name, started_at, beat_at, durable_through, stopped_at) values ($1, 'seed', $2, $3, $3, $3)`,
    [uuidv5(`${String(from)} ${String(until)}`, RECEIVER_SPACE), since, now],
  );
  for (const { key, meaning } of sources) {
    const meanings = JSON.stringify([{ since: from, meaning, serialBase: 1 }]);
    await client.query(
      `insert into source (key, name, serial_meaning, meaning_version, folded_version, meanings, last_heard_at, created_at)
       values ($1, $1, $2, 1, 1, $3, $4, $5)`,
      [key, meaning, meanings, now, since],
    );
    await client.query(
      `insert into loss_window (source_key, start_at, end_at, sample, habits, p) values ($1, $2, $3, $4, $5, $6)`,
      [
        ...[key, new Date(window.from).toISOString(), new Date(window.to).toISOString()],
        ...[JSON.stringify(NO_SAMPLE), JSON.stringify(window.habits), window.p],
      ],
    );
  }
}

/** Numbers of the changes feed for so many writes: below that of every transaction to come, as after a restore (change-base.ts). */
async function takeNumbers(client: pg.Client, count: number): Promise<number> {
  const { rows } = await client.query<{ first: string }>(
    'update change_base set ahead = ahead + $1 returning pg_current_xact_id()::text::bigint + ahead - $1 as first',
    [count],
  );
  return Number(rows[0]?.first);
}

async function copy(client: pg.Client, { lines }: SeedBlock): Promise<void> {
  for (const table of Object.keys(COPIED) as CopiedTable[]) {
    if (lines[table].length === 0) continue;
    const stream = client.query(copyFrom(`copy ${table} (${COPIED[table].join(', ')}) from stdin (${COPY_OPTIONS})`));
    stream.end(lines[table]);
    await finished(stream);
  }
}

/**
 * Every call has one revision, told at the instant of its write, which is this transaction's and not that of the history: the feed goes
 * on a day before the last change it told (SLACK_MS of query/changes), and history spread over days under one `tx` would be passed over.
 */
async function tellChanges(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ column: string }>(
    `select attname as column from pg_attribute
     where attrelid = 'call_change'::regclass and attnum > 0 and not attisdropped and attname not in ('tx', 'at', 'superseded')`,
  );
  const told = rows.map(({ column }) => column).join(', ');
  await client.query(
    `insert into call_change (tx, at, superseded, ${told}) select changed_tx, now(), false, ${told} from call`,
  );
}

/** What the keeper of `bi` would have counted by now: it goes on behind the last change. */
async function countHours(client: pg.Client, db: SqlRunner, now: number): Promise<void> {
  await client.query(
    `update rollup_place set (tx, call_key, id, revision) =
       (select tx, call_key, id, revision from call_change order by tx desc, call_key desc, id desc, revision desc limit 1)`,
  );
  await countDueHours(db, now, await noteAllHours(db));
}
