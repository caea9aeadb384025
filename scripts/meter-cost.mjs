/**
 * What measuring costs the receive path, in ns a notification: `node scripts/meter-cost.mjs` after a build. Best of
 * several rounds, since other work on the machine only ever adds.
 */
import { AckObjective } from '../dist/metrics/ack-objective.js';
import { IngestMeter } from '../dist/metrics/ingest-meter.js';
import { SourceLabels } from '../dist/metrics/source-labels.js';
import { registryOf } from '../dist/ops/exposition.js';
import { Readings } from '../dist/metrics/readings.js';
import { Tally } from '../dist/metrics.js';

const ROUNDS = 7;
const TIMES = 2_000_000;
/** As in src/transport/udp.server.ts. */
const TIMED_EVERY = 16;
const SOURCES = Array.from({ length: 20 }, (_, index) => `ivr-${String(index)}`);

/** ns of one call of `work`, at best. */
function costOf(work) {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = performance.now();
    for (let index = 0; index < TIMES; index += 1) work(index);
    best = Math.min(best, ((performance.now() - startedAt) * 1e6) / TIMES);
  }
  return best;
}

const objective = new AckObjective({ retry: 6, intervalMs: 3_000, marginMs: 1_000 }, new SourceLabels());
const meter = new IngestMeter(objective);
const tally = new Tally();
let clock = 0;

/** The calls of src/transport/udp.server.ts for one notification that is stored and acked. */
function measured(index) {
  const timedAt = index % TIMED_EVERY === 1 ? performance.now() : null;
  meter.received(index % 12);
  if (timedAt !== null) meter.parsed(performance.now() - timedAt);
  meter.acked(SOURCES[index % SOURCES.length], 'first', 3, index % 40);
}

const rows = {
  'one reading of the clock': costOf(() => {
    clock += performance.now();
  }),
  'all that is measured of a notification': costOf(measured),
  'the tally of law 3': costOf((index) => tally.add(SOURCES[index % SOURCES.length], 'first')),
};
for (const [what, ns] of Object.entries(rows)) console.log(`${ns.toFixed(0).padStart(6)} ns  ${what}`);

const readings = new Readings();
meter.register(readings);
const registry = registryOf(readings);
await registry.metrics();
const startedAt = performance.now();
for (let round = 0; round < 20; round += 1) await registry.metrics();
console.log(
  `${((performance.now() - startedAt) / 20).toFixed(1).padStart(6)} ms  one scrape, ${String(SOURCES.length)} sources`,
);
process.exit(Number.isFinite(clock) ? 0 : 1);
