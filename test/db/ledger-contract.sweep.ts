/** The part of the ledger's contract that the sweep relies on: meanings and books, windows, calls in time, gaps in time. */
import { EMPTY_BOOK } from '../../src/delivery/book.js';
import { NO_HABITS, type Span } from '../../src/delivery/facts.js';
import type { ClosedWindow, Overflow, OverflowKnown } from '../../src/ingest/sweep/sweep.ports.js';
import type { Arrival } from '../../src/notification.js';
import { arrival, EPOCH, SETTINGS } from '../support/arrivals.js';
import { callIds, commit, commitUnder, gap, H, ledger, life, ONE, SOURCE, source } from './ledger-contract.kit.js';

const WINDOW = { from: EPOCH, to: EPOCH + 300_000 };

export function sourceTests(): void {
  const change = { since: EPOCH, meaning: 'per_source', serialBase: 1 } as const;

  test('a meaning is set by whoever knew the last one; the book starts anew, open holes are explained', async () => {
    const before = await source();
    expect(before).toMatchObject({ meaning: 'unknown', meaningVersion: 0, pinned: false, processedThrough: null });
    await ledger().store.saveBook(before, EMPTY_BOOK, EPOCH, [
      gap('hole'),
      gap('of a call', { callKey: ONE, callId: 'x' }),
    ]);
    expect(await ledger().store.setMeaning(await source(), { ...change, since: EPOCH + 7 })).toBe(true);
    expect(await ledger().store.setMeaning(before, { ...change, meaning: 'constant' })).toBe(false);
    expect(await source()).toMatchObject({
      meaning: 'per_source',
      meaningVersion: 1,
      book: null,
      processedThrough: null,
    });
    expect(await ledger().gaps()).toEqual([
      ['hole', 'explained', 7],
      ['of a call', 'open', null],
    ]);
  });

  test('learning leaves a pinned meaning alone', async () => {
    const before = await source();
    await ledger().pin(SOURCE);
    expect((await source()).pinned).toBe(true);
    expect(
      await ledger().store.setMeaning({ ...before, meaningVersion: (await source()).meaningVersion }, change),
    ).toBe(false);
  });

  test('a book is moved by whoever knew where it stood, with its gaps or not at all', async () => {
    const before = await source();
    expect(await ledger().store.saveBook(before, EMPTY_BOOK, EPOCH + 5, [gap('first')])).toBe(true);
    expect(await ledger().store.saveBook(before, EMPTY_BOOK, EPOCH + 9, [gap('second')])).toBe(false);
    expect((await source()).processedThrough).toBe(EPOCH + 5);
    expect((await ledger().gaps()).map(([detail]) => detail)).toEqual(['first']);
  });

  test('what stands for the number of a call is its first, however long it talks; and a Ringing after its limit', async () => {
    await commit(arrival('a', '9', 'ringing', 0), arrival('a', '9', '183', 300), arrival('a', '9', 'bye', 90_000));
    await commit(
      arrival('b', '10', 'ok', 100),
      arrival('a', '11', 'bye', 91_000),
      arrival('b', '10', 'ringing', 92_000),
    );
    const alone = { ringingMs: 60_000, laterMs: 600_000 };
    const told = await ledger().store.received(SOURCE, { after: EPOCH - 1, through: EPOCH + 100_000 }, alone, 10);
    expect(told.map(({ serial, firstAt, counts }) => [serial, firstAt - EPOCH, counts])).toEqual([
      [9n, 0, true],
      [10n, 100, true],
      [9n, 300, false],
      [9n, 90_000, false],
      [11n, 91_000, true],
      [10n, 92_000, true],
    ]);
  });

  test('what was received is told in order, a span at a time', async () => {
    await commit(...life('a', 0, 'ringing', '183', 'bye'), arrival('b', 'x7', 'ringing', 500));
    const span = { after: EPOCH - 1, through: EPOCH + 1_000 };
    const told = await ledger().store.received(SOURCE, span, null, 10);
    expect(told.map(({ serial, firstAt, counts }) => [serial, firstAt - EPOCH, counts])).toEqual([
      [1n, 0, true],
      [null, 500, true],
      [2n, 1_000, true],
    ]);
    const recent = await ledger().store.recent(SOURCE, EPOCH + 1_500, 2);
    expect(recent.map(({ serial, state, firstAt }) => [serial, state, firstAt - EPOCH])).toEqual([
      ['2', '183', 1_000],
      ['x7', 'ringing', 500],
    ]);
    const limits = { calls: 1, notifications: 3 };
    const mature = await ledger().store.mature(SOURCE, EPOCH + 2_000, 1_600, limits);
    expect(mature.calls.map(({ serial, state }) => [serial, state]).sort()).toEqual([
      ['1', 'ringing'],
      ['2', '183'],
      ['3', 'bye'],
    ]);
    expect(mature.stream.map(({ serial }) => serial).sort()).toEqual(['2', '3', 'x7']);
    const both = await ledger().store.mature(SOURCE, EPOCH + 2_000, 1_500, { ...limits, calls: 2 });
    expect(both.calls).toHaveLength(4);
    expect([await ledger().store.firstReceivedAt(SOURCE), await ledger().store.firstReceivedAt('nobody')]).toEqual([
      EPOCH,
      null,
    ]);
  });
}

