import type { Settings } from '../notification.js';
import { factsAt, noFacts, type SerialHole, someHoleSince } from './facts.js';

const NOW: Settings = {
  ...{ retry: 6, intervalMs: 3000, marginMs: 1000, staleRingingMs: 300_000, staleAnsweredMs: 14_400_000 },
  lossWindowMs: 300_000,
};
const BEFORE: Settings = { ...NOW, retry: 3, staleRingingMs: 60_000, lossWindowMs: 60_000 };
const facts = {
  ...noFacts('ivr', NOW),
  versions: [
    { since: 1000, settings: BEFORE },
    { since: 5000, settings: NOW },
  ],
};

test.each([
  ['before any version', 0, 3],
  ['in the time of the first', 4999, 3],
  ['at the change', 5000, 6],
  ['after it', 9000, 6],
])('a call that began %s falls under the settings of then', (_when, at, retry) => {
  expect(factsAt(facts, at).settings.retry).toBe(retry);
});

test('loss windows are as wide as they are today', () => {
  expect(factsAt(facts, 0).settings).toEqual({ ...BEFORE, lossWindowMs: NOW.lossWindowMs });
});

test('where nothing changed the facts are the very same', () => {
  expect(factsAt(facts, 9000)).toBe(facts);
  expect(factsAt(noFacts('ivr', NOW), 9000).settings).toBe(NOW);
});

test('holes sent before an instant are not asked about, and those after it are, the last one first', () => {
  const hole = (sentTo: number): SerialHole => ({ from: 1n, to: 1n, sentFrom: 0, sentTo });
  const asked: number[] = [];
  const known = { ...facts, holes: [hole(9), hole(7), hole(5), hole(3)] };
  const ask = (holds: number) =>
    someHoleSince(known, 5, ({ sentTo }) => {
      asked.push(sentTo);
      return sentTo === holds;
    });
  expect([ask(7), ask(3), asked]).toEqual([true, false, [9, 7, 9, 7, 5]]);
});
