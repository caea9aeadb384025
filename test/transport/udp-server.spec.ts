/**
 * Guards against: an ack that leaves from another socket or goes to another port than the one that asked (the IVR
 * ignores it and sends seven copies), and an ack for something that was refused, too long, or not handled.
 */
import { networkInterfaces } from 'node:os';
import { parseAllowList } from '../../src/transport/allow-list.js';
import type { UdpContext } from '../../src/transport/udp.context.js';
import type { UdpServer } from '../../src/transport/udp.server.js';
import { type Answer, Asker, makeServer, pause, run, type Running, until } from './harness.js';

let running: Running | undefined;
const askers: Asker[] = [];

afterEach(async () => {
  for (const asker of askers.splice(0)) asker.close();
  await running?.close();
  running = undefined;
});

async function start(server: UdpServer, answer?: Answer): Promise<Running> {
  running = await run(server, answer);
  return running;
}

async function asker(host?: string): Promise<Asker> {
  const one = await Asker.open(host);
  askers.push(one);
  return one;
}

test('the answer goes to the port that asked, from the port that was asked', async () => {
  const { port } = await start(makeServer());
  const [one, other] = [await asker(), await asker()];
  const reply = await one.ask('abc,1', port);
  expect(reply.text).toBe('abc,1');
  expect(reply.from).toMatchObject({ address: '127.0.0.1', port });
  expect(other.replies).toEqual([]);
});

test('with two hosts bound each answers from its own address', async () => {
  const bind = [
    { host: '127.0.0.1', port: 0 },
    { host: '127.0.0.2', port: 0 },
  ];
  const { server } = await start(makeServer({ bind, allowed: parseAllowList('127.0.0.0/8').list }));
  const one = await asker('127.0.0.3');
  for (const { address, port } of server.stats().sockets) {
    expect((await one.ask('x', port, address)).from).toMatchObject({ address, port });
  }
});

test('what waits in the kernel while the loop stands still is not called read', async () => {
  const handled: string[] = [];
  const { server, port } = await start(makeServer(), (data) => {
    handled.push(String(data));
    return data;
  });
  const one = await asker();
  await one.ask('first', port);
  await until(() => server.stats().readThrough > performance.now() - 50);
  const before = server.stats().readThrough;
  const reply = one.ask('second', port);
  // Sent at once; nothing reads it until this turn of the loop is over.
  const standsStillUntil = performance.now() + 300;
  while (performance.now() < standsStillUntil);
  expect(server.stats().readThrough).toBe(before);
  expect(handled).toEqual(['first']);
  await reply;
  await until(() => server.stats().readThrough > standsStillUntil);
});

/** Containers without IPv6 have no `::1`; there is nothing to test then. */
const hasIpv6 = Object.values(networkInterfaces()).some((own) => own?.some((one) => one.address === '::1'));

(hasIpv6 ? test : test.skip)(
  '0.0.0.0 and :: are bound to one port together, and IPv6 is answered over IPv6',
  async () => {
    const first = await start(makeServer({ bind: [{ host: '0.0.0.0', port: 0 }] }));
    const { port } = first;
    await first.close();
    const bind = [
      { host: '0.0.0.0', port },
      { host: '::', port },
    ];
    await start(makeServer({ bind }));
    const [four, six] = [await asker('127.0.0.1'), await asker('::1')];
    expect((await four.ask('over 4', port)).text).toBe('over 4');
    expect((await six.ask('over 6', port, '::1')).from.address).toBe('::1');
  },
);

test('the handler is told who asked, where, under which name, with which bytes', async () => {
  const seen: UdpContext[] = [];
  const allowed = parseAllowList('east=127.0.0.0/8').list;
  const { port } = await start(makeServer({ allowed }), (data, context) => {
    seen.push(context);
    return data;
  });
  const one = await asker();
  await one.ask('abc', port);
  const [context] = seen;
  expect(context?.getAddress()).toBe('127.0.0.1');
  expect(context?.getPort()).toBe(one.port);
  expect(context?.getSourceName()).toBe('east');
  expect(context?.getLocal()).toMatchObject({ address: '127.0.0.1', port });
  expect(Buffer.from(context?.getBytes() ?? []).toString()).toBe('abc');
  expect(context?.isOversized()).toBe(false);
});

test('a refused source gets no answer, is counted, and is logged once with the setting to change', async () => {
  const { port, server, log } = await start(makeServer({ allowed: parseAllowList('10.0.0.1').list }));
  const refusals: string[] = [];
  server.on('refused', (reason, address) => refusals.push(`${reason} ${address}`));
  const one = await asker();
  for (let i = 0; i < 5; i += 1) await one.tell('x', port);
  await until(() => server.stats().refused.source === 5);
  expect(one.replies).toEqual([]);
  expect(refusals).toEqual(Array.from({ length: 5 }, () => 'source 127.0.0.1'));
  expect(log.filter((line) => line.includes('127.0.0.1') && line.includes('UDP_ALLOWED_SOURCES'))).toHaveLength(1);
  expect(server.stats()).toMatchObject({ received: 5, answered: 0, inFlight: 0 });
});

