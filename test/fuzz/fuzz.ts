/**
 * `npm run fuzz -- --datagrams 10000000 --seed night`: the receive path in memory under hostile datagrams (datagrams.ts),
 * with its checks (receiver.ts) and the heap looked at every 100,000. Prints a line each time and fails with the first
 * datagrams that did wrong, as hex.
 */
import { parseArgs } from 'node:util';
import { Datagrams } from './datagrams.js';
import { FuzzedReceiver } from './receiver.js';

const TURN = 200;
const LOOK_EVERY = 100_000;
/** The first tenth fills caches and the code's own warm-up; from then on the heap must not have grown by more. */
const GROWTH_BYTES_MAX = 100_000_000;
const FAULTS_SHOWN = 20;

const { values } = parseArgs({
  options: { datagrams: { type: 'string', default: '1000000' }, seed: { type: 'string', default: 'fuzz' } },
});
const total = Number(values.datagrams);
if (!Number.isInteger(total) || total < TURN)
  throw new Error(`--datagrams must be a whole number of at least ${String(TURN)}.`);

const datagrams = new Datagrams(values.seed);
const receiver = new FuzzedReceiver();
await receiver.start();
const startedAt = performance.now();
const heaps: number[] = [];
let sent = 0;
while (sent < total && receiver.faults.length === 0) {
  await receiver.receive(Array.from({ length: Math.min(TURN, total - sent) }, () => datagrams.next()));
  sent = Math.min(total, sent + TURN);
  if (sent % 10_000 === 0) await receiver.persist();
  if (sent % LOOK_EVERY === 0) look();
}
process.exitCode = verdict() ? 0 : 1;

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function look(): void {
  const heap = heapBytes();
  heaps.push(heap);
  const perSecond = Math.round((1_000 * sent) / (performance.now() - startedAt));
  const line = `${String(sent)} datagrams, ${String(receiver.acked)} acked, ${String(perSecond)}/s, heap ${String(Math.round(heap / 1e6))} MB`;
  if (sent % (10 * LOOK_EVERY) === 0 || sent === total) console.log(line);
}

function verdict(): boolean {
  const totals = receiver.tally.totals();
  const counted = Object.values(totals).reduce((sum, count) => sum + count, 0);
  const settled = heaps[Math.floor(heaps.length / 10)] ?? 0;
  const grown = (heaps.at(-1) ?? settled) - settled;
  for (const { what, address, hex } of receiver.faults.slice(0, FAULTS_SHOWN))
    console.log(`FAULT ${what} | from ${address} | ${hex}`);
  if (counted !== sent) console.log(`FAULT ${String(sent)} datagrams, ${String(counted)} counted`);
  if (grown > GROWTH_BYTES_MAX) console.log(`FAULT the heap grew by ${String(Math.round(grown / 1e6))} MB`);
  const passed = receiver.faults.length === 0 && counted === sent && grown <= GROWTH_BYTES_MAX;
  const fates = Object.entries(totals).map(([fate, count]) => `${fate} ${String(count)}`);
  console.log(
    `${passed ? 'held' : 'FAILED'}: ${String(sent)} datagrams of seed ${values.seed} in ${String(Math.round((performance.now() - startedAt) / 1_000))} s; ` +
      `${fates.join(', ')}; ${String(receiver.acked)} acked; heap ${String(Math.round(Math.max(0, ...heaps) / 1e6))} MB at most, grown by ${String(Math.round(grown / 1e6))} MB.`,
  );
  return passed;
}
