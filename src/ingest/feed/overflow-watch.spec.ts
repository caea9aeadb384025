import type { Counted } from '../../metrics.js';
import type { Overflow } from '../sweep/sweep.ports.js';
import { OverflowWatch } from './overflow-watch.js';

/** A receiver at one instant: the clock, and its counters so far. */
interface Instant {
  readonly at: number;
  readonly drops?: number | null;
  readonly received?: number;
  readonly counts?: readonly Counted[];
  readonly durable?: number;
}

const refused = (count: number, reason = 'queue_full', source = 'ivr'): Counted => ({
  ...{ source, fate: 'refused', reason, count },
});
const first = (count: number, source = 'ivr'): Counted => ({ source, fate: 'first', reason: '', count });

/** What each look after the first finds, and up to when. */
async function looks(...instants: readonly Instant[]): Promise<readonly (readonly [number, readonly Overflow[]])[]> {
  let now: Instant = { at: 0 };
  const watch = new OverflowWatch({
    clock: { now: () => now.at },
    kernelDrops: () => Promise.resolve(now.drops === undefined ? 0 : now.drops),
    received: () => now.received ?? 0,
    counts: () => now.counts ?? [],
    durableThrough: (at) => now.durable ?? at,
  });
  const found: (readonly [number, readonly Overflow[]])[] = [];
  for (const instant of instants) {
    now = instant;
    const { through, overflows } = await watch.look();
    found.push([through, overflows]);
  }
  return found;
}

const KERNEL = { sourceKey: null, reason: 'kernel' };
const QUEUE = { sourceKey: 'ivr', reason: 'queue_full' };

test('drops of the kernel are of nobody known, between two looks, beside what was read', async () => {
  expect(
    await looks(
      { at: 1000, drops: 0, received: 50 },
      { at: 2000, drops: 7, received: 80 },
      { at: 3000, drops: 7, received: 80 },
    ),
  ).toEqual([
    [1000, []],
    [2000, [{ ...KERNEL, from: 1000, to: 2000, dropped: 7, received: 30 }]],
    [3000, []],
  ]);
});

test('a kernel that does not tell drops nothing, and one that counts anew counts from nought', async () => {
  expect(await looks({ at: 1000, drops: null }, { at: 2000, drops: 9 }, { at: 3000, drops: 2 })).toEqual([
    [1000, []],
    [2000, [{ ...KERNEL, from: 1000, to: 2000, dropped: 9, received: 0 }]],
    [3000, [{ ...KERNEL, from: 2000, to: 3000, dropped: 2, received: 0 }]],
  ]);
});

test('refusals are told by source and reason, beside what was stored of the source', async () => {
  const before = [first(10), refused(2), first(5, 'other')];
  const after = [first(14), refused(5), refused(1, 'unavailable'), first(9, 'other'), refused(3, 'sources_full', '')];
  const [, [, overflows] = []] = await looks({ at: 1000, counts: before }, { at: 2000, counts: after });
  expect(overflows).toEqual([
    { ...QUEUE, from: 1000, to: 2000, dropped: 3, received: 4 },
    { ...QUEUE, reason: 'unavailable', from: 1000, to: 2000, dropped: 1, received: 4 },
  ]);
});

test('what waited when the last look was taken may have been received before it', async () => {
  const [, second] = await looks(
    { at: 1000, durable: 400 },
    { at: 2000, durable: 1500, counts: [refused(1, 'unavailable')] },
  );
  expect(second).toEqual([1500, [{ ...QUEUE, reason: 'unavailable', from: 400, to: 2000, dropped: 1, received: 0 }]]);
});
