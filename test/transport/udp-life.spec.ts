/**
 * Guards against: a stop that loses acks of what was stored (seven copies after each deployment), a port that stays
 * taken after close, a process that cannot end, and an error code where the operator needs a sentence.
 */
import { Asker, makeServer, pause, run, type Running, until } from './harness.js';

const runnings: Running[] = [];
const askers: Asker[] = [];

afterEach(async () => {
  for (const asker of askers.splice(0)) asker.close();
  for (const running of runnings.splice(0)) await running.close();
});

async function start(...args: Parameters<typeof run>): Promise<Running> {
  const running = await run(...args);
  runnings.push(running);
  return running;
}

async function asker(): Promise<Asker> {
  const one = await Asker.open();
  askers.push(one);
  return one;
}

test('after pause nothing new is answered, what was received still is, and drain waits for it', async () => {
  const open: (() => void)[] = [];
  const { port, server } = await start(makeServer(), async (data) => {
    await new Promise<void>((resolve) => open.push(resolve));
    return data;
  });
  const one = await asker();
  await one.tell('early 1', port);
  await one.tell('early 2', port);
  await until(() => open.length === 2);
  server.pause();
  await one.tell('late', port);
  await until(() => server.stats().refused.stopping === 1);
  let drained = false;
  const draining = server.drain().then(() => (drained = true));
  open[0]?.();
  await until(() => one.replies.length === 1);
  expect(drained).toBe(false);
  open[1]?.();
  await draining;
  await server.close();
  await until(() => one.replies.length === 2);
  expect(one.replies.map((reply) => reply.text)).toEqual(['early 1', 'early 2']);
  expect(server.stats()).toMatchObject({ received: 3, answered: 2, inFlight: 0 });
});

test('drain with nothing in flight resolves at once', async () => {
  const { server } = await start(makeServer());
  server.pause();
  await expect(server.drain()).resolves.toBeUndefined();
});

test('close frees the port, may be called twice, and the server can listen again', async () => {
  const { port, server, close } = await start(makeServer());
  await close();
  await server.close();
  expect(server.stats().sockets).toEqual([]);
  const again = await start(makeServer({ bind: [{ host: '127.0.0.1', port }] }));
  await again.close();
  expect(await new Promise((resolve) => server.listen(resolve))).toBeUndefined();
  const relistened = server.stats().sockets[0]?.port ?? 0;
  expect((await (await asker()).ask('again', relistened)).text).toBe('again');
});

test('status and events tell listening, paused and closed in order', async () => {
  const server = makeServer();
  const told: string[] = [];
  server.status.subscribe((status) => told.push(status));
  server.on('listening', (sockets) => told.push(`sockets ${String(sockets.length)}`));
  server.on('closed', () => told.push('event closed'));
  await start(server);
  server.pause();
  server.pause();
  await server.close();
  expect(told).toEqual(['listening', 'sockets 1', 'paused', 'closed', 'event closed']);
});

test('a port in use is a sentence that names the setting, and the sockets bound before it are freed', async () => {
  const taken = await start(makeServer());
  const free = await start(makeServer({ bind: [{ host: '127.0.0.2', port: 0 }] }));
  await free.close();
  const bind = [
    { host: '127.0.0.2', port: free.port },
    { host: '127.0.0.1', port: taken.port },
  ];
  await expect(run(makeServer({ bind }))).rejects.toThrow(
    `UDP port ${String(taken.port)} on 127.0.0.1 is in use by another program. Stop it, or set IVR_CALL_REPORT_PORT`,
  );
  await expect(start(makeServer({ bind: [{ host: '127.0.0.2', port: free.port }] }))).resolves.toBeDefined();
});

const unbindable: readonly { readonly host: string; readonly sentence: string }[] = [
  { host: '203.0.113.77', sentence: 'This host has no address 203.0.113.77. Set UDP_HOST' },
  { host: 'ivr.example.org', sentence: 'UDP_HOST holds something that is not an IPv4 or IPv6 address.' },
];

test.each(unbindable)('binding $host fails with a sentence', async ({ host, sentence }) => {
  await expect(run(makeServer({ bind: [{ host, port: 0 }] }))).rejects.toThrow(sentence);
});

test('what was granted of the receive buffer is read back, and a smaller one is a warning', async () => {
  const { server, log } = await start(makeServer({ receiveBufferBytes: 1_000_000_000 }));
  const [socket] = server.stats().sockets;
  expect(socket?.receiveBufferAskedBytes).toBe(1_000_000_000);
  expect(socket?.receiveBufferGrantedBytes).toBeGreaterThan(0);
  expect(socket?.receiveBufferGrantedBytes).toBeLessThan(1_000_000_000);
  expect(log.join()).toContain('net.core.rmem_max');
});

test('close during listen leaves nothing bound', async () => {
  const server = makeServer();
  server.addHandler('report', () => Promise.resolve());
  server.addHandler('unparsed', () => Promise.resolve());
  const listening = new Promise((resolve) => {
    server.listen(resolve);
  });
  await server.close();
  await listening;
  await pause(5);
  expect(server.stats().sockets).toEqual([]);
});

test('a server without a handler for a pattern refuses to listen', async () => {
  const error = await new Promise((resolve) => {
    makeServer().listen(resolve);
  });
  expect(error).toEqual(new Error('No controller handles the pattern "report".'));
});
