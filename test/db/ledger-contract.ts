/**
 * What every ledger promises, whatever it is kept in: one suite, run against PostgreSQL (store-contract.spec.ts) and against
 * the memory that the seeded simulation runs on, so that what holds there holds here.
 */
import { arrival, EPOCH, keyOf } from '../support/arrivals.js';
import {
  commit,
  datagram,
  gap,
  ledger,
  life,
  ONE,
  OTHER,
  SOURCE,
  type Stores,
  useLedger,
} from './ledger-contract.kit.js';
import { gapTests } from './ledger-contract.gaps.js';
import { callTests, feedTests, sourceTests, windowTests } from './ledger-contract.sweep.js';

/** The suite; `open` empties the ledger. */
export function ledgerContract(name: string, open: () => Promise<Stores>): void {
  describe(name, () => {
    beforeEach(async () => {
      useLedger(await open());
      await ledger().addSource(SOURCE);
    });
    describe('ingest', ingestTests);
    describe('changes', changesTests);
    describe('quarantine', quarantineTests);
    describe('beats', beatTests);
    describe('sources', sourceTests);
    describe('windows', windowTests);
    describe('calls in time', callTests);
    describe('gaps', gapTests);
    describe('the feed', feedTests);
  });
}

function ingestTests(): void {
  test('what is committed is found by the next commit, one version on', async () => {
    await commit(...life('a', 0, 'ringing', 'ok'));
    const key = keyOf(arrival('a', '1', 'ringing', 0));
    await ledger().store.commit([key], (stored) => {
      expect(stored.get(key.callKey)).toMatchObject({ version: 1, notifications: [{ serial: '1' }, { serial: '2' }] });
      return [];
    });
    await commit(...life('a', 2_000, 'ringing', 'ok', 'bye').slice(2));
    expect(await ledger().calls()).toEqual([['a', 'ended', false, 2]]);
  });

  test('a copy changes no revision, and keys that are left out are not written', async () => {
    await commit(...life('a', 0, 'ringing'));
    await commit(...life('a', 3_000, 'ringing'));
    await ledger().store.commit([keyOf(arrival('b', '1', 'ringing', 0))], () => []);
    expect(await ledger().calls()).toEqual([['a', 'ringing', false, 1]]);
  });

  test('a re-cut call takes the place of the one it supersedes', async () => {
    await commit(arrival('r', '1', 'bye', 60_000));
    await commit(arrival('r', '9', 'ringing', 0), arrival('r', '10', 'bye', 1_000));
    expect((await ledger().calls()).map(([callId, state]) => [callId, state])).toEqual([
      ['r', 'ended'],
      ['r', 'ended'],
    ]);
  });

  test('a copy after the end unsettles nothing, and a late OK raises the revision of a settled call', async () => {
    await commit(...life('a', 0, 'ringing'), arrival('a', '3', 'bye', 2_000));
    const before = (await ledger().calls())[0]?.[3] ?? 0;
    await ledger().store.settle(EPOCH + 10_000_000, EPOCH, 10);
    await commit(arrival('a', '2', 'ok', 3_000));
    const [call] = await ledger().calls();
    expect(call?.slice(0, 2)).toEqual(['a', 'ended']);
    expect(call?.[3]).toBeGreaterThan(before);
  });
}

function changesTests(): void {
  test('every revision is told once, as of that revision, and a copy is not', async () => {
    await commit(...life('a', 0, 'ringing'));
    await commit(...life('a', 3_000, 'ringing'));
    await commit(...life('a', 0, 'ringing', 'ok').slice(1));
    await commit(...life('a', 0, 'ringing', 'ok', 'bye').slice(2));
    await commit(...life('a', 3_000, 'ringing', 'ok', 'bye').slice(2));
    await ledger().store.settle(EPOCH + 100_000_000, EPOCH, 10);
    expect(await ledger().changes()).toEqual([
      ['a', 1, 'ringing', ''],
      ['a', 2, 'answered', ''],
      ['a', 3, 'ended', ''],
      ['a', 4, 'ended', 'settled'],
    ]);
    expect(await ledger().calls()).toEqual([['a', 'ended', true, 4]]);
  });

  test('an id that a re-cut took away is told as superseded, and its revisions go on when it comes back', async () => {
    await commit(arrival('r', '3', 'ok', 60_000));
    await commit(arrival('r', '1', 'ringing', 30_000));
    const told = (await ledger().changes()).map(([, revision, , what]) => `${String(revision)} ${what}`);
    expect(told.sort()).toEqual(['1 ', '1 ', '2 superseded']);
    // More than H before it another OK: the first one opens a call of its own again (docs/truth.md 6).
    await commit(arrival('r', '2', 'ok', 32_000));
    expect(await ledger().changes()).toContainEqual(['r', 3, 'answered', '']);
  });
}