export function windowTests(): void {
  test('the sample of a window is of the calls that ended in it', async () => {
    await commit(
      ...life('a', 0, 'ringing', 'ok', 'bye'),
      ...life('b', 5_000, 'ringing'),
      arrival('b', '2', 'bye', 9_000),
    );
    await commit(...life('outside', 400_000, 'ringing', 'ok', 'bye'), ...life('open', 0, 'ringing', 'ok'));
    const sample = await ledger().store.windowSample(SOURCE, WINDOW, [], SETTINGS);
    expect(sample).toMatchObject({
      ended: 2,
      answered: 1,
      rang: 2,
      unansweredReported: 1,
      unansweredPresumed: 0,
      answers: 2,
    });
    expect(sample.orderedBins).toHaveLength(8);
    expect(await ledger().store.windowSample('nobody', WINDOW, [], SETTINGS)).toMatchObject({
      ended: 0,
      copyPairs: 0,
      copiesMissing: 0,
    });
  });

  test('what is missing of calls for our own deafness says nothing of the network: serials, order, copies across it', async () => {
    const lacking = (id: string, at: number): readonly Arrival[] => [
      arrival(id, '3', 'bye', at - 1_000),
      arrival(id, '1', 'ringing', at),
      arrival(id, '1', 'ringing', at + 9_000),
    ];
    // H is 19 s, a ringing's limit 300 s.
    const apart = 700_000;
    await commitUnder('per_call', ...['a', 'b'].flatMap((id, index) => lacking(id, index * apart)));
    const both = { from: EPOCH - 10_000, to: EPOCH + 900_000 };
    const told = async (...deaf: readonly Span[]): Promise<unknown> => {
      const sample = await ledger().store.windowSample(SOURCE, both, deaf, SETTINGS);
      const { serialsSeen, serialsLost, statesInverted, copyPairs, copiesMissing, ended } = sample;
      return [serialsSeen, serialsLost, statesInverted, copyPairs, copiesMissing, ended];
    };
    const at = (from: number, to: number): Span => ({ from: EPOCH + from, to: EPOCH + to });
    const all = [4, 2, 2, 2, 4, 2];
    expect(await told()).toEqual(all);
    // Just too early for b, and just too late for a.
    expect(await told(at(100_000, apart - 1_000 - 300_000 - H))).toEqual(all);
    expect(await told(at(H - 1_000, 100_000))).toEqual(all);
    // a went on within H before it: its serials say nothing, its copies do.
    expect(await told(at(H - 1_001, 100_000))).toEqual([2, 1, 2, 2, 4, 2]);
    expect(await told(at(9_000, 100_000))).toEqual([2, 1, 2, 2, 4, 2]);
    expect(await told(at(8_999, 100_000))).toEqual([2, 1, 2, 1, 2, 2]);
    // b's first state was received within H after.
    expect(await told(at(200_000, apart - 1_000 - H))).toEqual([2, 1, 2, 2, 4, 2]);
    expect(await told(at(200_000, apart - 1_000 - H + 1))).toEqual([2, 1, 1, 2, 4, 2]);
    expect(await told(at(-1_001, 1), at(apart + 1, apart + 2))).toEqual([0, 0, 1, 0, 0, 2]);
  });

  test('a window is closed once, and the first closing stands', async () => {
    const sample = await ledger().store.windowSample(SOURCE, WINDOW, [], SETTINGS);
    const closed: ClosedWindow = { ...WINDOW, sample, habits: NO_HABITS, p: 0.25, pMean: 0.3, rhythm: null };
    const earlier = { ...closed, from: EPOCH - 300_000, to: EPOCH };
    await ledger().store.closeWindow(SOURCE, closed);
    await ledger().store.closeWindow(SOURCE, { ...closed, p: 0.5 });
    await ledger().store.closeWindow(SOURCE, earlier);
    expect((await ledger().store.feedFacts(EPOCH - 300_000)).windows.get(SOURCE)).toEqual([earlier, closed]);
    expect((await ledger().store.feedFacts(EPOCH + 1)).windows.get(SOURCE)).toEqual([closed]);
  });
}

