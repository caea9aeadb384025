import { KernelDrops, socketsIn } from './kernel-drops.js';

const HEAD =
  '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops';

test.each([
  [
    'an IPv4 socket',
    '291: 0100007F:1F40 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 751601 2 0 1994',
    8000,
  ],
  [
    'an IPv6 socket',
    '12: 00000000000000000000000000000000:1F41 00000000000000000000000000000000:0000 07 0:0 00:0 0 0 0 751601 2 0 1994',
    8001,
  ],
])('%s is read from its line', (_what, line, port) => {
  expect(socketsIn(`${HEAD}\n  ${line}\n`)).toEqual([{ inode: '751601', port, drops: 1994 }]);
});

test('the head and broken lines are no sockets', () => {
  expect(socketsIn(`${HEAD}\n\n 1: 0100007F:1F40 too short\n`)).toEqual([]);
});

test('a port that no socket of ours has is not known to drop nothing', async () => {
  expect(await new KernelDrops(() => [1]).read()).toBeNull();
});

test('before a socket is bound nothing was dropped', async () => {
  expect(await new KernelDrops(() => []).read()).toEqual(new Map());
});