function quarantineTests(): void {
  test('copies are one row, and the oldest rows make room and are counted', async () => {
    expect(await ledger().store.keep([datagram('one', 0), datagram('two', 1)], 3)).toBe(0);
    expect(await ledger().store.keep([datagram('two', 5, { receivedAt: EPOCH + 1 }), datagram('three', 2)], 3)).toBe(0);
    expect(await ledger().store.keep([datagram('four', 3), datagram('five', 4)], 3)).toBe(2);
    expect(await ledger().quarantined()).toEqual([
      ['three', 1],
      ['four', 1],
      ['five', 1],
    ]);
  });

  test('a row is declared as a gap of its minute, and as a fact of its source', async () => {
    await ledger().store.keep([datagram('one', 1_000), datagram('two', 61_000), datagram('copy', 2_000)], 10);
    await ledger().store.keep([datagram('copy', 9_000, { receivedAt: EPOCH + 2_000 })], 10);
    await ledger().store.declareQuarantine(EPOCH, (sourceKey, span, count) =>
      gap(`${sourceKey} ${String(span.from - EPOCH)}..${String(span.to - EPOCH)} ${String(count)}`, {
        kind: 'quarantine',
      }),
    );
    expect((await ledger().gaps()).map(([detail]) => detail)).toEqual([
      '127.0.0.1 0..9000 2',
      '127.0.0.1 60000..61000 1',
    ]);
    const { quarantinedAt } = await ledger().store.feedFacts(EPOCH + 5_000);
    const told = [...(quarantinedAt.get(SOURCE) ?? [])].map((at) => at - EPOCH).sort((a, b) => a - b);
    expect(told).toEqual([2_000, 9_000, 61_000, 61_000]);
  });
}

function beatTests(): void {
  test('W is the least of the receivers that are alive, and the last sign of life is told', async () => {
    const { store } = ledger();
    expect(await store.beat(ONE, EPOCH, EPOCH - 1)).toEqual({ through: EPOCH - 1, othersAliveAt: null });
    expect(await store.beat(OTHER, EPOCH + 100, EPOCH + 99)).toEqual({ through: EPOCH - 1, othersAliveAt: EPOCH });
    expect(await store.beat(ONE, EPOCH + 200, EPOCH + 50)).toEqual({
      ...{ through: EPOCH + 50, othersAliveAt: EPOCH + 100 },
    });
    expect(await store.beat(OTHER, EPOCH + 300, EPOCH + 299)).toEqual({
      ...{ through: EPOCH + 50, othersAliveAt: EPOCH + 200 },
    });
  });

  test('one that starts finds the last sign of life of anybody, and whether another may serve', async () => {
    const { store } = ledger();
    expect(await store.lastSigns(OTHER, EPOCH)).toEqual({ aliveAt: null, mayServe: false });
    await store.beat(ONE, EPOCH, EPOCH - 1);
    expect(await store.lastSigns(OTHER, EPOCH + 9_999)).toEqual({ aliveAt: EPOCH, mayServe: true });
    expect(await store.lastSigns(OTHER, EPOCH + 10_000)).toEqual({ aliveAt: EPOCH, mayServe: false });
    expect(await store.lastSigns(ONE, EPOCH + 100)).toEqual({ aliveAt: EPOCH, mayServe: false });
    await store.stopped(ONE, EPOCH + 500, EPOCH + 400);
    expect(await store.lastSigns(OTHER, EPOCH + 600)).toEqual({ aliveAt: EPOCH + 400, mayServe: false });
  });

  test('one that never listened leaves its first sign of life, however late it ends', async () => {
    const { store } = ledger();
    await store.beat(ONE, EPOCH, EPOCH - 1);
    await store.stopped(ONE, EPOCH + 2_000, null);
    expect(await store.lastSigns(OTHER, EPOCH + 3_000)).toEqual({ aliveAt: EPOCH, mayServe: false });
  });

  test('a receiver that stopped, or is silent for 10 s, holds W back no longer', async () => {
    await ledger().store.beat(ONE, EPOCH, EPOCH - 500);
    expect((await ledger().store.beat(OTHER, EPOCH + 9_999, EPOCH + 9_998)).through).toBe(EPOCH - 500);
    expect((await ledger().store.beat(OTHER, EPOCH + 10_000, EPOCH + 9_999)).through).toBe(EPOCH + 9_999);
    await ledger().store.beat(ONE, EPOCH + 10_001, EPOCH - 400);
    expect((await ledger().store.beat(OTHER, EPOCH + 10_002, EPOCH + 10_001)).through).toBe(EPOCH - 400);
    await ledger().store.stopped(ONE, EPOCH + 10_003, EPOCH + 10_003);
    expect(await ledger().store.beat(OTHER, EPOCH + 10_004, EPOCH + 10_003)).toEqual({
      ...{ through: EPOCH + 10_003, othersAliveAt: EPOCH + 10_003 },
    });
  });

  test('an outage declared twice is one fact, and one gap of every source', async () => {
    await ledger().addSource('192.0.2.9');
    const span = { from: EPOCH, to: EPOCH + 5_000 };
    const outage = { ...span, stoodStill: false };
    for (let time = 0; time < 2; time++) {
      await ledger().store.declareOutage(ONE, outage, (sourceKey) =>
        gap(`outage of ${sourceKey}`, { sourceKey, kind: 'outage' }),
      );
    }
    expect((await ledger().store.feedFacts(EPOCH)).outages).toEqual([span]);
    expect((await ledger().store.feedFacts(EPOCH + 5_001)).outages).toEqual([]);
    expect((await ledger().gaps()).map(([detail]) => detail)).toEqual(['outage of 127.0.0.1', 'outage of 192.0.2.9']);
  });
}
