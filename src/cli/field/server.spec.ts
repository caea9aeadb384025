/** Guards against: a server that runs and is slow, or wants a key, taken for none, so that an operator starts a second one. */
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { gatherFacts } from '../doctor/facts.js';
import { Refused, Server, ServerAway, ServerSlow } from './server.js';

let http: HttpServer;
let api: string;
let status: number | null;

beforeEach(async () => {
  http = createServer((_, response) => {
    if (status === null) return;
    response.writeHead(status, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ detail: 'Show a key.' }));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  api = `http://127.0.0.1:${String((http.address() as AddressInfo).port)}`;
});

afterEach(async () => {
  http.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
});

async function asked(timeoutMs = 10_000): Promise<Error> {
  return new Server(api, timeoutMs).get('/api/v1/receiver', {}, z.unknown()).then(
    () => new Error('answered'),
    (error: unknown) => error as Error,
  );
}

test('one that does not answer in time is told from one that is not there', async () => {
  status = null;
  const slow = await asked(200);
  expect(slow).toBeInstanceOf(ServerSlow);
  expect(slow.message).toBe(
    `The server at ${api} took longer than 0.2 s to answer: look at its database (ringledger doctor: database).`,
  );
  http.closeAllConnections();
  await new Promise((resolve) => http.close(resolve));
  const gone = await asked();
  expect(gone).toBeInstanceOf(ServerAway);
  expect(gone).not.toBeInstanceOf(ServerSlow);
  expect(gone.message).toMatch(/^Nobody answers at /);
});

test('one that wants a key names RINGLEDGER_KEY, and doctor looks at the host all the same', async () => {
  status = 401;
  const denied = await asked();
  expect(denied).toBeInstanceOf(Refused);
  expect(denied.message).toMatch(/answers 401: Show a key\. RINGLEDGER_KEY/);
  const { silence, host } = await gatherFacts(api, Date.now());
  expect(silence).toMatchObject({ kind: 'denied', why: denied.message });
  expect(host.ports.length).toBeGreaterThan(0);
});
