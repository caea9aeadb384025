import fc from 'fast-check';
import { Segments } from './segments.js';

const TOKEN = 'mark-0123456789abcdef';

function line(rows: number, end: boolean): string {
  return `${TOKEN} ${JSON.stringify({ rows, cursor: `c${String(rows)}`, end })}\n`;
}

test('segments are the same however the text is cut on its way', () => {
  const text = `head\r\na,"mark\nmark-"\r\n${line(1, false)}b\r\n${line(2, false)}${line(2, true)}`;
  const expected = [
    ['head\r\na,"mark\nmark-"\r\n', 1, false],
    ['b\r\n', 2, false],
    ['', 2, true],
  ];
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (lengths) => {
      const segments = new Segments(TOKEN);
      const bytes = Buffer.from(text);
      const found = [];
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const length = lengths[turn % lengths.length] ?? 1;
        found.push(...segments.push(bytes.subarray(at, at + length)));
        at += length;
      }
      expect(found.map(({ bytes: held, mark }) => [held.toString(), mark.rows, mark.end])).toEqual(expected);
    }),
  );
});

test('what comes after the last mark is no segment: it may not be whole', () => {
  expect(new Segments(TOKEN).push(Buffer.from('a\r\nb'))).toEqual([]);
});
