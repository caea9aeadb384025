/** Copies as intervals of receipts: merging is interval union, and loses nothing on its way through the database. */
import fc from 'fast-check';
import { addArrival, decodeEvidence, encodeEvidence, speak, type PackedEvidence } from '../../src/delivery/evidence.js';
import type { Arrival, Notification } from '../../src/notification.js';
import { anyArrivals, arrival, H } from './ledger.js';

function stored(arrivals: readonly Arrival[]): readonly Notification[] {
  return arrivals.reduce<readonly Notification[]>((rows, one) => addArrival(rows, one, () => H).notifications, []);
}

/** Chains of receipts at most H apart, straight from the definition. */
function chains(receipts: readonly number[]): readonly { firstAt: number; lastAt: number; copies: number }[] {
  const found: { firstAt: number; lastAt: number; copies: number }[] = [];
  for (const at of [...receipts].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last === undefined || at - last.lastAt > H) found.push({ firstAt: at, lastAt: at, copies: 1 });
    else Object.assign(last, { lastAt: at, copies: last.copies + 1 });
  }
  return found;
}

const receipts = fc.array(
  fc.oneof(
    fc.integer({ min: 0, max: 200_000 }),
    fc.integer({ min: 0, max: 12 }).map((n) => n * H),
  ),
  {
    minLength: 1,
    maxLength: 25,
  },
);

describe('evidence', () => {
  test('interval union links what a chain of receipts at most H apart links, whatever the order', () => {
    fc.assert(
      fc.property(receipts, (all) => {
        const rows = stored(all.map((at) => arrival(at, '1', 'bye')));
        expect(rows.map(({ firstAt, lastAt, copies }) => ({ firstAt, lastAt, copies }))).toEqual(chains(all));
      }),
    );
  });

  test('copies that say different things are kept apart in storage and speak as one chain', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 200_000 }), fc.constantFrom('1', '2')), { minLength: 1 }),
        (all) => {
          const rows = stored(all.map(([at, caller]) => arrival(at, '1', 'bye', { caller })));
          const spoken = speak(rows, () => H);
          expect(spoken.map(({ firstAt, lastAt, copies }) => ({ firstAt, lastAt, copies }))).toEqual(
            chains(all.map(([at]) => at)),
          );
          for (const one of spoken) {
            const callers = all.filter(([at]) => at >= one.firstAt && at <= one.lastAt);
            expect(one.disputed ?? false).toBe(new Set(callers.map(([, caller]) => caller)).size > 1);
            const first = callers.filter(([at]) => at === one.firstAt).map(([, caller]) => caller);
            expect(one.content.callerNumber).toBe(first.sort()[0]);
          }
        },
      ),
    );
  });

  test('every receipt is counted once, as a first, a duplicate or a conflict', () => {
    fc.assert(
      fc.property(anyArrivals, (all) => {
        const rows = stored(all);
        expect(rows.reduce((sum, one) => sum + one.copies, 0)).toBe(all.length);
        expect(speak(rows, () => H).reduce((sum, one) => sum + one.copies, 0)).toBe(all.length);
      }),
    );
  });

  test('what is stored is read back as it was', () => {
    fc.assert(
      fc.property(anyArrivals, (all) => {
        const rows = stored(all);
        expect(decodeEvidence(JSON.parse(JSON.stringify(encodeEvidence(rows))) as PackedEvidence)).toEqual(rows);
      }),
    );
  });
});
