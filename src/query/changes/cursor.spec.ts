import fc from 'fast-check';
import { BadParameters } from '../faults.js';
import { type Cursor, decodeCursor, encodeCursor } from './cursor.js';

const cursors: fc.Arbitrary<Cursor> = fc.record({
  epoch: fc.integer({ min: 1, max: 2_147_483_647 }),
  place: fc.record({
    tx: fc.bigInt({ min: 0n, max: 999_999_999_999_999_999n }).map(String),
    callKey: fc.uuid(),
    id: fc.uuid(),
    revision: fc.nat(),
    at: fc.integer({ min: 0, max: Date.UTC(9999, 0, 1) }),
  }),
});
const FILTER = { settled: true, source: undefined };

test('a cursor names the place it was made of', () => {
  fc.assert(
    fc.property(cursors, (cursor) => {
      expect(decodeCursor(encodeCursor(cursor, FILTER), FILTER)).toEqual(cursor);
    }),
  );
});

test('a cursor of another filter is refused', () => {
  fc.assert(
    fc.property(cursors, (cursor) => {
      expect(() => decodeCursor(encodeCursor(cursor, FILTER), { ...FILTER, source: ['ivr'] })).toThrow(BadParameters);
    }),
  );
});

test('whatever else is given is refused in words', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.json().map((json) => Buffer.from(json).toString('base64url')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      expect(() => decodeCursor(text, FILTER)).toThrow(/after: is not a cursor of this feed|belongs to another query/);
    }),
  );
});
