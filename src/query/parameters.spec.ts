import fc from 'fast-check';
import { BadParameters, type Fault } from './faults.js';
import { CALLS_QUERY, GAPS_QUERY, QUARANTINE_QUERY, SOURCES_QUERY } from './filters.js';
import { readParameters } from './parameters.js';

function faultsOf(raw: Record<string, unknown>): readonly Fault[] {
  try {
    readParameters(CALLS_QUERY, raw);
    return [];
  } catch (error) {
    if (error instanceof BadParameters) return error.faults;
    throw error;
  }
}

describe('a number', () => {
  test.each([
    ['442071234567', 'exact', '442071234567'],
    ['+442071234567', 'exact', '+442071234567'],
    [' 442071234567', 'exact', '+442071234567'],
    ['4420*', 'prefix', '4420'],
    [' 4420*', 'prefix', '+4420'],
    ['4*', 'prefix', '4'],
    ['*5551*', 'part', '5551'],
    ['* 5551*', 'part', '+5551'],
    ['*55-51*', 'part', '55-51'],
    ['alice', 'exact', 'alice'],
  ])('%j is matched %s', (given, match, digits) => {
    expect(readParameters(CALLS_QUERY, { caller: given }).caller).toEqual([{ match, digits }]);
  });

  test.each(['*', '**', '***', '*5551', '5*5', '*555*', '*+555*', '4420**', ''])(
    '%j is a fault that says how',
    (given) => {
      expect(faultsOf({ caller: given })).toEqual([
        { parameter: 'caller', reason: expect.stringMatching(/\w{4}/) as string },
      ]);
    },
  );
});

describe('a time', () => {
  test.each([
    ['2026-03-01T00:00:00Z', '2026-03-01T00:00:00.000Z'],
    ['2026-03-01T00:00:00.123456Z', '2026-03-01T00:00:00.123Z'],
    ['2026-03-01T02:30:00 02:30', '2026-03-01T00:00:00.000Z'],
    ['2024-02-29T23:59:59-01:00', '2024-03-01T00:59:59.000Z'],
  ])('%s is %s', (given, expected) => {
    expect(new Date(readParameters(CALLS_QUERY, { from: given }).from ?? 0).toISOString()).toBe(expected);
  });

  test.each([
    '2026-03-01',
    '2026-03-01T00:00:00',
    '2025-02-29T00:00:00Z',
    '1772323200000',
    '2026-03-01T24:01:00Z',
    '1969-12-31T23:59:59Z',
  ])('%s is a fault', (given) => {
    expect(faultsOf({ from: given })).toHaveLength(1);
  });
});

test('what is not given is undefined, except where the contract presets it', () => {
  const read = readParameters(CALLS_QUERY, { cursor: null });
  expect(Object.entries(read).filter(([, value]) => value !== undefined)).toEqual([
    ['by', 'firstSeenAt'],
    ['sort', '-firstSeenAt'],
    ['limit', 100],
  ]);
});

test('typed values, as GraphQL gives them, are read as their texts are', () => {
  const typed = { limit: 7, hasGaps: true, minTalkMs: 5, state: ['ended'], settled: false };
  const texts = { limit: '7', hasGaps: 'true', minTalkMs: '5', state: 'ended', settled: 'false' };
  expect(readParameters(CALLS_QUERY, typed)).toEqual(readParameters(CALLS_QUERY, texts));
});

test('faults come all at once, an empty period among them', () => {
  const period = { from: '2026-03-02T00:00:00Z', to: '2026-03-01T00:00:00Z' };
  const faults = faultsOf({ ...period, limit: '0', hasGaps: 'maybe', bogus: '1', caller: ['*1*', '5*5'] });
  expect(faults.map(({ parameter }) => parameter)).toEqual(['bogus', 'caller', 'caller', 'hasGaps', 'limit', 'to']);
});

test.each([
  [{ minTalkMs: '2', maxTalkMs: '1' }, 'maxTalkMs', 'must not be smaller than minTalkMs'],
  [{ minRingMs: '2', maxRingMs: '0' }, 'maxRingMs', 'must not be smaller than minRingMs'],
  [{ q: '555' }, 'q', 'needs at least 4 characters'],
  [{ count: 'roughly' }, 'count', 'must be one of estimate, exact'],
])('%j is a fault that says how', (given, parameter, reason) => {
  expect(faultsOf(given)).toEqual([{ parameter, reason }]);
  expect(faultsOf({ minTalkMs: '1', maxTalkMs: '1' })).toEqual([]);
});

test('anything at all is read or is a fault of named parameters, never another error', () => {
  const tables = fc.constantFrom(CALLS_QUERY, GAPS_QUERY, QUARANTINE_QUERY, SOURCES_QUERY);
  const name = fc.oneof(fc.constantFrom(...Object.keys(CALLS_QUERY)), fc.string());
  const raw = fc.dictionary(name, fc.oneof(fc.string(), fc.array(fc.string()), fc.anything()));
  fc.assert(
    fc.property(tables, raw, (table, given) => {
      try {
        readParameters(table, given);
      } catch (error) {
        expect(error).toBeInstanceOf(BadParameters);
        for (const { parameter, reason } of (error as BadParameters).faults) {
          expect(Object.keys({ ...table, ...given })).toContain(parameter);
          // Words of ours, not what a validation library says when nobody told it what to say.
          expect(reason).not.toMatch(/^Invalid/);
        }
      }
    }),
    { numRuns: 300 },
  );
});
