/** The raw rows a batch asks for, applied as a store applies them, are what is stored of the call: a rebuild finds all. */
import fc from 'fast-check';
import { decodeEvidence } from '../../src/delivery/evidence.js';
import { noFacts } from '../../src/delivery/facts.js';
import { assemble } from '../../src/ingest/assemble/assemble.js';
import { NOTHING_STORED, type RawWrite, type StoredKey } from '../../src/ingest/ports.js';
import type { Arrival, Notification } from '../../src/notification.js';
import { anyArrivals, KEY, SETTINGS } from './ledger.js';

function nameOf({ notification, digest }: RawWrite, firstAt: number): string {
  return [notification.serial, notification.state, digest, firstAt].join(' ');
}

function marked(all: readonly Arrival[]): readonly Arrival[] {
  return all.map((one, index) => ({ ...one, payload: Uint8Array.of(index) }));
}

function byName(a: Notification, b: Notification): number {
  const [one, other] = [a, b].map((row) =>
    JSON.stringify([row.serial, row.state, row.firstAt, row.content.callerNumber]),
  );
  return (one ?? '') < (other ?? '') ? -1 : 1;
}

test('replacing and adding raw rows, batch after batch, leaves the rows of the evidence', () => {
  fc.assert(
    fc.property(fc.array(anyArrivals, { minLength: 1, maxLength: 4 }), (batches) => {
      const rows = new Map<string, RawWrite>();
      let stored: StoredKey = NOTHING_STORED;
      for (const batch of batches) {
        const { change, outcomes } = assemble(KEY, stored, marked(batch), noFacts('ivr', SETTINGS), 0);
        expect(outcomes).toHaveLength(batch.length);
        for (const write of change.raw) {
          for (const old of write.replaces) expect(rows.delete(nameOf(write, old))).toBe(true);
          const name = nameOf(write, write.notification.firstAt);
          expect(rows.has(name)).toBe(false);
          rows.set(name, write);
        }
        stored = {
          version: stored.version + 1,
          notifications: decodeEvidence(change.document),
          calls: change.document.calls,
        };
      }
      const raw = [...rows.values()].map(({ notification }) => notification).sort(byName);
      expect(raw).toEqual([...stored.notifications].sort(byName));
    }),
    { numRuns: 300 },
  );
});
