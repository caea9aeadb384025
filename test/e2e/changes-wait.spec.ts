/** Readers that wait for a change: what ends their wait, and how many may. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Following, WAITING_MAX } from '../../src/api/following.js';
import { type TestApi, testApi } from '../support/api.js';
import { insertSource } from '../support/rows.js';

let api: TestApi;
let from: string;

beforeEach(async () => {
  api = await testApi();
  await insertSource(api.pool);
  const { body } = await api.get('/api/v1/changes?after=now');
  from = (body['page'] as { nextCursor: string }).nextCursor;
}, 60_000);

async function status(wait: number, signal?: AbortSignal): Promise<number> {
  const answer = await fetch(`${api.url}/api/v1/changes?after=${from}&wait=${String(wait)}`, {
    signal: signal ?? null,
  });
  await answer.text();
  return answer.status;
}

test('no more wait at once than may, and who goes away makes room', async () => {
  const gone = new AbortController();
  const waiting = Array.from({ length: WAITING_MAX }, () => status(30, gone.signal).catch(() => 0));
  while (api.app.get(Following).waitingCount() < WAITING_MAX) await sleep(20);
  const refused = await api.get(`/api/v1/changes?after=${from}&wait=1`);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
  expect(await status(0)).toBe(200);
  gone.abort();
  await Promise.all(waiting);
  while (api.app.get(Following).waitingCount() > 0) await sleep(20);
  expect(await status(1)).toBe(200);
  await api.close();
}, 30_000);

test('a server that stops answers whoever waits', async () => {
  const started = performance.now();
  const waiting = status(30);
  while (api.app.get(Following).waitingCount() === 0) await sleep(20);
  await api.close();
  expect(await waiting).toBe(200);
  expect(performance.now() - started).toBeLessThan(15_000);
}, 30_000);
