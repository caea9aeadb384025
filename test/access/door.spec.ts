/** What stands before everything: guards against somebody who pretends to be this machine, another address or another page. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Keys } from '../../src/access/keys.js';
import { PgKeyStore } from '../../src/store/keys.js';
import { type ServedApi, serveApi, type ServedDoor, type TestApi, testApi } from '../support/api.js';
import { insertCall, insertSource } from '../support/rows.js';
import { codes, keyFor, PLAIN_SCOPES, read, readRaw, shown } from './kit.js';

let api: TestApi;
const served: ServedApi[] = [];

beforeAll(async () => {
  api = await testApi();
  await insertSource(api.pool);
}, 60_000);
afterEach(async () => {
  for (const one of served.splice(0)) await one.close();
  await api.pool.query('truncate api_key, audit, call');
});
afterAll(() => api.close(), 20_000);

/** Another process on the same database, at the time of day unless told otherwise. */
async function serve(door: ServedDoor = {}, now: () => Date = () => new Date()): Promise<ServedApi> {
  const one = await serveApi(api.prisma, now, { databaseUrl: api.database.url, ...door });
  served.push(one);
  return one;
}

test.each(['127.0.0.1', '::1'])('on %s reading is open until a key is made, and every answer says so', async (host) => {
  const own = await serve({ host });
  const { status, headers } = await read(own, '/api/v1/calls');
  expect([status, headers.get('ringledger-access')]).toEqual([200, 'open: no key has been made']);
  expect(JSON.parse((await read(own, '/health/ready')).text)).toMatchObject({ access: 'open' });
  expect(await codes(own, 'mutation { createApiKey(name: "x", scopes: ["admin"]) { secret } }')).toEqual(['FORBIDDEN']);
  const { secret } = await keyFor(own.keys, ['calls:read']);
  expect((await read(own, '/api/v1/calls')).status).toBe(401);
  const keyed = await read(own, '/api/v1/calls', shown(secret));
  expect([keyed.status, keyed.headers.get('ringledger-access')]).toEqual([200, null]);
  expect(JSON.parse((await read(own, '/health/ready')).text)).toMatchObject({ access: 'keys' });
});

const FORWARDED: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['a proxy on this machine that asks for somebody else', { 'x-forwarded-for': '192.0.2.9' }],
  ['a client of such a proxy that pretends to be this machine', { 'x-forwarded-for': '127.0.0.1' }],
  ['a proxy with the header of the standard', { forwarded: 'for=192.0.2.9' }],
  ['a page from elsewhere in a browser here', { 'sec-fetch-site': 'cross-site' }],
  ['a page whose name was made to mean this machine', { host: 'ledger.attacker.example' }],
];

test.each(FORWARDED)('%s is not this machine, whatever proxies are trusted', async (_what, headers) => {
  for (const trustProxy of [undefined, ['127.0.0.1'], 1] as const) {
    const { url } = await serve(trustProxy === undefined ? {} : { trustProxy });
    expect(await readRaw(url, '/api/v1/calls', headers)).toBe(401);
    expect(await readRaw(url, '/metrics', headers)).toBe(401);
    expect(await readRaw(url, '/health/live', headers)).toBe(200);
  }
});

test('strangers learn that it lives and nothing else; this machine and holders learn what is wrong', async () => {
  const own = await serve();
  const { secret } = await keyFor(own.keys, ['metrics:read']);
  const strange = { 'x-forwarded-for': '192.0.2.9' };
  const problems = async (headers: Record<string, string>): Promise<unknown> =>
    (JSON.parse((await read(own, '/health/ready', headers)).text) as { problems: unknown }).problems;
  expect(await problems(strange)).toEqual([]);
  expect(await problems({ ...strange, ...shown(secret) })).toEqual([expect.stringMatching(/^No receiver runs/)]);
  expect(await problems({})).toEqual([expect.stringMatching(/^No receiver runs/)]);
  expect((await read(own, '/metrics', strange)).status).toBe(401);
  expect((await read(own, '/metrics', { ...strange, ...shown(secret) })).status).toBe(200);
  const bound = await keyFor(own.keys, ['metrics:read'], { sources: ['ivr'] });
  expect((await read(own, '/metrics', { ...strange, ...shown(bound.secret) })).status).toBe(403);
});

