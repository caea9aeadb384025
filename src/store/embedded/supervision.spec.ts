import {
  CALM_MS,
  type Happening,
  moved,
  QUICK_TRIES,
  SLOW_WAIT_MS,
  type Supervision,
  waitBefore,
} from './supervision.js';

const NOW = 1_000_000;
const up = (tries = 0, upSince = NOW): Supervision => ({ phase: 'up', tries, upSince });
const starting = (tries: number): Supervision => ({ phase: 'starting', tries });
const waiting = (tries: number, dueAt: number): Supervision => ({ phase: 'waiting', tries, dueAt });
const stopped: Supervision = { phase: 'stopped' };

const TABLE: readonly (readonly [from: Supervision, happening: Happening, to: Supervision])[] = [
  [up(), 'lost', starting(1)],
  [up(1), 'lost', waiting(2, NOW + 250)],
  [up(4), 'lost', waiting(5, NOW + 2_000)],
  [up(5), 'lost', waiting(6, NOW + SLOW_WAIT_MS)],
  [up(900), 'lost', waiting(901, NOW + SLOW_WAIT_MS)],
  [up(5, NOW - CALM_MS), 'lost', starting(1)],
  [up(5, NOW - CALM_MS + 1), 'lost', waiting(6, NOW + SLOW_WAIT_MS)],
  [starting(3), 'came_up', up(3)],
  [starting(1), 'failed', waiting(2, NOW + 250)],
  [waiting(2, NOW), 'due', starting(2)],
  [up(), 'stop', stopped],
  [starting(1), 'stop', stopped],
  [waiting(1, NOW), 'stop', stopped],
];

test.each(TABLE)('%j after %s is %j', (from, happening, to) => {
  expect(moved(from, happening, NOW)).toEqual(to);
});

test('what is no news changes nothing: a guard that ends while a start is under way, a timer that fires late', () => {
  for (const happening of ['lost', 'due'] as const) expect(moved(starting(1), happening, NOW)).toEqual(starting(1));
  for (const happening of ['came_up', 'failed', 'due'] as const) expect(moved(up(), happening, NOW)).toEqual(up());
  for (const happening of ['lost', 'came_up', 'failed'] as const)
    expect(moved(waiting(2, NOW), happening, NOW)).toEqual(waiting(2, NOW));
});

test('nothing is started once it is stopped', () => {
  for (const happening of ['lost', 'came_up', 'failed', 'due', 'stop'] as const)
    expect(moved(stopped, happening, NOW)).toEqual(stopped);
});

test('the quick tries are over within 4 s, and then it is tried 4 times a minute', () => {
  const waits = Array.from({ length: QUICK_TRIES }, (_, index) => waitBefore(index + 1));
  expect(waits).toEqual([0, 250, 500, 1_000, 2_000]);
  expect(waitBefore(QUICK_TRIES + 1)).toBe(15_000);
});
