import fc from 'fast-check';
import { v5 } from 'uuid';
import { uuidV5In } from './uuid-v5.js';

const SPACE = '6f0f2d1e-5d8c-5c0a-9a57-3d1b1f0f7c21';
const uuidV5 = uuidV5In(SPACE);

test('every name gives the uuid the standard gives it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
      expect(uuidV5(name)).toBe(v5(name, SPACE));
    }),
  );
});

test('a name longer than any Call ID does too, and leaves no trace in the next', () => {
  const long = 'x'.repeat(5_000);
  expect(uuidV5(long)).toBe(v5(long, SPACE));
  expect(uuidV5('short')).toBe(v5('short', SPACE));
});