test.each([
  ['nobody trusted', undefined, '192.0.2.1, 192.0.2.9', '127.0.0.1'],
  ['the proxy trusted by address', ['127.0.0.0/8'], '192.0.2.1, 192.0.2.9', '192.0.2.9'],
  ['one proxy trusted by count', 1, '192.0.2.1, 192.0.2.9', '192.0.2.9'],
  ['two proxies trusted by count', 2, '192.0.2.1, 192.0.2.9', '192.0.2.1'],
  ['a proxy that passes on what is no address', 1, 'unknown', '127.0.0.1'],
])('with %s the trail has the address that can be believed', async (_what, trustProxy, forwarded, address) => {
  const own = await serve(trustProxy === undefined ? {} : { trustProxy });
  const { secret } = await keyFor(own.keys, ['sources:write']);
  await own.graphql(
    'mutation { relearnSource(key: "ivr") { key } }',
    {},
    { ...shown(secret), 'x-forwarded-for': forwarded },
  );
  const { rows } = await api.pool.query(
    `select address, action, subject, kind from audit where action = 'relearnSource'`,
  );
  expect(rows).toEqual([{ address, action: 'relearnSource', subject: 'ivr', kind: 'change' }]);
});

test('a change that was asked for and not made stands in the trail as both', async () => {
  const own = await serve();
  const { secret, prefix } = await keyFor(own.keys, ['sources:write']);
  await own.graphql('mutation { renameSource(key: "nobody", name: "x") { key } }', {}, shown(secret));
  const { rows } = await api.pool.query(
    `select kind, key_prefix, subject, detail from audit where action = 'renameSource' order by kind`,
  );
  expect(rows).toEqual([
    { kind: 'change', key_prefix: prefix, subject: 'nobody', detail: null },
    { kind: 'refused', key_prefix: prefix, subject: 'nobody', detail: 'BadParameters' },
  ]);
});

test('a change that a key may not make stands in the trail as well', async () => {
  const own = await serve();
  const { secret, prefix } = await keyFor(own.keys, ['calls:read']);
  const mutation = 'mutation { renameSource(key: "ivr", name: "x") { key } }';
  expect(await codes(own, mutation, shown(secret))).toEqual(['FORBIDDEN']);
  expect(await codes(own, mutation)).toEqual(['UNAUTHENTICATED']);
  const { rows } = await api.pool.query(
    `select kind, key_prefix, subject, detail from audit where kind <> 'clear_read' order by kind`,
  );
  expect(rows.filter(({ subject }: { subject: string | null }) => subject === 'ivr')).toEqual([
    { kind: 'change', key_prefix: prefix, subject: 'ivr', detail: null },
    { kind: 'refused', key_prefix: prefix, subject: 'ivr', detail: 'Forbidden' },
  ]);
});

test('what an operator changes bears the name of the key', async () => {
  const own = await serve();
  const { secret, prefix } = await keyFor(own.keys, ['sources:write']);
  await own.graphql('mutation { renameSource(key: "ivr", name: "Head office") { key } }', {}, shown(secret));
  const { body } = await own.graphql('{ source(key: "ivr") { changes { by } } }', {}, shown(secret));
  expect(body).toMatchObject({ data: { source: { changes: [{ by: `sources:write (${prefix})` }] } } });
});

test('whoever waits for changes is told nothing by a key that was revoked meanwhile', async () => {
  const own = await serve();
  const { secret, prefix } = await keyFor(own.keys, ['changes:read']);
  const waiting = read(own, '/api/v1/changes?after=now&wait=1', shown(secret));
  await sleep(200);
  await own.keys.revoke(prefix, { name: 'tester', prefix: null, address: 'local' });
  expect((await waiting).status).toBe(401);
});

test('a key revoked elsewhere opens nothing a second later', async () => {
  const own = await serve();
  const { secret, prefix } = await keyFor(own.keys, ['calls:read']);
  expect((await read(own, '/api/v1/calls', shown(secret))).status).toBe(200);
  const elsewhere = new Keys(new PgKeyStore(api.prisma), { now: () => Date.now() });
  await elsewhere.revoke(prefix, { name: 'tester', prefix: null, address: 'local' });
  const revokedAt = performance.now();
  let lastAt = revokedAt;
  while ((await read(own, '/api/v1/calls', shown(secret))).status === 200) lastAt = performance.now();
  expect(lastAt - revokedAt).toBeLessThan(1_000);
});

