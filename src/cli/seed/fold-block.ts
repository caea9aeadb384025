/**
 * One block of made-up calls. Each record is what the product's own fold makes of its notifications, and each row what ingest would
 * send, so that a rebuild of a seeded ledger finds nothing to correct (test/db/seed.spec.ts).
 */
import { type LossWindow, noFacts, type SourceFacts } from '../../delivery/facts.js';
import { assemble } from '../../ingest/assemble/assemble.js';
import { type KeyChange, NOTHING_STORED } from '../../ingest/ports.js';
import { callKeyOf } from '../../lifecycle/keys.js';
import type { Settings } from '../../notification.js';
import { BlockWriter, type SeedBlock } from '../../store/seed/seed-rows.js';
import { beginsOf, callOf, type SeededCall, type Seeding, SOURCES } from './traffic.js';

/** Calls of one block: 6 MB of lines. */
const BLOCK_CALLS = 2_000;

/** All that a block depends on besides its number. */
export interface Making {
  readonly seeding: Seeding;
  readonly settings: Settings;
  readonly window: LossWindow;
  /** Number of the first block in the changes feed. */
  readonly firstTx: number;
}

export function blockCount({ calls }: Seeding): number {
  return Math.ceil(calls / BLOCK_CALLS);
}

/** Its memory serves block after block. */
const writer = new BlockWriter();

/** What the ledger knows of each source, which is what a rebuild will find. */
function factsOf({ seeding, settings, window }: Making): ReadonlyMap<string, SourceFacts> {
  return new Map(
    SOURCES.map(({ key, meaning }) => {
      const versions = [{ since: seeding.from, settings }];
      const known = { meaning, serialBase: 1, through: seeding.until, versions, lossWindows: [window] };
      return [key, { ...noFacts(key, settings), ...known }];
    }),
  );
}

function changeOf({ sourceKey, callId, arrivals }: SeededCall, facts: SourceFacts, asOf: number): KeyChange {
  const key = { callKey: callKeyOf(sourceKey, callId), sourceKey, callId };
  return assemble(key, NOTHING_STORED, arrivals, facts, asOf).change;
}

/** The block of a number, the same whoever makes it. Each call is written as soon as it is folded, at its last receipt. */
export function foldBlock(making: Making, block: number): SeedBlock {
  const { seeding, firstTx } = making;
  const facts = factsOf(making);
  const beginAt = beginsOf(seeding);
  const end = Math.min(seeding.calls, (block + 1) * BLOCK_CALLS);
  for (let index = block * BLOCK_CALLS; index < end; index += 1) {
    const call = callOf(index, beginAt(index), seeding);
    const known = facts.get(call.sourceKey);
    if (known === undefined) throw new Error(`a call of the unknown source ${call.sourceKey}`);
    const lastAt = Math.max(...call.arrivals.map(({ stamp }) => stamp.at));
    writer.add(changeOf(call, known, lastAt), lastAt, firstTx + block);
  }
  return writer.take();
}
