import fc from 'fast-check';
import { Prisma } from '../generated/prisma/client.js';
import { BadParameters } from './faults.js';
import { decodeCursor, encodeCursor, type Order, pageOf, type SortValue } from './page.js';

interface Row {
  readonly id: string;
  readonly value: SortValue;
}

function orderBy(type: Order<Row>['type'], nulls: Order<Row>['nulls']): Order<Row> {
  const key = Prisma.sql`value`;
  const tie = { column: Prisma.sql`id`, type: 'uuid' } as const;
  const of = { valueOf: (row: Row): SortValue => row.value, idOf: (row: Row): string => row.id };
  return { name: `${type} list`, descending: true, key, outputKey: key, type, nulls, tie, ...of };
}

const BY_TIME = orderBy('timestamptz', 'never');
const BY_TALK = orderBy('bigint', 'last');
const QUESTION = { source: ['ivr'], from: 5 };

const time = fc.date({ min: new Date(0), max: new Date('9999-12-30'), noInvalidDate: true });

test('a cursor brings back the place it was made at', () => {
  fc.assert(
    fc.property(fc.uuid(), time, fc.option(fc.maxSafeNat()), (id, at, talk) => {
      expect(decodeCursor(BY_TIME, QUESTION, encodeCursor(BY_TIME, QUESTION, { id, value: at }))).toEqual({
        ...{ id, value: at.toISOString() },
      });
      expect(decodeCursor(BY_TALK, QUESTION, encodeCursor(BY_TALK, QUESTION, { id, value: talk }))).toEqual({
        ...{ id, value: talk === null ? null : String(talk) },
      });
    }),
  );
});

const ROW: Row = { id: '00000000-0000-4000-8000-000000000001', value: new Date(0) };

test('a cursor goes with its question, whatever the order and the gaps in which that was asked', () => {
  const cursor = encodeCursor(BY_TIME, QUESTION, ROW);
  expect(() => decodeCursor(BY_TIME, { from: 5, to: undefined, source: ['ivr'] }, cursor)).not.toThrow();
  for (const other of [{}, { ...QUESTION, to: 6 }, { ...QUESTION, from: 6 }, { ...QUESTION, source: ['ivr', 'x'] }]) {
    expect(() => decodeCursor(BY_TIME, other, cursor)).toThrow(/another query/);
  }
  expect(() => decodeCursor({ ...BY_TIME, name: 'other' }, QUESTION, cursor)).toThrow(/another query/);
});

test('a cursor somebody made up is a fault, whatever it holds', () => {
  const print = JSON.parse(Buffer.from(encodeCursor(BY_TIME, QUESTION, ROW), 'base64url').toString()) as unknown[];
  const forged = (parts: unknown): string => Buffer.from(JSON.stringify(parts)).toString('base64url');
  for (const parts of [
    ...[null, 7, [], [print[0]], [print[0], null, ROW.id], [print[0], 'x', ROW.id], [print[0], 5, ROW.id]],
    ...[
      [print[0], '2026-99-99T99:99:99.999Z', ROW.id],
      [print[0], '0000-01-01T00:00:00.000Z', ROW.id],
    ],
    [print[0], '2026-01-01T00:00:00.000Z', "1'; drop table call; --"],
  ]) {
    expect(() => decodeCursor(BY_TIME, QUESTION, forged(parts))).toThrow(BadParameters);
  }
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.base64String(),
        fc.json().map((text) => forged(JSON.parse(text))),
      ),
      (cursor) => {
        expect(() => decodeCursor(BY_TIME, QUESTION, cursor)).toThrow(BadParameters);
      },
    ),
  );
});

test('a page has a next one only when a row more than its limit was read', () => {
  const read = [1, 2, 3].map((n) => ({ ...ROW, value: new Date(n) }));
  expect(pageOf(read, 3, BY_TIME, QUESTION)).toMatchObject({ data: read, nextCursor: null });
  const page = pageOf(read, 2, BY_TIME, QUESTION);
  expect(page.data).toEqual(read.slice(0, 2));
  expect(decodeCursor(BY_TIME, QUESTION, page.nextCursor ?? '')).toEqual({
    id: ROW.id,
    value: new Date(2).toISOString(),
  });
  expect(pageOf([], 2, BY_TIME, QUESTION)).toMatchObject({ data: [], nextCursor: null });
});
