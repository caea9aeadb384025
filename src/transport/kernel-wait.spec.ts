/**
 * Guards against: a datagram that waited in the kernel being stamped as if it had just arrived (bounds that exclude
 * the truth), and a busy but healthy receiver calling every datagram hours late.
 */
import { KernelWait } from './kernel-wait.js';

/** One event-loop turn starting at `at` that reads `count` datagrams 0 ms apart; returns the wait of the last one. */
function turn(wait: KernelWait, at: number, count: number): number {
  wait.beginTurn(at);
  const waits = Array.from({ length: count }, () => wait.read(at));
  wait.endTurn();
  return waits.at(-1) ?? 0;
}

test('after an empty turn the wait counts from that turn', () => {
  const wait = new KernelWait(8_388_608, 0);
  turn(wait, 1000, 0);
  expect(turn(wait, 1003, 1)).toBe(3);
});

test('a loop that stood still for 500 ms may have left a datagram waiting for 500 ms', () => {
  const wait = new KernelWait(8_388_608, 0);
  turn(wait, 1000, 1);
  expect(turn(wait, 1500, 1)).toBe(500);
});

test('a turn that read all 32 proves nothing, so the next ones count from before the backlog', () => {
  const wait = new KernelWait(8_388_608, 0);
  turn(wait, 1000, 5);
  expect([turn(wait, 1500, 32), turn(wait, 1501, 32), turn(wait, 1502, 8), turn(wait, 1503, 1)]).toEqual([
    500, 501, 502, 1,
  ]);
});

test('a backlog that never ends is bounded by what the socket buffer holds', () => {
  const wait = new KernelWait(512 * 320, 0);
  const waits = Array.from({ length: 1000 }, (_, ms) => turn(wait, ms, 32));
  expect(Math.max(...waits)).toBeLessThanOrEqual(21);
});

test('what arrived is read up to the begin of the last turn that left the socket empty', () => {
  const wait = new KernelWait(8_388_608, 0);
  turn(wait, 1000, 5);
  turn(wait, 1500, 32);
  expect(wait.readThrough()).toBe(1000);
  turn(wait, 1502, 8);
  expect(wait.readThrough()).toBe(1502);
});

test('a turn begins once and its end is idempotent', () => {
  const wait = new KernelWait(8_388_608, 0);
  expect([wait.beginTurn(1), wait.beginTurn(2)]).toEqual([true, false]);
  wait.endTurn();
  wait.endTurn();
  expect(wait.beginTurn(3)).toBe(true);
});
