import type { Gap, Settings } from '../../notification.js';
import type { Beat, LastSigns, Overflow } from '../sweep/sweep.ports.js';
import { Heartbeat, NOTHING_NOTICED, type Noticed } from './heartbeat.js';

const SETTINGS: Settings = {
  ...{ retry: 6, intervalMs: 3000, marginMs: 1000, staleRingingMs: 300_000, staleAnsweredMs: 14_400_000 },
  lossWindowMs: 300_000,
};

/** A database that answers as told and remembers what was declared, in order. */
class Declared {
  readonly said: string[] = [];
  away = false;
  signs: LastSigns = { aliveAt: null, mayServe: false };
  /** The last sign of life of another receiver, before each beat; after the last of them it stays. */
  others: (number | null)[] = [];

  lastSigns(): Promise<LastSigns> {
    return Promise.resolve(this.signs);
  }

  beat(_receiver: string, now: number, through: number): Promise<Beat> {
    this.fail();
    this.said.push(`beat ${String(now)}`);
    const [othersAliveAt = null, ...later] = this.others;
    if (later.length > 0) this.others = later;
    return Promise.resolve({ through, othersAliveAt });
  }

  declareOutage(
    _receiver: string,
    { from, to }: { from: number; to: number },
    gap: (source: string) => Gap,
  ): Promise<void> {
    this.said.push(`outage ${String(from)}..${String(to)} ${gap('ivr').certainty}`);
    return Promise.resolve();
  }

  declareOverflow(_receiver: string, overflows: readonly Overflow[]): Promise<void> {
    this.fail();
    for (const one of overflows)
      this.said.push(`overflow ${one.reason} ${String(one.from)}..${String(one.to)} ${String(one.dropped)}`);
    return Promise.resolve();
  }

  private fail(): void {
    if (this.away) throw new Error('away');
  }
}

function stalled(from: number, to: number): Noticed {
  return { ...NOTHING_NOTICED, stalls: [{ from, to }] };
}

function dropped(from: number, to: number, count: number): Noticed {
  return {
    stalls: [],
    overflows: [{ sourceKey: 'ivr', reason: 'queue_full', from, to, dropped: count, received: 0 }],
  };
}

function made(): { store: Declared; heart: Heartbeat } {
  const store = new Declared();
  return { store, heart: new Heartbeat(store, { receiverId: 'r', settings: SETTINGS, heartbeatMs: 1000 }) };
}

test.each([
  ['nobody ever served', null, 60_000, []],
  ['somebody served until then', 60_000, 60_000, []],
  ['nobody served for a second', 59_000, 60_000, ['outage 59000..60000 possible']],
  ['nobody served for longer than H', 10_000, 60_000, ['outage 10000..60000 certain']],
])('the first beat ends an outage, however short: %s', async (_what, aliveAt, now, outages) => {
  const { store, heart } = made();
  store.signs = { aliveAt, mayServe: false };
  store.others = [aliveAt];
  await heart.beat(now, now - 1, NOTHING_NOTICED);
  expect(store.said).toEqual([`beat ${String(now)}`, ...outages]);
});

test.each([
  ['late, while the loop ran', NOTHING_NOTICED, null, []],
  ['after three heartbeats of standstill', stalled(1000, 4000), null, []],
  ['after more', stalled(1000, 4001), null, ['outage 1000..4001 possible']],
  [
    'after a standstill longer than H, of which nothing is certain',
    stalled(1000, 40_000),
    null,
    ['outage 1000..40000 possible'],
  ],
  ['after a standstill that another receiver lived through', stalled(1000, 40_000), 38_000, []],
  ['after one that another lived through in part', stalled(1000, 40_000), 9000, ['outage 9000..40000 possible']],
])('a later beat is an outage only where nobody’s loop ran: %s', async (_what, noticed, othersAliveAt, outages) => {
  const { store, heart } = made();
  store.others = [null, othersAliveAt];
  await heart.beat(0, -1, NOTHING_NOTICED);
  await heart.beat(60_000, 59_999, noticed);
  expect(store.said).toEqual(['beat 0', 'beat 60000', ...outages]);
});

test('what was dropped is declared before the beat that moves W past it', async () => {
  const { store, heart } = made();
  await heart.beat(2000, 1999, dropped(1000, 2000, 3));
  expect(store.said).toEqual(['overflow queue_full 1000..2000 3', 'beat 2000']);
});

