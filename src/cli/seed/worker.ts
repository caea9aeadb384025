/** Folds the blocks of one lane, each when it is asked for (blocks.ts). */
import { parentPort, workerData } from 'node:worker_threads';
import type { Lane } from './blocks.js';
import { blockCount, foldBlock } from './fold-block.js';

const { making, lane, lanes } = workerData as Lane;
const count = blockCount(making.seeding);
let block = lane;
parentPort?.on('message', () => {
  if (block >= count) return;
  const made = foldBlock(making, block);
  parentPort?.postMessage(
    made,
    Object.values(made.lines).map(({ buffer }) => buffer as ArrayBuffer),
  );
  block += lanes;
});
