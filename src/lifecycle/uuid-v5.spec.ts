import fc from 'fast-check';
import { v5 } from 'uuid';
import { uuidV5 } from './uuid-v5.js';

const SPACE = '6f0f2d1e-5d8c-5c0a-9a57-3d1b1f0f7c21';

test('every name in every name space gives the uuid the standard gives it', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 100 }),
      fc.uuid(),
      (name, space) => uuidV5(name, space) === v5(name, space),
    ),
  );
});

test('a name longer than any Call ID does too, and leaves no trace in the next', () => {
  const long = 'x'.repeat(5_000);
  expect(uuidV5(long, SPACE)).toBe(v5(long, SPACE));
  expect(uuidV5('short', SPACE)).toBe(v5('short', SPACE));
});
