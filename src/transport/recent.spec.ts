/**
 * Guards against: a flood from a stranger pushing what the IVR sent out of sight, a ring that grows, and an operator who
 * follows it missing datagrams without being told.
 */
import { RecentDatagrams, REFUSED_BYTES } from './recent.js';
import { UdpContext } from './udp.context.js';

const LOCAL = { address: '192.0.2.1', port: 8000 };
const FROM = { address: '203.0.113.9', port: 4_000, local: LOCAL, at: 5 };

function context(bytes: string | Uint8Array, at = 5): UdpContext {
  return new UdpContext({
    ...{ bytes: Buffer.from(bytes), address: '192.0.2.10', port: 5_060, name: null },
    ...{ stamp: { at, idleMs: 0 }, local: LOCAL, oversized: false },
  });
}

test('what became of a datagram is told once it is known', () => {
  const recent = new RecentDatagrams(1);
  const own = context('a,1,OK');
  recent.admit(own);
  expect(recent.after(0).datagrams).toMatchObject([{ id: 1_000, at: 5, source: null, fate: null, ack: null }]);
  own.decided('ivr-1', 'first', '');
  own.answered(Buffer.from('a,1'), 7);
  expect(recent.after(0).datagrams).toMatchObject([{ source: 'ivr-1', fate: 'first', ackedAt: 7, length: 6 }]);
});

test('of a refused address the first bytes are kept, and a flood from it leaves the others in sight', () => {
  const recent = new RecentDatagrams(0);
  recent.admit(context('a,1,OK'));
  for (let i = 0; i < 5_000; i += 1) recent.refuse(Buffer.alloc(900, 65), 'source', FROM);
  const { datagrams, overwritten } = recent.after(-1);
  expect(datagrams).toHaveLength(251);
  expect(overwritten).toBe(4_750);
  expect(datagrams[0]).toMatchObject({ id: 0, address: '192.0.2.10' });
  expect(datagrams.at(-1)).toMatchObject({ fate: 'refused', reason: 'source', length: 900, address: '203.0.113.9' });
  expect(datagrams.at(-1)?.bytes).toHaveLength(REFUSED_BYTES);
});

test('whoever follows is given what is new, and told how much he missed', () => {
  const recent = new RecentDatagrams(2);
  recent.admit(context('one'));
  const { lastId } = recent.after(0);
  expect(recent.after(lastId)).toEqual({ datagrams: [], overwritten: 0, lastId });
  for (let i = 0; i < 1_200; i += 1) recent.admit(context(String(i)));
  const page = recent.after(lastId);
  expect([page.datagrams.length, page.overwritten, page.lastId]).toEqual([1_000, 200, lastId + 1_200]);
  expect(Buffer.from(page.datagrams[0]?.bytes ?? '').toString()).toBe('200');
});

test('a process that starts later gives higher ids, so that following goes on over a restart', () => {
  const before = new RecentDatagrams(1_000);
  before.admit(context('one'));
  const after = new RecentDatagrams(1_001);
  after.admit(context('two'));
  expect(after.after(before.after(0).lastId)).toMatchObject({ overwritten: 0, datagrams: [{ id: 1_001_000 }] });
});

test('large datagrams are bounded by their bytes', () => {
  const recent = new RecentDatagrams(0);
  for (let i = 0; i < 200; i += 1) recent.admit(context(Buffer.alloc(65_000)));
  const kept = recent.after(-1).datagrams.reduce((sum, { length }) => sum + length, 0);
  expect(kept).toBeLessThanOrEqual(4 * 1024 * 1024);
  expect(kept).toBeGreaterThan(4 * 1024 * 1024 - 65_000);
});