export function callTests(): void {
  const late = EPOCH + 100_000_000;

  test('a call settles once, when W has passed its end by H, and that is a revision', async () => {
    await commit(...life('a', 0, 'ringing', 'ok', 'bye'), ...life('open', 0, 'ringing', 'ok'));
    expect(await ledger().store.settle(EPOCH + 2_000, EPOCH, 10)).toBe(0);
    expect(await ledger().store.settle(late, EPOCH, 10)).toBe(1);
    expect(await ledger().store.settle(late, EPOCH, 10)).toBe(0);
    expect(await ledger().calls()).toEqual([
      ['a', 'ended', true, 2],
      ['open', 'answered', false, 1],
    ]);
  });

  test('no more settle at once than asked', async () => {
    await commit(...['a', 'b', 'c'].flatMap((id) => life(id, 0, 'ringing', 'ok', 'bye')));
    expect([await ledger().store.settle(late, EPOCH, 2), await ledger().store.settle(late, EPOCH, 2)]).toEqual([2, 1]);
  });

  test('a call whose outcome waits for facts is due, and is not settled meanwhile', async () => {
    await commit(...life('u', 0, 'ringing'), arrival('u', '3', 'bye', 2_000));
    expect(await ledger().store.settle(late, EPOCH, 10)).toBe(0);
    expect(callIds(await ledger().store.dueCalls(EPOCH + 2_000, 10))).toEqual([]);
    expect(callIds(await ledger().store.dueCalls(late, 10))).toEqual(['u']);
  });

  test('open calls are stale after their own limit, which an answer makes longer', async () => {
    await commit(...life('rang', 0, 'ringing'), ...life('talks', 0, 'ringing', 'ok'));
    const { staleRingingMs, staleAnsweredMs } = SETTINGS;
    const staleAt = async (at: number): Promise<readonly string[]> =>
      callIds(await ledger().store.staleCalls(EPOCH + at, 10));
    expect(await staleAt(staleRingingMs - 1)).toEqual([]);
    expect(await staleAt(staleRingingMs + H + 1)).toEqual(['rang']);
    expect(await staleAt(staleAnsweredMs + H + 2_000)).toEqual(['rang', 'talks']);
  });

  test('the calls of a source come page by page in key order: the unsettled ones, or all', async () => {
    await commit(...['a', 'b', 'c'].flatMap((id) => life(id, 0, 'ringing', 'ok', 'bye')));
    await ledger().store.settle(late, EPOCH, 10);
    await commit(...['d', 'e'].flatMap((id) => life(id, 0, 'ringing')));
    expect(callIds(await ledger().store.callsOf(SOURCE, false, null, 10))).toEqual(['d', 'e']);
    const first = await ledger().store.callsOf(SOURCE, true, null, 3);
    const rest = await ledger().store.callsOf(SOURCE, true, first.at(-1)?.key.callKey ?? null, 3);
    expect([first.length, rest.length]).toEqual([3, 2]);
    expect(callIds([...first, ...rest])).toEqual(['a', 'b', 'c', 'd', 'e']);
    const keys = [...first, ...rest].map(({ key }) => key.callKey);
    expect(keys).toEqual([...keys].sort());
    expect(await ledger().store.callsOf('nobody', true, null, 3)).toEqual([]);
  });
}

