import { type Bucket, cellsOf, periodAt } from './buckets.js';
import { instantOf, isZone, wallOf } from './zone.js';

const at = (iso: string): number => Date.parse(iso);
const shown = (ms: number): string => new Date(ms).toISOString().replace(':00.000Z', 'Z');
const HOUR_MS = 3_600_000;

function lengths(from: string, to: string, bucket: Bucket, zone: string): string {
  const cells = cellsOf(at(from), at(to), { bucket, zone, byHour: false }, 1_000) ?? [];
  return cells.map((cell) => (cell.to - cell.from) / HOUR_MS).join(' ');
}

describe('days of a zone (need 11: time zones and daylight saving)', () => {
  test.each([
    ['2026-03-28T23:00Z', '2026-03-30T22:00Z', 'Europe/Berlin', '23 24'],
    ['2026-10-24T22:00Z', '2026-10-26T23:00Z', 'Europe/Berlin', '25 24'],
    ['2026-03-08T05:00Z', '2026-03-09T04:00Z', 'America/New_York', '23'],
    ['2026-04-04T13:00Z', '2026-04-05T13:30Z', 'Australia/Lord_Howe', '24.5'],
    ['2026-06-01T00:00Z', '2026-06-03T00:00Z', 'UTC', '24 24'],
    ['2026-05-31T18:15Z', '2026-06-01T18:15Z', 'Asia/Kathmandu', '24'],
  ])('%s to %s in %s: %s h', (from, to, zone, expected) => {
    expect(lengths(from, to, 'day', zone)).toBe(expected);
  });

  test('a day whose midnight is skipped begins at 01:00', () => {
    expect(wallOf(instantOf(at('2026-04-24T00:00Z'), 'Africa/Cairo'), 'Africa/Cairo')).toBe(at('2026-04-24T01:00Z'));
    expect(lengths('2026-04-23T22:00Z', '2026-04-24T21:00Z', 'day', 'Africa/Cairo')).toBe('23');
  });

  test('a day whose midnight comes twice begins once, at the second (Cairo goes back from 24:00 to 23:00)', () => {
    expect(lengths('2026-10-28T21:00Z', '2026-10-30T22:00Z', 'day', 'Africa/Cairo')).toBe('25 24');
  });

  test('weeks begin on Monday, quarters and years with their first month', () => {
    const start = (bucket: Exclude<Bucket, 'all'>): string =>
      shown(periodAt(at('2026-11-22T14:00Z'), bucket, 'America/Sao_Paulo')[0]);
    expect((['week', 'month', 'quarter', 'year'] as const).map(start)).toEqual([
      '2026-11-16T03:00Z',
      '2026-11-01T03:00Z',
      '2026-10-01T03:00Z',
      '2026-01-01T03:00Z',
    ]);
  });
});

describe('hours of a zone', () => {
  test('an hour the clock shows twice is two, one it skips is none', () => {
    expect(lengths('2026-10-25T00:00Z', '2026-10-25T03:00Z', 'hour', 'Europe/Berlin')).toBe('1 1 1');
    const berlin = { bucket: 'all', zone: 'Europe/Berlin', byHour: true } as const;
    const hours = (from: string, to: string): unknown => cellsOf(at(from), at(to), berlin, 99)?.map(({ hour }) => hour);
    expect(hours('2026-10-24T23:00Z', '2026-10-25T03:00Z')).toEqual([1, 2, 2, 3]);
    expect(hours('2026-03-29T00:00Z', '2026-03-29T02:00Z')).toEqual([1, 3]);
  });

  test('a change of half an hour divides the hour it falls into', () => {
    expect(lengths('2026-10-03T14:30Z', '2026-10-03T16:00Z', 'hour', 'Australia/Lord_Howe')).toBe('1 0.5');
    expect(lengths('2026-04-04T14:00Z', '2026-04-04T16:30Z', 'hour', 'Australia/Lord_Howe')).toBe('1 0.5 1');
  });

  test('a zone that is a quarter of an hour off has its hours where its clock has them', () => {
    expect(shown(periodAt(at('2026-06-01T00:00Z'), 'hour', 'Asia/Kathmandu')[0])).toBe('2026-05-31T23:15Z');
  });
});

describe('cells', () => {
  test('parts of buckets at both ends carry the begin of the whole bucket', () => {
    const cells = cellsOf(
      at('2026-06-01T10:30Z'),
      at('2026-06-01T12:15Z'),
      { bucket: 'hour', zone: 'UTC', byHour: false },
      9,
    );
    expect(cells?.map(({ bucketStart, from, to }) => [bucketStart, from, to].map(shown).join(' '))).toEqual([
      '2026-06-01T10:00Z 2026-06-01T10:30Z 2026-06-01T11:00Z',
      '2026-06-01T11:00Z 2026-06-01T11:00Z 2026-06-01T12:00Z',
      '2026-06-01T12:00Z 2026-06-01T12:00Z 2026-06-01T12:15Z',
    ]);
  });

  test('more than were allowed are none', () => {
    expect(cellsOf(0, 10 * HOUR_MS, { bucket: 'hour', zone: 'UTC', byHour: false }, 9)).toBeNull();
    expect(cellsOf(0, 9 * HOUR_MS, { bucket: 'hour', zone: 'UTC', byHour: false }, 9)).toHaveLength(9);
  });

  test.each(['minute', 'quarterHour', 'hour', 'day', 'week', 'month'] as const)(
    'cells by %s follow each other without a hole, over both changes of a year',
    (bucket) => {
      for (const zone of ['Europe/London', 'Africa/Cairo', 'Australia/Lord_Howe', 'America/St_Johns']) {
        for (const month of ['03-07', '03-28', '04-04', '04-23', '10-03', '10-24', '10-28', '10-31']) {
          const from = at(`2026-${month}T20:20Z`);
          const cells = cellsOf(from, from + 8 * HOUR_MS, { bucket, zone, byHour: false }, 500) ?? [];
          expect([cells[0]?.from, cells.at(-1)?.to]).toEqual([from, from + 8 * HOUR_MS]);
          cells.slice(1).forEach((cell, index) => expect(cell.from).toBe(cells[index]?.to));
          expect(cells.every((cell) => cell.bucketStart <= cell.from && cell.from < cell.to)).toBe(true);
        }
      }
    },
  );
});

test('a zone is a name of the IANA data', () => {
  expect(['Europe/Berlin', 'UTC', 'Asia/Kolkata'].map(isZone)).toEqual([true, true, true]);
  expect(['Europe/Atlantis', '', '+01:00', "UTC'; drop"].map(isZone)).toEqual([false, false, false, false]);
});
