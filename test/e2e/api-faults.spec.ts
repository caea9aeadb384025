/** What REST says of requests that cannot be answered. */
import { randomUUID } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../../src/generated/prisma/client.js';
import { serveApi, type TestApi, testApi } from '../support/api.js';
import { insertCall, insertSource, time } from '../support/rows.js';

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
  await insertSource(api.pool);
  await insertCall(api.pool, { first_seen_at: time(-10) });
  await insertCall(api.pool, { first_seen_at: time(-9) });
}, 60_000);
afterAll(() => api.close(), 20_000);

describe('a faulty request', () => {
  const CALLS = '/api/v1/calls';
  const FAULTS: readonly (readonly [string, readonly string[]])[] = [
    [`${CALLS}?bogus=1`, ['bogus']],
    [`${CALLS}?from=yesterday`, ['from']],
    [`${CALLS}?from=2026-03-01T00:00:00`, ['from']],
    [`${CALLS}?from=2026-02-30T00:00:00Z`, ['from']],
    [`${CALLS}?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z`, ['to']],
    [`${CALLS}?from=2026-03-02T00:00:00Z&to=2026-03-01T23:59:59Z&limit=x&cursor=abc`, ['cursor', 'limit', 'to']],
    [`${CALLS}?from=2026-03-01T00:00:00Z&from=2026-03-02T00:00:00Z`, ['from']],
    [`${CALLS}?from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59-14:00`, ['from', 'to']],
    [`${CALLS}?by=updatedAt`, ['by']],
    [`${CALLS}?state=busy`, ['state']],
    [`${CALLS}?state=ended&state=busy`, ['state']],
    [`${CALLS}?state=`, ['state']],
    [`${CALLS}?disposition=maybe`, ['disposition']],
    [`${CALLS}?caller=*555*`, ['caller']],
    [`${CALLS}?caller=*`, ['caller']],
    [`${CALLS}?caller=**`, ['caller']],
    [`${CALLS}?callee=*5551`, ['callee']],
    [`${CALLS}?forward=44*20`, ['forward']],
    [`${CALLS}?caller=%00`, ['caller']],
    [`${CALLS}?menuId=${'x'.repeat(300)}`, ['menuId']],
    [`${CALLS}?${'callId=a&'.repeat(101)}`, ['callId']],
    [`${CALLS}?minTalkMs=-1`, ['minTalkMs']],
    [`${CALLS}?minTalkMs=1.5`, ['minTalkMs']],
    [`${CALLS}?minTalkMs=99999999999999999999`, ['minTalkMs']],
    [`${CALLS}?hasGaps=yes`, ['hasGaps']],
    [`${CALLS}?settled=1`, ['settled']],
    [`${CALLS}?sort=duration`, ['sort']],
    [`${CALLS}?sort=--talkMs`, ['sort']],
    [`${CALLS}?limit=0`, ['limit']],
    [`${CALLS}?limit=501`, ['limit']],
    [`${CALLS}?limit=1&limit=2`, ['limit']],
    [`${CALLS}?cursor=nonsense`, ['cursor']],
    [`${CALLS}?cursor=`, ['cursor']],
    [`${CALLS}?a=1&from=x&limit=0&sort=y`, ['a', 'from', 'limit', 'sort']],
    [`${CALLS}?__proto__=1&constructor=2`, ['__proto__', 'constructor']],
    [`${CALLS}/active?bogus=1`, ['bogus']],
    [`${CALLS}/17`, ['id']],
    [`${CALLS}/${randomUUID()}?bogus=1`, ['bogus']],
    ['/api/v1/gaps?kind=loss&certainty=sure&status=shut&state=open', ['certainty', 'kind', 'state', 'status']],
    ['/api/v1/quarantine?kind=x', ['kind']],
    ['/api/v1/sources?source=ivr', ['source']],
    ['/api/v1/sources/ivr?x=1', ['x']],
    ['/api/v1/settings?x=1', ['x']],
  ];
  const titled = FAULTS.map(([path, parameters]) => [path.slice(0, 90), path, parameters] as const);
  test.each(titled)('%s is a 400 that names every fault', async (_title, path, parameters) => {
    const { status, type, body } = await api.get(path);
    expect([status, type]).toEqual([400, 'application/problem+json; charset=utf-8']);
    expect(body).toMatchObject({ type: 'about:blank', title: 'Bad Request', status: 400 });
    const errors = body['errors'] as { parameter: string; reason: string }[];
    expect(errors.map(({ parameter }) => parameter).sort()).toEqual(parameters);
    expect(errors.every(({ reason }) => reason.length > 5)).toBe(true);
  });

  test('a period that is empty is no fault, and holds nothing; the last instant of ISO 8601 may end one', async () => {
    for (const list of ['calls', 'gaps']) {
      const path = `/api/v1/${list}?from=2026-03-01T00:00:00Z&to=2026-03-01T00:00:00Z`;
      expect((await api.get(path)).body).toMatchObject({ data: [] });
    }
    const open = '?from=2026-03-01T00:00:00Z&to=9999-12-31T23:59:59.999Z';
    expect((await api.get(`/api/v1/calls${open}`)).status).toBe(200);
    expect((await api.get(`/api/v1/gaps${open}`)).status).toBe(200);
    const { status, body } = await api.get(
      '/api/v1/statistics?from=2026-03-01T00:00:00Z&to=2026-03-01T00:00:00Z&bucket=hour',
    );
    expect([status, body['data']]).toEqual([200, []]);
  });

  test('a cursor of another query, sort or list is a 400', async () => {
    const { body } = await api.get('/api/v1/calls?limit=1');
    const cursor = (body['page'] as { nextCursor: string }).nextCursor;
    expect((await api.get(`/api/v1/calls?limit=7&cursor=${cursor}`)).status).toBe(200);
    for (const other of [
      'calls?settled=true',
      'calls?sort=talkMs',
      'calls/active?',
      'gaps?',
      'quarantine?',
      'sources?',
    ]) {
      expect((await api.get(`/api/v1/${other}&cursor=${cursor}`)).body).toMatchObject({
        errors: [{ parameter: 'cursor', reason: expect.stringContaining('another query') as string }],
      });
    }
  });

  test.each([
    ['GET', '/nope', 404],
    ['GET', '/api/v1/nope', 404],
    ['GET', `/api/v1/calls/${randomUUID()}`, 404],
    ['GET', '/api/v1/sources/nobody', 404],
    ['GET', '/api/v1/sources/%00', 404],
    ['POST', '/api/v1/calls', 405],
    ['DELETE', `/api/v1/calls/${randomUUID()}`, 405],
    ['PUT', '/health/live', 405],
    ['GET', '/api/v1/calls/%E0%A4%A', 400],
  ])('%s %s is a problem document with status %i', async (method, path, expected) => {
    const { status, type, body, headers } = await api.get(path, { method });
    expect([status, type]).toEqual([expected, 'application/problem+json; charset=utf-8']);
    expect(body).toMatchObject({ status: expected, instance: expect.stringMatching(/^urn:uuid:/) as string });
    expect(headers.get('allow')).toBe(expected === 405 ? 'GET, HEAD' : null);
  });
});

