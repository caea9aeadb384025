import { Buckets } from './bucket.js';

test('so many come at once, then one in a while; a name that rests is full again', () => {
  const buckets = new Buckets({ perS: 2, burst: 3, namesMax: 10 });
  expect([1, 2, 3, 4].map(() => buckets.take('a', 0))).toEqual([0, 0, 0, 500]);
  expect(buckets.take('b', 0)).toBe(0);
  expect(buckets.take('a', 499)).toBe(1);
  expect(buckets.take('a', 500)).toBe(0);
  expect(buckets.take('a', 500)).toBe(500);
  expect([1, 2, 3, 4].map(() => buckets.take('a', 60_000))).toEqual([0, 0, 0, 500]);
});

test('a look takes nothing', () => {
  const buckets = new Buckets({ perS: 1, burst: 1, namesMax: 10 });
  expect([buckets.peek('a', 0), buckets.peek('a', 0), buckets.take('a', 0), buckets.peek('a', 0)]).toEqual([
    0, 0, 0, 1000,
  ]);
});

test('a flood of names takes no more memory, and the one used longest ago is forgotten', () => {
  const buckets = new Buckets({ perS: 1, burst: 1, namesMax: 100 });
  for (let i = 0; i < 10_000; i++) {
    buckets.take('always there', 0);
    buckets.take(`name ${String(i)}`, 0);
  }
  expect(buckets.size).toBe(100);
  expect(buckets.peek('always there', 0)).toBe(1000);
});
