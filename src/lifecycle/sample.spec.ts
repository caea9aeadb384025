import type { Spoken } from '../delivery/evidence.js';
import { noFacts } from '../delivery/facts.js';
import { sampleOf } from './sample.js';
import { eventsOf } from './times.js';

const INTERVAL_MS = 3_000;
const SETTINGS = {
  ...{ retry: 6, intervalMs: INTERVAL_MS, marginMs: 1_000, staleRingingMs: 300_000, staleAnsweredMs: 14_400_000 },
  lossWindowMs: 300_000,
};
const CONTENT = { callerNumber: null, calleeNumber: null, forwardNumber: null, menuId: null, menuName: null };

test.each([
  ['in time', 0, 0],
  ['early by a timer', -100, 0],
  ['late by 2.2 s, as a busy machine reads it', 2_200, 0],
  ['an interval later', INTERVAL_MS, 1],
  ['an interval later and early by a timer', INTERVAL_MS - 100, 1],
])('of three copies with the last one %s so many are missing', (_what, lateMs, missing) => {
  const one: Spoken = {
    ...{ serial: '1', state: 'ringing', stateRaw: 'Ringing', idleMs: 0, content: CONTENT },
    ...{ firstAt: 0, lastAt: 2 * INTERVAL_MS + lateMs, copies: 3 },
  };
  const sample = sampleOf([one], eventsOf([one]), noFacts('ivr', SETTINGS));
  expect([sample.copyPairs, sample.copiesMissing]).toEqual([2, missing]);
});
