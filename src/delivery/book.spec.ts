/** The book of a source, case by case: what each run of serials received is taken for (docs/truth.md 9, 16, 18). */
import { advance, EMPTY_BOOK, type HoleEvent } from './book.js';
import { holesOf } from './holes.js';

const H = 19_000;
const RULES = { horizonMs: H, keepMs: 1e9 };
const END = 1e9;

/** [serial, received at, whether it moves the count on (it does), its idle time (0)]. */
type Row = readonly [bigint | number | null, number, boolean?, number?];

function keep(...rows: readonly Row[]): {
  told: readonly string[];
  holes: readonly string[];
  epochs: readonly number[];
} {
  const received = rows.map(([serial, firstAt, counts, idleMs]) => ({
    ...{ serial: serial === null ? null : BigInt(serial), firstAt, idleMs: idleMs ?? 0, counts: counts ?? true },
  }));
  const { book, events } = advance(EMPTY_BOOK, received, END, RULES);
  const holes = [...holesOf(book)]
    .sort((a, b) => a.sentTo - b.sentTo)
    .map(({ from, to }) => `${String(from)}..${String(to)}`);
  return { told: last(events), holes, epochs: book.epochs };
}

/** What became of each run in the end. */
function last(events: readonly HoleEvent[]): readonly string[] {
  const runs = new Map<string, string>();
  for (const { kind, epoch, from, to } of events) {
    runs.set(`${kind === 'tail' ? 'tail' : 'run'} ${String(epoch)} ${from}`, `${kind} ${from}..${to ?? ''}`);
  }
  return [...runs.values()];
}

test('holes of an outage that is filled piece by piece, more than are kept of what is lost, are all filled', () => {
  const serials = Array.from({ length: 6_000 }, (_, index) => 2 * index + 1);
  const received = [...serials, ...serials.map((serial) => serial + 1)].map((serial, at) => {
    return { serial: BigInt(serial), firstAt: at, idleMs: 0, counts: true };
  });
  const half = advance(EMPTY_BOOK, received.slice(0, 6_000), 6_000, RULES);
  expect(half.book.holes).toHaveLength(5_999);
  const { book, events } = advance(half.book, received.slice(6_000), 12_000, RULES);
  expect(book.holes).toEqual([]);
  expect(events.filter(({ kind }) => kind === 'filled')).toHaveLength(5_999);
  // What is lost is kept for the calls that lie across it, the newest 5,000.
  const { book: later } = advance(half.book, [], END - 1, RULES);
  expect(later.holes).toHaveLength(5_000);
  // The rest stand as one.
  expect(holesOf(later).at(-1)).toEqual({ from: 2n, to: 1_998n, sentFrom: -H, sentTo: 999 });
  expect(holesOf(advance(later, [], END + 1e9, RULES).book)).toEqual([]);
});

test('serials that waited in the kernel for longer than H are retries, and no restart', () => {
  const waited = [1, 2, 3].map((serial): Row => [serial, 30_000 + serial, true, 12_000]);
  const early: readonly Row[] = [
    [4, 0],
    [5, 9_000],
    [6, 29_000],
  ];
  expect(keep(...early, ...waited).epochs).toEqual([]);
  expect(keep(...early, ...waited.map(([serial, at]): Row => [serial, at])).epochs).toEqual([30_001]);
});

test('what is missing may have been sent while its lower neighbour waited in the kernel', () => {
  const [hole] = holesOf(
    advance(
      EMPTY_BOOK,
      [[1, 0, 500] as const, [3, 1_000, 0] as const].map(([serial, firstAt, idleMs]) => ({
        serial: BigInt(serial),
        firstAt,
        idleMs,
        counts: true,
      })),
      2_000,
      RULES,
    ).book,
  );
  expect(hole).toMatchObject({ sentFrom: -500 - H, sentTo: 1_000 });
});