test('an oversized datagram reaches the handler whole and marked, and is never answered', async () => {
  const lengths: number[] = [];
  const { port, server } = await start(makeServer({ maxDatagramBytes: 100 }), (data, context) => {
    if (context.isOversized()) lengths.push(context.getBytes().length);
    return data;
  });
  const one = await asker();
  await one.tell('x'.repeat(101), port);
  expect((await one.ask('y'.repeat(100), port)).text).toBe('y'.repeat(100));
  expect(lengths).toEqual([101]);
  expect(server.stats()).toMatchObject({ received: 2, oversized: 1, unanswered: 1, answered: 1 });
});

test('an empty datagram reaches the deserializer', async () => {
  const { port } = await start(makeServer(), (data) => `[${String(data)}]`);
  expect((await (await asker()).ask('', port)).text).toBe('[]');
});

test('a handler that answers undefined sends nothing', async () => {
  const { port, server } = await start(makeServer(), () => undefined);
  const one = await asker();
  await one.tell('x', port);
  await one.tell('?', port);
  await until(() => server.stats().unanswered === 2);
  await pause(20);
  expect(one.replies).toEqual([]);
});

const failures: readonly { readonly where: string; readonly server: () => UdpServer; readonly answer: Answer }[] = [
  {
    where: 'handler',
    server: () => makeServer(),
    answer: () => {
      throw new Error('the disk is gone');
    },
  },
  {
    where: 'promise of the handler',
    server: () => makeServer(),
    answer: () => Promise.reject(new Error('the disk is gone')),
  },
  {
    where: 'deserializer',
    server: () =>
      makeServer({
        deserializer: {
          deserialize: () => {
            throw new Error('the disk is gone');
          },
        },
      }),
    answer: (data) => data,
  },
  {
    where: 'serializer',
    server: () =>
      makeServer({
        serializer: {
          serialize: () => {
            throw new Error('the disk is gone');
          },
        },
      }),
    answer: (data) => data,
  },
];

test.each(failures)('an error of the $where means no ack, is counted each time and logged once', async (row) => {
  const { port, server, log } = await start(row.server(), row.answer);
  const errors: string[] = [];
  server.on('error', (error) => errors.push(error.message));
  const one = await asker();
  for (let i = 0; i < 3; i += 1) await one.tell('x', port);
  await until(() => server.stats().failed + server.stats().unsent === 3);
  expect(server.stats().unsent).toBe(row.where === 'serializer' ? 3 : 0);
  expect(one.replies).toEqual([]);
  expect(errors).toEqual(['the disk is gone', 'the disk is gone', 'the disk is gone']);
  expect(log).toEqual(['A datagram was not acknowledged: the disk is gone']);
  expect(server.stats().inFlight).toBe(0);
});

test('after a failure the next datagram is answered', async () => {
  const { port } = await start(makeServer(), (data) => {
    if (data === 'bad') throw new Error('bad');
    return data;
  });
  const one = await asker();
  await one.tell('bad', port);
  expect((await one.ask('good', port)).text).toBe('good');
});

test('a datagram that waited while the event loop stood still says so', async () => {
  const waits: number[] = [];
  const { port } = await start(makeServer(), (data, context) => {
    waits.push(context.getStamp().idleMs);
    return data;
  });
  const one = await asker();
  await one.ask('warm', port);
  await pause(50);
  waits.length = 0;
  const sent = Array.from({ length: 100 }, () => one.tell('x', port));
  const stoodFrom = performance.now();
  while (performance.now() - stoodFrom < 120);
  await Promise.all(sent);
  await until(() => waits.length === 100);
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(119);
  await pause(50);
  await one.ask('later', port);
  expect(waits.at(-1)).toBeLessThan(100);
});

test('received equals refused plus answered plus unanswered plus failed plus unsent plus in flight', async () => {
  const { port, server } = await start(makeServer(), (data) => {
    if (data === 'fail') throw new Error('fail');
    return data === 'none' ? undefined : data;
  });
  const one = await asker();
  for (const text of ['ok', 'none', 'fail', '?', 'ok']) await one.tell(text, port);
  await until(() => server.stats().received === 5 && server.stats().inFlight === 0);
  const { refused, answered, unanswered, failed, unsent } = server.stats();
  expect({ refused, answered, unanswered, failed, unsent }).toEqual({
    refused: { source: 0, stopping: 0 },
    answered: 2,
    unanswered: 2,
    failed: 1,
    unsent: 0,
  });
});
