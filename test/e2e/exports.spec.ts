/** Exports over real HTTP: what a client is sent, and what becomes of the query when it goes away. */
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { type TestApi, testApi } from '../support/api.js';
import { until } from '../support/receiver.js';
import { insertCall, time } from '../support/rows.js';

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
  await insertCall(api.pool, { caller_number: '+442071234567', call_id: 'first' });
  await insertCall(api.pool, { caller_number: '442071230000', call_id: 'second', first_seen_at: time(1) });
});

afterAll(async () => {
  await api.close();
});

/** An answer as it is on the wire: `fetch` would ask for compression, and undo it. */
async function raw(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${api.url}${path}`, { headers, method }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) });
      });
    });
    sent.on('error', reject);
    sent.end();
  });
}

interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** Connections of exports, and whether one is at work. */
async function connections(): Promise<readonly { readonly state: string }[]> {
  const { rows } = await api.pool.query<{ state: string }>(
    "select state from pg_stat_activity where application_name = 'ringledger export' and datname = current_database()",
  );
  return rows;
}

const PATH = '/api/v1/exports/calls';
const ASKED = `${PATH}?columns=callId,callerNumber`;
const CSV = 'callId,callerNumber\r\nfirst,+442071234567\r\nsecond,442071230000\r\n';

test('CSV and NDJSON come as files with their types', async () => {
  const csv = await raw(ASKED);
  expect(csv).toMatchObject({
    status: 200,
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="calls.csv"',
      'transfer-encoding': 'chunked',
    },
  });
  expect(csv.body.toString()).toBe(CSV);
  const ndjson = await raw(`${PATH}?format=ndjson&columns=callId&callId=second`);
  expect(ndjson.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
  expect(ndjson.body.toString()).toBe('{"callId":"second"}\n');
});

test('gzip=true gives a .gz file; Accept-Encoding compresses the transfer alone', async () => {
  const file = await raw(`${ASKED}&gzip=true`, { 'accept-encoding': 'gzip' });
  expect(file.headers).toMatchObject({
    'content-type': 'application/gzip',
    'content-disposition': 'attachment; filename="calls.csv.gz"',
  });
  expect(file.headers['content-encoding']).toBeUndefined();
  expect(gunzipSync(file.body).toString()).toBe(CSV);
  const transfer = await raw(ASKED, { 'accept-encoding': 'br, gzip' });
  expect(transfer.headers).toMatchObject({ 'content-type': 'text/csv; charset=utf-8', 'content-encoding': 'gzip' });
  expect(gunzipSync(transfer.body).toString()).toBe(CSV);
  expect((await raw(ASKED, { 'accept-encoding': 'gzip;q=0' })).headers['content-encoding']).toBeUndefined();
});

test('every filter of /calls is one of the export', async () => {
  const parameters = async (path: string): Promise<string[]> => {
    const { body } = await api.get('/openapi.json');
    const paths = body['paths'] as Record<string, { get: { parameters: { name: string }[] } }>;
    return (paths[path]?.get.parameters ?? []).map(({ name }) => name);
  };
  const paging = ['limit', 'cursor', 'count'];
  const exported = await parameters(PATH);
  const missing = (await parameters('/api/v1/calls')).filter(
    (name) => !exported.includes(name) && !paging.includes(name),
  );
  expect(missing).toEqual([]);
});

test('what is wrong with a request is a problem document, and nothing is sent before', async () => {
  const zone = await api.get(`${PATH}?tz=Mars/Olympus&columns=nothing`);
  expect(zone).toMatchObject({ status: 400, type: 'application/problem+json; charset=utf-8' });
  expect(zone.body['errors']).toMatchObject([{ parameter: 'columns' }, { parameter: 'tz' }]);
  expect((await raw(ASKED, {}, 'HEAD')).status).toBe(200);
  expect((await raw(ASKED, {}, 'POST')).status).toBe(405);
  await until(async () => (await connections()).length === 0);
});

describe('with 50 MB of calls', () => {
  beforeAll(async () => {
    await api.pool.query(
      `insert into call (call_key, id, settled, source_key, call_id, state, menu_name, first_seen_at, late, conflict,
         notification_count, duplicate_count, missing_count, revision, updated_at, awaits_facts)
       select gen_random_uuid(), gen_random_uuid(), false, 'ivr', 'many-' || i, 'ringing', repeat('m', 2000),
         $1::timestamptz + i * interval '1 ms', false, false, 1, 0, 0, 1, $1, false from generate_series(1, 24000) i`,
      [time(10)],
    );
  });

  test('a client that goes away stops the query', async () => {
    const gone = new AbortController();
    const response = await fetch(`${api.url}${PATH}`, {
      signal: gone.signal,
      headers: { 'accept-encoding': 'identity' },
    });
    const reader = response.body?.getReader();
    await reader?.read();
    expect(await connections()).toHaveLength(1);
    gone.abort();
    await until(async () => (await connections()).length === 0);
  });

  test('a client that goes away stops a query that has found nothing yet', async () => {
    const gone = new AbortController();
    const sleeping = api.pool.query('begin; lock table call in access exclusive mode; select pg_sleep(3); commit');
    await sleep(100);
    const waiting = fetch(`${api.url}${PATH}`, { signal: gone.signal }).catch(() => 'gone');
    await until(async () => (await connections()).some(({ state }) => state === 'active'));
    gone.abort();
    expect(await waiting).toBe('gone');
    await until(async () => (await connections()).length === 0, 2_500);
    await sleeping;
  });

  async function isWaiting(): Promise<boolean> {
    return (await connections()).map(({ state }) => state).join() === 'idle in transaction';
  }

  test('a client that reads nothing is waited for in constant memory', async () => {
    const before = process.memoryUsage().rss;
    const response = await fetch(`${api.url}${PATH}`, { headers: { 'accept-encoding': 'identity' } });
    // Until all that is between PostgreSQL and the client is full, which a busy machine takes longer for.
    await until(async () => {
      const waited = await isWaiting();
      await sleep(500);
      return waited && (await isWaiting());
    }, 20_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(40_000_000);
    const lines = (await response.text()).split('\r\n');
    expect(lines).toHaveLength(24_004);
  });

  test('a database that is lost on the way breaks the transfer: no client takes it for whole', async () => {
    const response = await fetch(`${api.url}${PATH}`, { headers: { 'accept-encoding': 'identity' } });
    await api.pool.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ringledger export' and datname = current_database()",
    );
    await expect(response.text()).rejects.toThrow('terminated');
  });
});