describe('holes', () => {
  test.each<readonly [string, readonly Row[], readonly string[]]>([
    [
      'none where every serial came',
      [
        [1, 0],
        [2, 10],
        [3, 20],
      ],
      [],
    ],
    [
      'the serials between two that came',
      [
        [1, 0],
        [5, 10],
      ],
      ['lost 2..4'],
    ],
    [
      'filled by what comes late',
      [
        [1, 0],
        [3, 10],
        [2, 9_000],
      ],
      ['filled 2..2'],
    ],
    [
      'split by what comes of their middle',
      [
        [1, 0],
        [5, 10],
        [3, 9_000],
      ],
      ['lost 2..2', 'filled 3..3', 'lost 4..4'],
    ],
    [
      'filled even after they were lost',
      [
        [1, 0],
        [3, 10],
        [4, 40_000],
        [2, 41_000],
      ],
      ['filled 2..2'],
    ],
    [
      'below the first serial heard, where a retry shows them',
      [
        [5, 0],
        [2, 5_000],
      ],
      ['lost 3..4'],
    ],
    [
      'nothing is said of what is no number',
      [
        [1, 0],
        [null, 5],
        [2, 10],
      ],
      [],
    ],
    [
      'a copy of a serial opens none',
      [
        [1, 0],
        [2, 10],
        [2, 20],
      ],
      [],
    ],
  ])('%s', (_what, rows, told) => {
    expect(keep(...[...rows].sort((a, b) => a[1] - b[1])).told).toEqual(told);
  });

  test('with numbers of calls a call fills its place once, whatever else of it comes', () => {
    const rows: readonly Row[] = [
      [7, 0],
      [7, 1_000, false],
      [9, 2_000],
      [7, 30_000, false],
      [9, 31_000, false],
    ];
    expect(keep(...rows)).toEqual({ told: ['lost 8..8'], holes: ['8..8'], epochs: [] });
  });
});

describe('a restart of serials', () => {
  const before: readonly Row[] = [
    [1000, 0],
    [1001, 1_000],
    [1002, 2_000],
  ];

  test('is three distinct serials in a row too low to be retries; the old tail stays open', () => {
    expect(keep(...before, [1, 60_000], [2, 61_000], [3, 62_000])).toEqual({
      ...{ told: ['tail 1003..'], holes: [], epochs: [60_000] },
    });
  });

  test.each<readonly [string, readonly Row[]]>([
    [
      'two',
      [
        [1, 60_000],
        [2, 61_000],
      ],
    ],
    [
      'three times one',
      [
        [1, 60_000],
        [1, 61_000],
        [1, 62_000],
      ],
    ],
    [
      'three with a higher one between',
      [
        [1, 60_000],
        [2, 61_000],
        [1003, 61_500],
        [3, 62_000],
      ],
    ],
    [
      'three that may be retries',
      [
        [997, 3_000],
        [998, 3_100],
        [999, 3_200],
      ],
    ],
  ])('is not %s', (_what, rows) => {
    expect(keep(...before, ...rows).epochs).toEqual([]);
  });

  test('counts holes of its own from its lowest serial on', () => {
    const { told } = keep(...before, [1, 60_000], [2, 61_000], [5, 62_000], [6, 63_000]);
    expect(told).toEqual(['tail 1003..', 'lost 3..4']);
  });

  test('may come again', () => {
    const again: readonly Row[] = [
      [1, 60_000],
      [2, 61_000],
      [3, 62_000],
      [1, 120_000],
      [2, 121_000],
      [3, 122_000],
    ];
    // The second 1, 2, 3 come too late for retries.
    expect(keep(...before, ...again).epochs).toEqual([60_000, 120_000]);
  });
});

describe('a wrap', () => {
  test.each([16n, 31n, 32n])('at 2^%s goes on counting', (bits) => {
    const size = 1n << bits;
    expect(keep([size - 2n, 0], [size - 1n, 10], [0, 20], [1, 30])).toEqual({ told: [], holes: [], epochs: [] });
  });

  test.each([16n, 31n, 32n])('at 2^%s that loses both edges is one hole, and two on the wire', (bits) => {
    const size = 1n << bits;
    const { told, holes } = keep([size - 2n, 0], [1, 10]);
    expect(told).toEqual([`lost ${String(size - 1n)}..${String(size)}`]);
    expect(holes).toEqual([`${String(size - 1n)}..${String(size - 1n)}`, '0..0']);
  });

  test('lets what is retried from before it fill its place', () => {
    expect(keep([65_533, 0], [65_535, 10], [0, 20], [65_534, 9_000]).told).toEqual(['filled 65534..65534']);
  });

  test('is none a thousand serials past the edge: that is a restart', () => {
    const { epochs } = keep([65_535, 0], [1_500, 60_000], [1_501, 61_000], [1_502, 62_000]);
    expect(epochs).toEqual([60_000]);
  });

  test('is none far below the edge', () => {
    expect(keep([40_000, 0], [1, 60_000], [2, 61_000], [3, 62_000]).epochs).toEqual([60_000]);
  });

  test('may come again', () => {
    const once: readonly Row[] = [
      [65_535, 0],
      [0, 10],
    ];
    const jumps = Array.from({ length: 66 }, (_, n): Row => [Math.min(65_535, (n + 1) * 1_000), 20 + n]);
    const { told, epochs } = keep(...once, ...jumps, [0, 200], [1, 210]);
    expect(epochs).toEqual([]);
    expect(told.every((run) => run.startsWith('lost'))).toBe(true);
    expect(told).toHaveLength(66);
  });
});
