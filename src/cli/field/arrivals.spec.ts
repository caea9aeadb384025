/** Guards against: copies shown as separate datagrams, and a sender that ignores answers taken for one that loses them. */
import { ignoresAcks, joinCopies } from './arrivals.js';
import type { Datagram, Quarantined } from './contract.js';

function datagram(receivedAt: number, text: string, parts: Partial<Datagram> = {}): Datagram {
  return {
    ...{ id: String(receivedAt), receivedAt, address: '192.0.2.10', port: 5_060, localAddress: '192.0.2.1' },
    ...{ localPort: 8_000, source: 'ivr-1', fate: 'first', reason: null, bytesBase64: Buffer.from(text) },
    ...{ length: text.length, ackBase64: Buffer.from('a,1'), ackedAt: receivedAt + 3 },
    ...parts,
  };
}

const KEPT: Quarantined = {
  ...{ id: 'q', receivedAt: 0, lastReceivedAt: 18_000, copies: 7, source: 'ivr-1', address: '192.0.2.10' },
  ...{ reason: 'undetected', detail: 'nearest is json', bytesBase64: Buffer.from('old'), length: 3 },
};

test('the same bytes from one address are copies, with the time between them', () => {
  const all = [datagram(1_000, 'one'), datagram(1_500, 'two'), datagram(4_010, 'one', { port: 5_061 })];
  expect(joinCopies(all, [])).toMatchObject([
    { copies: 1, firstAt: 1_500, spacingMs: [] },
    {
      copies: 2,
      firstAt: 1_000,
      lastAt: 4_010,
      spacingMs: [3_010],
      ports: [5_060, 5_061],
      acked: 2,
      again: 1,
      ackMs: 3,
    },
  ]);
});

test('what only quarantine still has is shown with its copies, and lends its words to what is in sight', () => {
  const own = datagram(20_000, 'old', { fate: 'quarantined', reason: 'undetected', ackBase64: null, ackedAt: null });
  expect(joinCopies([], [KEPT])).toMatchObject([{ copies: 7, firstAt: 0, lastAt: 18_000, detail: 'nearest is json' }]);
  expect(joinCopies([own], [KEPT])).toMatchObject([{ copies: 1, detail: 'nearest is json', acked: 0, ackMs: null }]);
});

test('answered each time and sent again at the interval: the answer is not understood', () => {
  const again = [0, 3_000, 6_003, 9_001].map((at) => datagram(at, 'one'));
  const unanswered = again.map((one) => ({ ...one, ackBase64: null, ackedAt: null }));
  const atOnce = [0, 5, 9, 12].map((at) => datagram(at, 'one'));
  const judged = [again, unanswered, atOnce].map((all) => joinCopies(all, []).map((one) => ignoresAcks(one, 3_000)));
  expect(judged).toEqual([[true], [false], [false]]);
});