export function feedTests(): void {
  const RECEIVER = ONE;
  const overflow = { sourceKey: SOURCE, reason: 'queue_full', from: EPOCH, to: EPOCH + 1_000, dropped: 3, received: 7 };

  test('an overflow is a fact once, and a gap by all that overflowed in its minute', async () => {
    const seen: OverflowKnown[] = [];
    const declare = (...overflows: readonly Overflow[]): Promise<void> =>
      ledger().store.declareOverflow(RECEIVER, overflows, (known) => {
        seen.push(known);
        return [gap('overflowed', { kind: 'overflow' })];
      });
    const kernel = { ...overflow, sourceKey: null, reason: 'kernel', from: EPOCH + 1_000, to: EPOCH + 2_000 };
    await declare(overflow);
    await declare(overflow, kernel);
    expect(seen.map(({ overflows }) => overflows)).toEqual([[overflow], [overflow, kernel]]);
    expect(seen.map(({ loss }) => [...loss])).toEqual([[[SOURCE, 0]], [[SOURCE, 0]]]);
    expect((await ledger().store.feedFacts(EPOCH)).overflows).toEqual([overflow, kernel]);
    expect((await ledger().store.feedFacts(EPOCH + 1_001)).overflows).toEqual([kernel]);
    expect((await ledger().gaps()).map(([detail]) => detail)).toEqual(['overflowed']);
  });

  test('the rhythm of a window is its slots with a notification, and the longest silence that ended in it', async () => {
    await commit(
      ...life('a', -30_000, 'ringing'),
      ...life('b', 10_000, 'ringing', 'ok'),
      ...life('c', 30_200, 'ringing'),
    );
    const rhythm = await ledger().store.windowRhythm(SOURCE, WINDOW);
    expect(rhythm).toEqual({ heard: 3, silenceFrom: EPOCH - 30_000, silenceMs: 40_000 });
    expect(await ledger().store.windowRhythm(SOURCE, { from: EPOCH + 60_000, to: EPOCH + 120_000 })).toBeNull();
    const sample = await ledger().store.windowSample(SOURCE, WINDOW, [], SETTINGS);
    await ledger().store.closeWindow(SOURCE, { ...WINDOW, sample, habits: NO_HABITS, p: 0, pMean: 0, rhythm });
    expect(await ledger().store.rhythms(SOURCE, EPOCH)).toEqual([rhythm]);
    expect(await ledger().store.rhythms(SOURCE, EPOCH + 1)).toEqual([]);
  });

  test('what is learned of a source, and up to which meaning it is folded, is kept with it', async () => {
    expect(await source()).toMatchObject({ foldedVersion: 0, silentAfterMs: null });
    await ledger().store.setSilentAfter(SOURCE, 90_000);
    await ledger().store.setFolded(SOURCE, 2);
    expect(await source()).toMatchObject({ foldedVersion: 2, silentAfterMs: 90_000 });
    await ledger().store.setSilentAfter(SOURCE, null);
    expect((await source()).silentAfterMs).toBeNull();
  });
}
