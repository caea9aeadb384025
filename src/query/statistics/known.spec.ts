import { listened } from './known.js';

const outages = [
  { from: 40, to: 50 },
  { from: 20, to: 30 },
  { from: 30, to: 35 },
];

test.each([
  [0, 10, false, 'before the first receiver'],
  [0, 11, true, 'of which one ms was served'],
  [20, 35, false, 'inside two outages that touch'],
  [20, 36, true, 'that outlasts them'],
  [19, 35, true, 'that begins before them'],
  [42, 48, false, 'inside an outage'],
  [100, 110, false, 'to come'],
  [99, 110, true, 'that has begun'],
])('of [%d, %d) it is %s that somebody listened: a time %s', (from, to, expected) => {
  expect(listened({ since: 10, until: 100, outages }, from, to)).toBe(expected);
});

test('where no receiver ever started nobody listened', () => {
  expect(listened({ since: null, until: 100, outages: [] }, 0, 50)).toBe(false);
});
