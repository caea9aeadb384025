/** Guards against: replayed copies that look like loss, or that fall apart into two notifications. */
import { receiptsOf } from './replay.js';

const H = 19_000;

interface Row {
  readonly what: string;
  readonly copies: number;
  readonly spanMs: number;
  readonly receipts: readonly number[];
}

const ROWS: readonly Row[] = [
  { what: 'one copy', copies: 1, spanMs: 0, receipts: [100] },
  { what: 'two copies', copies: 2, spanMs: 3_000, receipts: [100, 3_100] },
  {
    what: 'all seven tries',
    ...{ copies: 7, spanMs: 18_000, receipts: [100, 3_100, 6_100, 9_100, 12_100, 15_100, 18_100] },
  },
  { what: 'copies of one instant', copies: 3, spanMs: 0, receipts: [100, 100, 100] },
];

test.each(ROWS)('$what keep their number and both ends', ({ copies, spanMs, receipts }) => {
  expect(receiptsOf({ receivedAt: 100, lastReceivedAt: 100 + spanMs, copies }, H)).toEqual(receipts);
});

test('something repeated for a day is bounded and stays one chain', () => {
  const receipts = receiptsOf({ receivedAt: 0, lastReceivedAt: 86_400_000, copies: 20_000 }, H);
  const gaps = receipts.slice(1).map((at, index) => at - (receipts[index] ?? 0));
  expect(receipts.length).toBeLessThan(5_000);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(H);
});
