/**
 * Guards against: a client that is kinder than the IVR (more tries, other spacing, a response of another call taken
 * for its own), which would make every test with it worthless.
 */
import { createSocket, type Socket } from 'node:dgram';
import { firstValueFrom } from 'rxjs';
import { UdpClient, UdpClientClosedError, UdpNoResponseError } from '../../src/transport/udp.client.js';
import { Asker, pause, until } from './harness.js';

const INTERVAL_MS = 120;

let responder: Socket;
let port: number;
let client: UdpClient;
let received: { text: string; at: number; from: number }[];

/** Set by a test: what to answer to the n-th datagram (from 0). */
let answer: (text: string, n: number) => string | null;

beforeEach(async () => {
  received = [];
  answer = () => null;
  responder = createSocket('udp4');
  responder.on('message', (bytes, from) => {
    const text = bytes.toString();
    const reply = answer(text, received.length);
    received.push({ text, at: performance.now(), from: from.port });
    if (reply !== null) responder.send(reply, from.port, from.address);
  });
  await new Promise<void>((resolve) => responder.bind(0, '127.0.0.1', resolve));
  port = responder.address().port;
  client = new UdpClient({
    host: '127.0.0.1',
    port,
    retry: 3,
    intervalMs: INTERVAL_MS,
    requestKey: (bytes) => Buffer.from(bytes).toString().split(',').slice(0, 2).join(),
    responseKey: (bytes) => {
      const parts = Buffer.from(bytes).toString().split(',');
      return parts.length < 2 ? null : parts.slice(0, 2).join();
    },
  });
});

afterEach(async () => {
  await client.close();
  await new Promise<void>((resolve) => {
    responder.close(resolve);
  });
});

async function send(text: string): Promise<string> {
  return Buffer.from(await firstValueFrom(client.send<Uint8Array>('report', Buffer.from(text)))).toString();
}

test('without a response it sends 1 + RETRY times at INTERVAL and fails after the last interval', async () => {
  const startedAt = performance.now();
  const error: unknown = await send('call,1,Ringing').catch((reason: unknown) => reason);
  const waitedMs = performance.now() - startedAt;
  expect(error).toBeInstanceOf(UdpNoResponseError);
  expect(error).toMatchObject({ sends: 4, waitedMs: 4 * INTERVAL_MS });
  expect(received.map((one) => one.text)).toEqual(Array.from({ length: 4 }, () => 'call,1,Ringing'));
  expect(waitedMs).toBeGreaterThanOrEqual(4 * INTERVAL_MS - 2);
  const spacings = received.slice(1).map((one, i) => one.at - (received[i]?.at ?? 0));
  for (const spacing of spacings) expect(spacing).toBeGreaterThan(INTERVAL_MS / 2);
  await pause(2 * INTERVAL_MS);
  expect(received).toHaveLength(4);
});

test('it stops at the matching response', async () => {
  answer = (text, n) => (n === 2 ? text.slice(0, 6) : null);
  expect(await send('call,1,Ringing')).toBe('call,1');
  await pause(2 * INTERVAL_MS);
  expect(received).toHaveLength(3);
});

test('a response of another call, a datagram that is no response, and another sender are not believed', async () => {
  const stranger = await Asker.open();
  answer = (_text, n) => (n === 0 ? 'other,1' : n === 1 ? 'noise' : null);
  const outcome = send('call,1,Ringing').catch((reason: unknown) => reason);
  await until(() => received.length > 0);
  await stranger.tell('call,1', received[0]?.from ?? 0);
  expect(await outcome).toBeInstanceOf(UdpNoResponseError);
  stranger.close();
});

test('one socket serves many outstanding requests, each answered by its own response in any order', async () => {
  const texts = Array.from({ length: 50 }, (_, i) => `call${String(i)},1,OK`);
  // A loaded machine may see one sent again before it has seen the last of them.
  const held = new Set<string>();
  answer = (text) => {
    held.add(text);
    return null;
  };
  const responses = Promise.all(texts.map((text) => send(text)));
  await until(() => held.size === 50);
  const clientPort = received[0]?.from ?? 0;
  for (const text of [...held].reverse()) responder.send(text.slice(0, -3), clientPort, '127.0.0.1');
  expect(await responses).toEqual(texts.map((text) => text.slice(0, -3)));
  expect(new Set(received.map((one) => one.from)).size).toBe(1);
});

test('requests that share a key are answered oldest first', async () => {
  const order: string[] = [];
  const both = ['OK', 'Bye'].map((state) => send(`call,1,${state}`).then(() => order.push(state)));
  await until(() => received.length >= 2);
  responder.send('call,1', received[0]?.from ?? 0, '127.0.0.1');
  await until(() => order.length === 1);
  expect(order).toEqual(['OK']);
  responder.send('call,1', received[0]?.from ?? 0, '127.0.0.1');
  await Promise.all(both);
  expect(order).toEqual(['OK', 'Bye']);
});

test('unsubscribing stops the retries', async () => {
  const subscription = client.send('report', Buffer.from('call,1,OK')).subscribe();
  await until(() => received.length === 1);
  subscription.unsubscribe();
  await pause(3 * INTERVAL_MS);
  expect(received).toHaveLength(1);
});

test('close fails what is outstanding, and a later send opens the socket again', async () => {
  const outcome = send('call,1,OK').catch((reason: unknown) => reason);
  await until(() => received.length === 1);
  await client.close();
  expect(await outcome).toBeInstanceOf(UdpClientClosedError);
  answer = (text) => text.slice(0, 6);
  expect(await send('call,2,OK')).toBe('call,2');
});

test('emit sends once and awaits nothing', async () => {
  await firstValueFrom(client.emit('report', Buffer.from('call,1,OK')), { defaultValue: undefined });
  await pause(3 * INTERVAL_MS);
  expect(received).toHaveLength(1);
});
