/**
 * The ack objective at INTERVAL 3 s, RETRY 6 and a margin of 1 s (H = 19 s). Guards against a receiver that makes its senders
 * repeat themselves, or lets them give up, and shows a good mean.
 */
import { AckObjective } from './ack-objective.js';
import { lateAcks, spentBudget } from './ack-words.js';
import { SourceLabels } from './source-labels.js';

const SETTINGS = { retry: 6, intervalMs: 3_000, marginMs: 1_000 };

function objective(): AckObjective {
  return new AckObjective(SETTINGS, new SourceLabels());
}

test.each([
  { what: 'a quick ack', waitedMs: 2, tookMs: 8, late: 0, retries: 0 },
  { what: 'one just in time', waitedMs: 0, tookMs: 3_000, late: 0, retries: 0 },
  { what: 'one just too late', waitedMs: 0, tookMs: 3_001, late: 1, retries: 1 },
  { what: 'one that waited in the kernel', waitedMs: 2_500, tookMs: 600, late: 1, retries: 1 },
  { what: 'one after two more tries', waitedMs: 0, tookMs: 7_000, late: 1, retries: 2 },
  { what: 'one after all tries', waitedMs: 0, tookMs: 60_000, late: 1, retries: 6 },
])('$what counts $late late and $retries retries', ({ waitedMs, tookMs, late, retries }) => {
  const own = objective();
  own.acked('office', false, waitedMs, tookMs);
  expect(own.sources()).toMatchObject([{ label: 'office', late, retriesCaused: retries }]);
});

test('the ack of a further copy is timed and not judged, or its notification would count twice', () => {
  const own = objective();
  own.acked('office', true, 0, 4_000);
  expect(own.sources()).toMatchObject([{ late: 0, retriesCaused: 0 }]);
  expect(own.recent().get('office')?.acks).toBe(1);
});

test('buckets end at every try of the sender, so that "later than a retry" is exact', () => {
  const own = objective();
  own.acked('office', false, 0, 1);
  const [{ took } = { took: null }] = own.sources();
  expect(took?.bounds).toEqual(expect.arrayContaining([3, 6, 9, 12, 15, 18]));
});

test('recent is the last five turns, and the 99th percentile is of them alone', () => {
  const own = objective();
  for (let index = 0; index < 1_000; index += 1) own.acked('office', false, 0, 5_000);
  for (let turn = 0; turn < 5; turn += 1) own.turn();
  expect(own.p99Ms('office')).toBeGreaterThan(3_000);
  own.turn();
  expect(own.p99Ms('office')).toBeNull();
  for (let index = 0; index < 1_000; index += 1) own.acked('office', false, 0, index < 985 ? 4 : 90);
  expect(own.recent().get('office')).toMatchObject({ acks: 1_000, late: 0, retriesCaused: 0 });
  expect(own.p99Ms('office')).toBeGreaterThan(50);
  expect(own.p99Ms('office')).toBeLessThanOrEqual(100);
  expect(own.p99Ms('elsewhere')).toBeNull();
});

test.each([
  { what: 'nothing in hand', now: 100_000, inHand: 100_000, refused: [], budget: 19_000 },
  { what: 'one in hand for 4 s', now: 100_000, inHand: 96_000, refused: [], budget: 15_000 },
  { what: 'one in hand for longer than H', now: 100_000, inHand: 10_000, refused: [], budget: 0 },
  {
    what: 'refused for 6 s, and again just now',
    now: 106_000,
    inHand: 106_000,
    refused: [100_000, 103_000, 106_000],
    budget: 13_000,
  },
  { what: 'refused long ago and not heard since', now: 200_000, inHand: 200_000, refused: [100_000], budget: 19_000 },
])('with $what $budget ms of patience are left', ({ now, inHand, refused, budget }) => {
  const own = objective();
  for (const at of refused) own.refused(at);
  expect(own.lossBudgetMs(now, inHand)).toBe(budget);
});

test('an ack ends the time of refusals', () => {
  const own = objective();
  own.refused(100_000);
  own.acked('office', false, 0, 5);
  expect(own.lossBudgetMs(101_000, 101_000)).toBe(19_000);
});

test('what is wrong is said in sentences, and nothing is when all is well', () => {
  const own = objective();
  own.acked('office', false, 0, 5);
  expect([...lateAcks(own)]).toEqual([]);
  expect(spentBudget(own, 19_000)).toBeNull();
  own.acked('office', false, 0, 7_000);
  expect([...lateAcks(own).values()]).toEqual([
    '1 of 2 acks to office took longer than 3.00 s in the last minutes and made it try 2 more times (99 % took at most ' +
      '8.94 s): this host or PostgreSQL is too slow.',
  ]);
  expect(spentBudget(own, 1_800)).toBe(
    'The oldest notification received and not acknowledged is 17.2 s old: its sender gives it up in 1.80 s. Look at ' +
      'PostgreSQL and the queue.',
  );
  expect(spentBudget(own, 0)).toMatch(/19\.0 s old: its sender has given it up/);
});
