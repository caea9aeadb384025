/**
 * Law 2: the record is a function of the stamped notifications, the facts and the instant asked. However arrivals are
 * ordered, batched, doubled or shared out among receivers, whose W differ: the same records, the same open and lost gaps.
 */
import fc from 'fast-check';
import type { SourceFacts } from '../../src/delivery/facts.js';
import type { Arrival } from '../../src/notification.js';
import { anyArrivals, anyFacts, arrival, IN_THE_END, MapLedger, SETTINGS } from './ledger.js';

/** The arrivals in one batch, folded at the end: what every other way must come to. */
function atOnce(arrivals: readonly Arrival[], facts: SourceFacts): MapLedger {
  const ledger = new MapLedger();
  ledger.add(arrivals, facts);
  return ledger;
}

/** Compared as text first: a deep comparison of each run would take most of the time. */
function expectSame(one: MapLedger, other: MapLedger): void {
  if (JSON.stringify(one.promised()) !== JSON.stringify(other.promised()))
    expect(one.promised()).toEqual(other.promised());
}

/** Batches in the order given, each under the W its receiver had reached. */
function inBatches(batches: readonly (readonly Arrival[])[], w: readonly number[], facts: SourceFacts): MapLedger {
  const ledger = new MapLedger();
  batches.forEach((batch, index) => {
    if (batch.length > 0) ledger.add(batch, { ...facts, through: w[index % w.length] ?? facts.through });
  });
  ledger.refold(facts);
  return ledger;
}

function split<T>(all: readonly T[], sizes: readonly number[]): readonly (readonly T[])[] {
  const batches: T[][] = [];
  for (let at = 0, n = 0; at < all.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    batches.push(all.slice(at, at + size));
    at += size;
  }
  return batches;
}

/**
 * The furthest W runs ahead of an arrival still to be processed: by definition it does not, but for the backlog of a
 * receiver long gone. Beyond the stale limit of answered calls evidence has let go of settled calls.
 */
const W_AHEAD_MAX = 14_000_000;
const someW = fc.array(
  fc.oneof(fc.constant(Number.NEGATIVE_INFINITY), fc.integer({ min: 0, max: W_AHEAD_MAX }), fc.constant(W_AHEAD_MAX)),
  {
    minLength: 1,
    maxLength: 4,
  },
);
const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });

describe('law 2', () => {
  test('any order, any batching and any W on the way give the same records and open or lost gaps', () => {
    fc.assert(
      fc.property(
        anyArrivals.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
        sizes,
        someW,
        anyFacts,
        ([all, shuffled], batchSizes, w, facts) => {
          const other = inBatches(split(shuffled, batchSizes), w, facts);
          expectSame(other, atOnce(all, facts));
        },
      ),
      { numRuns: 250 },
    );
  });

  test('the settings of whoever folds change nothing: those count that were in force', () => {
    const others = { ...SETTINGS, retry: 3, intervalMs: 5_000, staleRingingMs: 60_000, staleAnsweredMs: 90_000 };
    fc.assert(
      fc.property(anyArrivals, anyFacts, (all, facts) => {
        const versions = facts.versions.length > 0 ? facts.versions : [{ since: 0, settings: SETTINGS }];
        expectSame(atOnce(all, { ...facts, versions, settings: others }), atOnce(all, { ...facts, versions }));
      }),
      { numRuns: 250 },
    );
  });

  test('an arrival received twice changes no more than counts of copies', () => {
    fc.assert(
      fc.property(
        anyArrivals.chain((all) => fc.tuple(fc.constant(all), fc.subarray(all), fc.shuffledSubarray(all))),
        anyFacts,
        ([all, again, onceMore], facts) => {
          const other = inBatches([all, again, onceMore], [W_AHEAD_MAX], facts);
          expectSame(other, atOnce(all, facts));
        },
      ),
      { numRuns: 250 },
    );
  });

  test('two receivers, each with a part of the arrivals and a W of its own, make the record one would', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anyArrivals, fc.boolean()), { minLength: 1, maxLength: 4 }),
        fc.tuple(someW, someW),
        anyFacts,
        (turns, [one, two], facts) => {
          const ledger = new MapLedger();
          turns.forEach(([batch, second], index) => {
            const w = second ? two : one;
            ledger.add(batch, { ...facts, through: w[index % w.length] ?? facts.through });
          });
          ledger.refold(facts);
          expectSame(
            ledger,
            atOnce(
              turns.flatMap(([batch]) => batch),
              facts,
            ),
          );
        },
      ),
      { numRuns: 250 },
    );
  });

  test('folding again with the same facts changes nothing, and after other facts comes back to the same', () => {
    fc.assert(
      fc.property(anyArrivals, anyFacts, anyFacts, (all, facts, others) => {
        const ledger = atOnce(all, facts);
        const before = JSON.stringify(ledger.promised());
        ledger.refold(facts);
        expect(JSON.stringify(ledger.promised())).toBe(before);
        ledger.refold(others);
        ledger.refold(facts);
        expect(JSON.stringify(ledger.promised())).toBe(before);
      }),
      { numRuns: 250 },
    );
  });

  test('arrivals processed in the order of their receipt never change the id of a call', () => {
    fc.assert(
      fc.property(anyArrivals, sizes, anyFacts, (all, batchSizes, facts) => {
        const instants = [...new Set(all.map(({ stamp }) => stamp.at))].sort((a, b) => a - b);
        const ordered = instants.flatMap((at) => {
          const { report } = all.find(({ stamp }) => stamp.at === at) ?? {};
          return report === undefined ? [] : [arrival(at, report.serial, report.state)];
        });
        expect(inBatches(split(ordered, batchSizes), [IN_THE_END], facts).superseded).toEqual([]);
      }),
      { numRuns: 250 },
    );
  });
});
