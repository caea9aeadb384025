/** Keeps the hourly and daily figures of schema `bi` up to date, beside the receiver and never on its path. */
import type { Clock } from '../../clock.js';
import type { PrismaClient } from '../../generated/prisma/client.js';
import { noteChangedHours } from './follow.js';
import { countDueHours } from './recount.js';

/** The hour under way is counted whole each time: 180,000 calls of 50 a second take 0.2 s, so this is below one in a hundred. */
const EVERY_MS = 30_000;
/** Changes looked at in one transaction: 20,000 take 0.2 s. */
const CHANGES_MAX = 20_000;
/** Hours counted in one transaction. */
const HOURS_MAX = 12;
/** A round's transactions: a million changes, or a month of hours; what is left is for the next one. */
const STEPS_MAX = 60;
/** After so many rounds in a row that left something somebody is told, and after so many more again. A year of hours takes thirteen. */
const LEFT_ROUNDS = 10;
/** An hour of a switch at its limits has a million calls. */
const STEP_TIMEOUT_MS = 60_000;

export interface RollupKeeper {
  /** Resolves when the transaction under way has ended. */
  stop(): Promise<void>;
}

/** Of the transactions below one runs at a time, whichever receiver's: a number nothing else of ours locks. */
const LOCK = 72_707_401;

type Step = (db: Parameters<typeof countDueHours>[0]) => Promise<number>;

/** Runs a step again and again until it finds less to do than it may; false when it may find more, or another receiver is at it. */
async function exhaust(prisma: PrismaClient, full: number, step: Step, signal?: AbortSignal): Promise<boolean> {
  for (let steps = 0; steps < STEPS_MAX && signal?.aborted !== true; steps++) {
    const done = await prisma.$transaction(
      async (tx) => {
        const [lock] = await tx.$queryRaw<
          { taken: boolean }[]
        >`select pg_try_advisory_xact_lock(${LOCK}::bigint) as taken`;
        return lock?.taken === true ? step(tx) : null;
      },
      { timeout: STEP_TIMEOUT_MS },
    );
    if (done === null || done < full) return done !== null;
  }
  return false;
}

/**
 * Brings the figures up to the changes committed so far. Safe to call from several receivers at once.
 * @param now ms since the epoch
 * @param signal ends it after the transaction under way
 * @returns whether nothing is left to count
 */
export async function keepOnce(prisma: PrismaClient, now: () => number, signal?: AbortSignal): Promise<boolean> {
  const note: Step = (db) => noteChangedHours(db, now(), CHANGES_MAX);
  const count: Step = (db) => countDueHours(db, now(), HOURS_MAX);
  const noted = await exhaust(prisma, CHANGES_MAX, note, signal);
  return (await exhaust(prisma, HOURS_MAX, count, signal)) && noted;
}

/** Of why figures stay behind, the reason that can be mended: readers may take any advisory lock. */
async function leftOver(prisma: PrismaClient, rounds: number): Promise<Error> {
  const holders = await prisma.$queryRaw<{ pid: number; role: string | null }[]>`
    select pid, usename::text as role from pg_locks left join pg_stat_activity using (pid)
    where locktype = 'advisory' and pg_locks.database = (select oid from pg_database where datname = current_database())
      and classid = 0 and objid::bigint = ${LOCK}::bigint and granted`;
  const held = holders.map(({ pid, role }) => `; process ${String(pid)} (${role ?? '?'}) holds their lock`).join('');
  return new Error(`${String(rounds)} rounds in a row left something to count${held}`);
}

/**
 * Keeps the figures: now, and then every 30 s.
 * @param isAway whether the database is known to be away: then it rests
 * @param onFault told of a round that failed, and when several in a row did not come to an end; the next one goes on where it stopped
 */
export function keepRollups(
  prisma: PrismaClient,
  clock: Clock,
  isAway: () => boolean,
  onFault: (error: unknown) => void,
  everyMs = EVERY_MS,
): RollupKeeper {
  const stopping = new AbortController();
  let round: Promise<void> | null = null;
  let left = 0;
  const begin = async (): Promise<void> => {
    try {
      if (isAway()) return;
      left = (await keepOnce(prisma, () => clock.now(), stopping.signal)) ? 0 : left + 1;
      if (left > 0 && left % LEFT_ROUNDS === 0 && !stopping.signal.aborted) onFault(await leftOver(prisma, left));
    } catch (error) {
      if (!stopping.signal.aborted) onFault(error);
    }
  };
  const start = (): void => {
    round ??= begin().finally(() => (round = null));
  };
  start();
  const timer = setInterval(start, everyMs);
  return {
    stop: async () => {
      stopping.abort();
      clearInterval(timer);
      await round;
    },
  };
}
