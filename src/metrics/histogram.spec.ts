import fc from 'fast-check';
import { countOf, Histogram, quantileOf } from './histogram.js';

const BOUNDS = [1, 2, 5, 10];

test('a value equal to a bound is inside, and what is beyond all bounds is counted', () => {
  const histogram = new Histogram(BOUNDS);
  for (const value of [0, 1, 1.5, 5, 11]) histogram.observe(value);
  expect([[...histogram.snapshot()], histogram.sum()]).toEqual([[2, 1, 1, 0, 1], 18.5]);
});

test('nothing observed has no quantile, and beyond all bounds the last one is said', () => {
  expect(quantileOf(BOUNDS, new Histogram(BOUNDS).snapshot(), 0.99)).toBeNull();
  const histogram = new Histogram(BOUNDS);
  histogram.observe(99);
  expect(quantileOf(BOUNDS, histogram.snapshot(), 0.99)).toBe(10);
});

test('a quantile lies in the bucket that holds the value of its rank', () => {
  const values = fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (all, quantile) => {
      const histogram = new Histogram(BOUNDS);
      for (const value of all) histogram.observe(value);
      const sorted = [...all].sort((a, b) => a - b);
      const exact = sorted[Math.ceil(quantile * all.length - 1e-9) - 1] ?? 0;
      const upper = BOUNDS.find((bound) => exact <= bound) ?? 10;
      const lower = BOUNDS[BOUNDS.indexOf(upper) - 1] ?? 0;
      const estimate = quantileOf(BOUNDS, histogram.snapshot(), quantile) ?? -1;
      expect(countOf(histogram.snapshot())).toBe(all.length);
      expect(estimate).toBeGreaterThanOrEqual(lower);
      expect(estimate).toBeLessThanOrEqual(upper);
    }),
  );
});
