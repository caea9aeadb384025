/** Guards against: a flood from one refused address filling the disk with log lines, or a flood of forged ones the memory. */
import { OnceAMinute } from './once-a-minute.js';

test('a key is due at once, then once a minute with the number held back', () => {
  const lines = new OnceAMinute();
  const asked = [0, 1, 59_999, 60_000, 60_001, 120_000].map((now) => lines.due('10.0.0.1', now));
  expect(asked).toEqual([0, null, null, 2, null, 1]);
});

test('keys do not silence each other', () => {
  const lines = new OnceAMinute();
  expect([lines.due('a', 0), lines.due('b', 0), lines.due('a', 1)]).toEqual([0, 0, null]);
});

test('beyond 256 keys a new one stays silent until an old one expires', () => {
  const lines = new OnceAMinute();
  const due = Array.from({ length: 300 }, (_, i) => lines.due(String(i), 0)).filter((held) => held !== null);
  expect(due).toHaveLength(256);
  expect(lines.due('late', 59_999)).toBeNull();
  expect(lines.due('late', 60_000)).toBe(0);
});