test('what a database that is away did not take is said by the next beat, and once', async () => {
  const { store, heart } = made();
  await heart.beat(1000, 999, NOTHING_NOTICED);
  store.away = true;
  await expect(
    heart.beat(2000, 1999, { ...dropped(1000, 2000, 3), stalls: stalled(1100, 9000).stalls }),
  ).rejects.toThrow('away');
  await expect(heart.beat(3000, 2999, dropped(2000, 3000, 4))).rejects.toThrow('away');
  store.away = false;
  await heart.beat(4000, 3999, NOTHING_NOTICED);
  await heart.beat(5000, 4999, NOTHING_NOTICED);
  expect(store.said).toEqual([
    'beat 1000',
    'overflow queue_full 1000..3000 7',
    'beat 4000',
    'outage 1100..9000 possible',
    'beat 5000',
  ]);
});

test.each([
  ['nobody served before', null, ['outage 10000..63000 certain']],
  ['another receiver, gone before', 10_000, ['outage 10000..63000 certain']],
  ['another receiver that started meanwhile', 61_000, []],
])('an outage goes on until the sockets are open: %s', async (_what, othersAliveAt, more) => {
  const { store, heart } = made();
  store.signs = { aliveAt: 10_000, mayServe: false };
  store.others = [10_000, othersAliveAt];
  await heart.beat(60_000, 59_999, NOTHING_NOTICED);
  const first = store.said.length;
  await heart.beat(63_200, 63_199, { ...stalled(60_100, 62_900), openedAt: 63_000 });
  await heart.beat(64_000, 63_999, NOTHING_NOTICED);
  expect(store.said.slice(first)).toEqual(['beat 63200', ...more, 'beat 64000']);
});

describe('one that starts while another may serve', () => {
  const OPENED: Noticed = { ...NOTHING_NOTICED, openedAt: 60_400 };

  /** It beat last at 59,300. */
  async function beside(...others: readonly number[]): Promise<{ store: Declared; heart: Heartbeat }> {
    const { store, heart } = made();
    store.signs = { aliveAt: 59_300, mayServe: true };
    store.others = [59_300, ...others];
    expect(await heart.beat(60_000, 59_999, NOTHING_NOTICED)).toBe(59_299);
    expect(store.said).toEqual(['beat 59300']);
    return { store, heart };
  }

  test('declares nothing, and W goes on, once the other has beaten after the sockets were open', async () => {
    const { store, heart } = await beside(60_300, 61_300, 62_300);
    expect(await heart.beat(60_500, 60_499, OPENED)).toBe(59_299);
    expect(await heart.beat(61_500, 61_499, NOTHING_NOTICED)).toBe(60_299);
    expect(await heart.beat(62_500, 62_499, NOTHING_NOTICED)).toBe(62_499);
    expect(store.said.slice(1)).toEqual(['beat 59300', 'beat 60300', 'beat 62500']);
  });

  test('whose clock is ahead, counts on a sign only that was given after the sockets were open', async () => {
    const { store, heart } = await beside(61_900);
    for (let at = 60_500; at <= 71_500; at += 1_000)
      await heart.beat(at, at - 1, at === 60_500 ? OPENED : NOTHING_NOTICED);
    // Its clock says that it served beyond that: no outage.
    expect(store.said.filter((one) => one.startsWith('outage'))).toEqual([]);
    expect(store.said.slice(-2)).toEqual(['beat 61900', 'beat 71500']);
  });

  test('declares until when it listened, once ten seconds have brought no sign', async () => {
    const { store, heart } = await beside();
    for (let at = 60_500; at < 70_500; at += 1_000) {
      const through = await heart.beat(at, at - 1, at === 60_500 ? OPENED : NOTHING_NOTICED);
      expect(through).toBe(59_299);
    }
    expect(store.said.filter((one) => one.startsWith('outage'))).toEqual([]);
    expect(await heart.beat(70_500, 70_499, NOTHING_NOTICED)).toBe(59_299);
    expect(await heart.beat(71_500, 71_499, NOTHING_NOTICED)).toBe(71_499);
    expect(store.said.slice(-3)).toEqual(['beat 59300', 'outage 59300..60400 possible', 'beat 71500']);
  });

  test('loses no instant of it to a database that is away when the sockets open', async () => {
    const { store, heart } = await beside();
    store.away = true;
    await expect(heart.beat(60_500, 60_499, OPENED)).rejects.toThrow('away');
    store.away = false;
    await heart.beat(61_500, 61_499, NOTHING_NOTICED);
    await heart.beat(71_500, 71_499, NOTHING_NOTICED);
    expect(store.said.slice(-2)).toEqual(['beat 59300', 'outage 59300..60400 possible']);
  });

  test('declares it when it stops before that', async () => {
    const { store, heart } = await beside();
    await heart.beat(60_500, 60_499, OPENED);
    await heart.beat(60_900, 60_899, { ...NOTHING_NOTICED, isLast: true });
    expect(store.said.slice(-2)).toEqual(['beat 59300', 'outage 59300..60400 possible']);
  });
});