test('too many requests are a 429 that says when to come again, in both APIs', async () => {
  const own = await serve({ requestsPerS: 1 }, () => api.clock.at);
  const { secret } = await keyFor(own.keys, ['calls:read']);
  for (let i = 0; i < 10; i++) expect((await read(own, '/api/v1/calls', shown(secret))).status).toBe(200);
  const { status, text, headers } = await read(own, '/api/v1/calls', shown(secret));
  expect([status, headers.get('retry-after'), headers.get('content-type')]).toEqual([
    ...[429, '1', 'application/problem+json; charset=utf-8'],
  ]);
  expect(JSON.parse(text)).toMatchObject({ detail: 'More was asked than RATE_LIMIT_PER_S allows. Ask again in 1 s.' });
  expect(await codes(own, '{ calls { edges { cursor } } }', shown(secret))).toEqual(['RATE_LIMITED']);
});

test('health answers whatever else is refused: a key that expired, more than is allowed', async () => {
  const own = await serve({ requestsPerS: 1 }, () => api.clock.at);
  const { secret, prefix } = await keyFor(own.keys, ['calls:read']);
  await own.keys.revoke(prefix, { name: 'tester', prefix: null, address: 'local' });
  for (let i = 0; i < 15; i++) {
    expect((await read(own, '/health/live', shown(secret))).status).toBe(200);
    expect((await read(own, '/health/ready', shown(secret))).status).toBe(200);
  }
  expect((await read(own, '/api/v1/calls')).status).toBe(429);
});

test('a browser is told to load, frame and keep nothing; other origins may ask only where that is set', async () => {
  const origin = 'https://console.example.com';
  const own = await serve();
  const { headers } = await read(own, '/api/v1/calls', { origin });
  expect(Object.fromEntries(headers)).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    'content-security-policy': expect.stringContaining("frame-ancestors 'none'") as string,
  });
  expect(headers.get('access-control-allow-origin')).toBeNull();
  expect(headers.get('x-powered-by')).toBeNull();
  const open = await serve({ corsOrigins: [origin] });
  const preflight = await fetch(`${open.url}/api/v1/calls`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
  });
  expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
  expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization');
  const foreign = await read(open, '/api/v1/calls', { origin: 'https://attacker.example' });
  expect(foreign.headers.get('access-control-allow-origin')).not.toBe('https://attacker.example');
});

test('a key bound to sources sees nothing of others, on any surface', async () => {
  const own = await serve({}, () => api.clock.at);
  await insertCall(api.pool, { call_id: 'theirs' });
  const call = await insertCall(api.pool, { call_id: 'ours', source_key: 'ours' });
  const { rows } = await api.pool.query<{ id: string }>(`select id from call where call_id = 'theirs'`);
  const { secret } = await keyFor(own.keys, PLAIN_SCOPES, { sources: ['ours'] });
  const { body } = await own.get('/openapi.json');
  for (const route of Object.keys(body['paths'] as object).filter((path) => path.startsWith('/api/v1'))) {
    const path = route.replace('{id}', rows[0]?.id ?? '').replace('{key}', 'ivr');
    const { status, text } = await read(own, path, shown(secret));
    if (route.includes('{')) expect([route, status]).toEqual([route, 404]);
    if (route === '/api/v1/receiver') expect(status).toBe(403);
    expect([route, /theirs|"ivr"/.test(text)]).toEqual([route, false]);
  }
  for (const path of ['/api/v1/calls?source=ivr', '/api/v1/calls/active?source=ivr', '/api/v1/gaps?source=ivr']) {
    expect(JSON.parse((await read(own, path, shown(secret))).text)).toMatchObject({ data: [], feed: [] });
  }
  expect((await read(own, `/api/v1/calls/${call.id}`, shown(secret))).status).toBe(200);
  const asked = await own.graphql(
    '{ source(key: "ivr") { key } sources { edges { node { key } } } calls { edges { node { source } } } }',
    ...[{}, shown(secret)],
  );
  expect(asked.body['data']).toEqual({
    ...{ source: null, sources: { edges: [] }, calls: { edges: [{ node: { source: 'ours' } }] } },
  });
  expect(await codes(own, 'mutation { relearnSource(key: "ivr") { key } }', shown(secret))).toEqual(['BAD_USER_INPUT']);
});
