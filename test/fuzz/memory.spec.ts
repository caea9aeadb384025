/** A short run of `npm run fuzz`, so that every change meets some of it. */
import { Datagrams } from './datagrams.js';
import { FuzzedReceiver } from './receiver.js';

const COUNT = 20_000;
const TURN = 200;

test('20,000 hostile datagrams: nothing throws, nothing is acked unstored or at length, each is counted once', async () => {
  const datagrams = new Datagrams('every change');
  const receiver = new FuzzedReceiver();
  await receiver.start();
  for (let sent = 0; sent < COUNT; sent += TURN) {
    await receiver.receive(Array.from({ length: TURN }, () => datagrams.next()));
    await receiver.persist();
  }
  expect(receiver.faults).toEqual([]);
  const totals = receiver.tally.totals();
  expect(Object.values(totals).reduce((sum, count) => sum + count, 0)).toBe(COUNT);
  // All of the path is met: what is refused at the first byte proves little.
  for (const fate of ['first', 'duplicate', 'conflict', 'quarantined'] as const)
    expect(totals[fate]).toBeGreaterThan(10);
  expect(receiver.acked).toBe(totals.first + totals.duplicate + totals.conflict);
}, 60_000);

test('a seed replays its datagrams', () => {
  const texts = (seed: string): string[] => {
    const datagrams = new Datagrams(seed);
    return Array.from({ length: 500 }, () => Buffer.from(datagrams.next().bytes).toString('hex'));
  };
  expect(texts('one')).toEqual(texts('one'));
  expect(texts('one')).not.toEqual(texts('two'));
});
