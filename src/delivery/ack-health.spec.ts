import { ACK_DIAGNOSES, ackSentence, type CopyCount, diagnoseAcks } from './ack-health.js';

const RETRY = 6;

/** [copies, how many notifications]; copies one interval apart. */
function counts(...rows: readonly (readonly [number, number])[]): readonly CopyCount[] {
  return rows.map(([copies, notifications]) => ({ copies, notifications, intervals: copies - 1 }));
}

/** 1,000 notifications whose acks are lost with probability b. */
function lossy(b: number): readonly CopyCount[] {
  return counts(
    ...[1, 2, 3, 4, 5, 6, 7].map((k) => [k, Math.round(1000 * (k < 7 ? (1 - b) * b ** (k - 1) : b ** 6))] as const),
  );
}

test.each([
  ['one copy each', counts([1, 1000]), 'understood'],
  ['a tenth of the acks lost', lossy(0.1), 'understood'],
  ['four tenths of the acks lost', lossy(0.4), 'lost'],
  ['two thirds of the acks lost', lossy(0.67), 'lost'],
  ['acks nobody understands', counts([7, 1000]), 'not_understood'],
  [
    'acks nobody understands, a tenth of the sends lost',
    counts([7, 480], [6, 370], [5, 150]).map(throughout),
    'not_understood',
  ],
  ['acks 4 s late at an interval of 3 s', counts([2, 1000]), 'late'],
  ['acks 7 to 10 s late', counts([3, 400], [4, 600]), 'late'],
  ['acks late for half of the notifications', counts([1, 500], [2, 500]), 'lost'],
  ['a stall of 10 s for a tenth of them', counts([1, 900], [4, 100]), 'understood'],
  ['nothing', [], 'unknown'],
  ['19 notifications', counts([7, 19]), 'unknown'],
  ['20 notifications', counts([7, 20]), 'not_understood'],
] as const)('%s', (_what, rows, diagnosis) => {
  expect(diagnoseAcks(rows, RETRY).diagnosis).toBe(diagnosis);
});

/** Lost sends leave fewer copies, the first and the last as far apart as ever. */
function throughout(one: CopyCount): CopyCount {
  return { ...one, intervals: RETRY };
}

test('a sender that never tries again says nothing about acks but that each came once', () => {
  expect(diagnoseAcks(counts([1, 100]), 0)).toEqual({ diagnosis: 'understood', copies: 1, ranThrough: 0 });
});

test('the finding carries its figures', () => {
  expect(diagnoseAcks(counts([1, 10], [7, 10]), RETRY)).toEqual({
    diagnosis: 'not_understood',
    copies: 4,
    ranThrough: 0.5,
  });
  expect(diagnoseAcks([], RETRY)).toEqual({ diagnosis: 'unknown', copies: null, ranThrough: 0 });
});

test('each diagnosis has a sentence of its own', () => {
  expect(new Set(ACK_DIAGNOSES.map(ackSentence)).size).toBe(ACK_DIAGNOSES.length);
});
