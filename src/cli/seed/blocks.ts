/** Made-up calls in blocks, folded in this process or, when there are many, by one worker a core. */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { SeedBlock } from '../../store/seed/seed-rows.js';
import { blockCount, foldBlock, type Making } from './fold-block.js';

/** From so many blocks on workers are worth their start; more of them than this would wait for PostgreSQL. */
const WORKERS_FROM = 10;
const WORKERS_MAX = 4;
/** Blocks a worker makes ahead of whoever takes them. */
const AHEAD = 2;
/** Of most calls nothing is left a moment later: a large young generation spares a third of the time. */
const YOUNG_MB = 128;

/** What a worker is told: `lane`, `lane + lanes` and so on are its blocks. */
export interface Lane {
  readonly making: Making;
  readonly lane: number;
  readonly lanes: number;
}

/** The blocks in their order, which depends on nobody's speed. */
export async function* makeBlocks(making: Making): AsyncGenerator<SeedBlock> {
  const count = blockCount(making.seeding);
  if (count < WORKERS_FROM) {
    for (let block = 0; block < count; block += 1) yield foldBlock(making, block);
    return;
  }
  const lanes = Math.min(WORKERS_MAX, availableParallelism());
  const workers = Array.from({ length: lanes }, (_, lane) => startWorker({ making, lane, lanes }));
  try {
    for (let block = 0; block < count; block += 1) {
      const next = await workers[block % lanes]?.next();
      if (next !== undefined) yield next;
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.end()));
  }
}

interface Maker {
  next(): Promise<SeedBlock>;
  end(): Promise<unknown>;
}

function startWorker(lane: Lane): Maker {
  const worker = new Worker(new URL('worker.js', import.meta.url), {
    workerData: lane,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
  const made: SeedBlock[] = [];
  worker.on('message', (block: SeedBlock) => made.push(block));
  for (let ahead = 0; ahead < AHEAD; ahead += 1) worker.postMessage('next');
  return {
    next: async () => {
      // A worker that fails makes `once` throw what it died of.
      while (made.length === 0) await once(worker, 'message');
      worker.postMessage('next');
      const block = made.shift();
      if (block === undefined) throw new Error('a message without a block');
      return block;
    },
    end: () => worker.terminate(),
  };
}