describe('a database that does not answer', () => {
  const paths = [
    'calls',
    'calls/active',
    `calls/${randomUUID()}`,
    'gaps',
    'quarantine',
    'sources',
    'sources/ivr',
    'settings',
  ];
  test.each(paths)(
    '/%s is a 503 with an id and says no host, name or password; never an empty list or a 404',
    async (path) => {
      const { body, status, type, headers } = await away.get(`/api/v1/${path}`);
      expect([status, type]).toEqual([503, 'application/problem+json; charset=utf-8']);
      expect(body).toEqual({
        type: 'about:blank',
        title: 'Service Unavailable',
        status: 503,
        detail: 'The database did not answer, so nothing is known; this does not mean there is nothing.',
        instance: expect.stringMatching(/^urn:uuid:/) as string,
      });
      expect(headers.get('retry-after')).toBe('5');
    },
  );

  test('the program lives, is not ready, and says what to do', async () => {
    expect((await away.get('/health/live')).status).toBe(200);
    const { status, body } = await away.get('/health/ready');
    expect(status).toBe(503);
    expect(body).toMatchObject({ status: 'not_ready', problems: [expect.stringContaining('DATABASE_URL') as string] });
  });

  let away: Awaited<ReturnType<typeof serveApi>>;
  let client: PrismaClient;
  beforeAll(async () => {
    client = new PrismaClient({
      adapter: new PrismaPg({ connectionString: 'postgresql://someone:secret@127.0.0.1:1/none' }),
    });
    away = await serveApi(client, () => time(0));
  });
  afterAll(async () => {
    await away.close();
    await client.$disconnect();
  });
});
