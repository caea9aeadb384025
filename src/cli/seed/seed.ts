/** Fills a ledger with a history of made-up calls. */
import { type LossWindow, NO_HABITS } from '../../delivery/facts.js';
import { horizonMs, type Settings } from '../../notification.js';
import { fillLedger } from '../../store/seed/seed.js';
import { makeBlocks } from './blocks.js';
import { blockCount } from './fold-block.js';
import { type Seeding, SOURCES } from './traffic.js';

/** The last window that W has closed when the history ends: 1 % of tries were lost in it. */
export function lastWindow(until: number, settings: Settings): LossWindow {
  const { lossWindowMs } = settings;
  const to = Math.floor((until - horizonMs(settings)) / lossWindowMs) * lossWindowMs;
  const habits = { ...NO_HABITS, answerRatio: 0.62, ringingRatio: 0.99, unansweredByeRatio: 0.99 };
  return { from: to - lossWindowMs, to, p: 0.01, pMean: 0.01, habits, rhythm: null };
}

/**
 * Seeds an empty ledger, all of it or nothing.
 * @param force deletes first what the ledger holds
 * @param told how many calls are written, after each block
 * @throws LedgerNotEmpty
 */
export async function seedLedger(
  url: string,
  seeding: Seeding,
  settings: Settings,
  { force = false, told = () => undefined }: { readonly force?: boolean; readonly told?: (calls: number) => void } = {},
): Promise<void> {
  const window = lastWindow(seeding.until, settings);
  const ground = { from: seeding.from, until: seeding.until, settings, sources: SOURCES, window };
  const blocks = {
    count: blockCount(seeding),
    make: (firstTx: number) => makeBlocks({ seeding, settings, window, firstTx }),
  };
  await fillLedger(url, ground, blocks, { force, told });
}
