/** The pulse of a receiver that stops: its last tick is not held up by what else hangs. */
import { FeedWatch } from '../../src/ingest/feed/feed-watch.js';
import { LoopWatch } from '../../src/ingest/feed/loop-watch.js';
import { OverflowWatch } from '../../src/ingest/feed/overflow-watch.js';
import { Pulse } from '../../src/ingest/sweep/pulse.js';
import { SourceRegistry } from '../../src/sources/registry.js';
import { PgSourceStore } from '../../src/store/sources/sources.js';
import { systemClock } from '../../src/clock.js';
import { SETTINGS } from '../support/arrivals.js';
import { ONE, SweptLedger } from '../support/sweeping.js';

const EVERY_MS = 100;

const swept = new SweptLedger();

function pulse(landed: () => Promise<void>, faults: unknown[]): Pulse {
  const clock = systemClock();
  return new Pulse({
    ...{ clock, landed, everyMs: EVERY_MS, isAway: () => false, onFault: (error) => faults.push(error) },
    sweep: swept.sweepOf(ONE),
    sources: new SourceRegistry(new PgSourceStore(swept.prisma), SETTINGS, clock),
    watch: new FeedWatch(
      new LoopWatch(clock, EVERY_MS),
      new OverflowWatch({
        ...{ clock, durableThrough: (now) => now, received: () => 0, counts: () => [] },
        kernelDrops: () => Promise.resolve(0),
      }),
    ),
  });
}

test('a batch that hangs in flight holds up a stop for a second, and beats go on until then', async () => {
  const faults: unknown[] = [];
  let asked = 0;
  const one = pulse(() => {
    asked += 1;
    return new Promise(() => undefined);
  }, faults);
  await one.start();
  await one.run(Date.now());
  const beatAt = async (): Promise<number> => {
    const { rows } = await swept.pool.query<{ beat_at: Date }>('select beat_at from receiver');
    return rows[0]?.beat_at.getTime() ?? 0;
  };
  const began = Date.now();
  while (asked === 0 && Date.now() < began + 10_000) await new Promise((resolve) => setTimeout(resolve, 50));
  const before = await beatAt();
  await new Promise((resolve) => setTimeout(resolve, 5 * EVERY_MS));
  expect(await beatAt()).toBeGreaterThan(before);
  const stoppedFrom = performance.now();
  await one.stop();
  expect(performance.now() - stoppedFrom).toBeLessThan(5_000);
  // The tick that waited, and the last one.
  expect(asked).toBe(2);
  expect(faults).toEqual([]);
});
