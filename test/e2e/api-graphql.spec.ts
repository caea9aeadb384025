/** GraphQL over real HTTP on real PostgreSQL. */
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from '../../src/generated/prisma/client.js';
import { serveApi, type TestApi, testApi } from '../support/api.js';
import {
  insertCall,
  insertEvidence,
  insertGap,
  insertQuarantine,
  insertReceiver,
  insertSettings,
  insertSource,
  notification,
  RINGING,
  time,
} from '../support/rows.js';

let api: TestApi;
let ids: string[];

beforeAll(async () => {
  api = await testApi();
  await insertSource(api.pool);
  await insertReceiver(api.pool);
  await insertSettings(api.pool);
  await insertQuarantine(api.pool);
  ids = [];
  for (let minute = 0; minute < 5; minute += 1) {
    const { id, callKey } = await insertCall(api.pool, { first_seen_at: time(-minute) });
    await insertEvidence(api.pool, callKey, [
      notification(1, '180', time(-minute)),
      notification(2, 'ok', time(-minute, 5_000)),
    ]);
    await insertGap(api.pool, { call_key: callKey, call_id: 'x', opened_at: time(-minute, 5_000) });
    ids.push(id);
  }
  await insertCall(api.pool, { ...RINGING, first_seen_at: time(-20), stale_at: time(4) });
}, 60_000);
afterAll(() => api.close(), 20_000);

const data = async (query: string, variables: Record<string, unknown> = {}): Promise<unknown> => {
  const { status, body } = await api.graphql(query, variables);
  expect(body['errors']).toBeUndefined();
  expect(status).toBe(200);
  return body['data'];
};

interface GraphQlError {
  readonly message: string;
  readonly extensions: { readonly code: string; readonly id?: string; readonly errors?: readonly unknown[] };
}

const errorOf = async (query: string, variables: Record<string, unknown> = {}): Promise<GraphQlError> => {
  const { body } = await api.graphql(query, variables);
  const [error] = body['errors'] as GraphQlError[];
  if (error === undefined) throw new Error('the query succeeded');
  return error;
};

test('a connection pages by cursor, and says asOf and how far the feed can be trusted', async () => {
  const query = `query ($after: String) { calls(first: 2, after: $after) {
    edges { cursor node { id state firstSeenAt talkMs endedAt } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    asOf feed { source status lastHeardAt gaps heldBackBy } } }`;
  type Shown = { calls: { edges: { cursor: string; node: { id: string } }[]; pageInfo: Record<string, unknown> } };
  const first = (await data(query)) as Shown;
  expect(first.calls).toMatchObject({
    asOf: '2026-03-01T12:00:00.000Z',
    feed: [{ source: 'ivr', status: 'receiving', lastHeardAt: '2026-03-01T12:00:00.000Z', gaps: 5, heldBackBy: null }],
  });
  expect(first.calls.edges[0]?.node).toEqual({
    ...{ id: ids[0], state: 'ended', firstSeenAt: '2026-03-01T12:00:00.000Z', talkMs: 30_000 },
    endedAt: '2026-03-01T12:00:35.000Z',
  });
  expect(first.calls.pageInfo).toEqual({
    ...{ hasNextPage: true, hasPreviousPage: false },
    ...{ startCursor: first.calls.edges[0]?.cursor, endCursor: first.calls.edges[1]?.cursor },
  });
  const second = (await data(query, { after: first.calls.pageInfo['endCursor'] })) as Shown;
  expect(second.calls.edges.map(({ node }) => node.id)).toEqual([ids[2], ids[3]]);
  expect(second.calls.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true });
});

test('filters and sorts are those of REST', async () => {
  const query = `query ($filter: CallFilter, $sort: CallSort!) { calls(filter: $filter, sort: $sort) { edges { node { id } } } }`;
  const shown = async (filter: object, sort = 'firstSeenAt_desc'): Promise<string[]> =>
    ((await data(query, { filter, sort })) as { calls: { edges: { node: { id: string } }[] } }).calls.edges.map(
      ({ node }) => node.id,
    );
  expect(await shown({ state: ['ended'], caller: ['4420*'] })).toEqual(ids);
  expect(await shown({ state: 'ended', settled: true, hasGaps: true, minTalkMs: 30_000 }, 'endedAt_asc')).toEqual(
    [...ids].reverse(),
  );
  expect(await shown({ from: '2026-03-01T13:58:00+02:00', to: time(0).toISOString(), by: 'firstSeenAt' })).toEqual([
    ids[1],
    ids[2],
  ]);
  expect(await shown({ state: null, source: ['other'] })).toEqual([]);
});

test('active calls, gaps, quarantine, sources and settings are answered for', async () => {
  const shown = await data(`{
    activeCalls(filter: { source: "ivr" }) { count edges { node { state talkMs disposition } } }
    deliveryGaps(first: 1, filter: { status: [open] }) { edges { node { kind certainty estimatedLost from to } } pageInfo { hasNextPage } }
    quarantine { edges { node { reason bytesBase64 length } } }
    sources { edges { node { key feed ackHealth copiesPerNotification serialMeaning } } }
    source(key: "ivr") { name } nobody: source(key: "nobody") { name }
    settings { retry intervalMs horizonMs udpHosts }
  }`);
  expect(shown).toEqual({
    activeCalls: { count: 1, edges: [{ node: { state: 'ringing', talkMs: null, disposition: null } }] },
    deliveryGaps: {
      edges: [
        {
          node: {
            ...{ kind: 'state', certainty: 'possible', estimatedLost: null },
            from: time(0, -14_000).toISOString(),
            to: time(0, 5_000).toISOString(),
          },
        },
      ],
      pageInfo: { hasNextPage: true },
    },
    quarantine: { edges: [{ node: { reason: 'fields', bytesBase64: 'Z2FyYmFnZQ==', length: 7 } }] },
    sources: {
      edges: [
        {
          node: { key: 'ivr', feed: 'receiving', ackHealth: 'ok', copiesPerNotification: 1, serialMeaning: 'unknown' },
        },
      ],
    },
    source: { name: 'Main IVR' },
    nobody: null,
    settings: { retry: 6, intervalMs: 3_000, horizonMs: 19_000, udpHosts: ['0.0.0.0'] },
  });
});

test('a call shows its timeline and gaps; one that is not there is null', async () => {
  const query = `query ($id: ID!) { call(id: $id) { id notifications { serial state copies late } gaps { kind } } }`;
  expect(await data(query, { id: ids[1] })).toEqual({
    call: {
      id: ids[1],
      notifications: [
        { serial: '1', state: '180', copies: 1, late: false },
        { serial: '2', state: 'ok', copies: 1, late: false },
      ],
      gaps: [{ kind: 'state' }],
    },
  });
  expect(await data(query, { id: '00000000-0000-4000-8000-000000000000' })).toEqual({ call: null });
});

describe('statements', () => {
  test('a page of calls with timelines and gaps takes as many SQL statements for 500 calls as for one', async () => {
    const statements: string[] = [];
    const adapter = new PrismaPg({ connectionString: api.database.url, max: 2 });
    const counted = new PrismaClient({ adapter, log: [{ emit: 'event', level: 'query' }] });
    counted.$on('query', ({ query }) => statements.push(query));
    const served = await serveApi(counted, () => time(0));
    const asked = `query ($first: Int!) { calls(first: $first) { edges { node { notifications { serial } gaps { kind } } } } }`;
    const countOf = async (first: number): Promise<number> => {
      statements.length = 0;
      expect((await served.graphql(asked, { first })).body['errors']).toBeUndefined();
      return statements.length;
    };
    try {
      expect(await countOf(1)).toBe(5);
      expect(await countOf(500)).toBe(5);
    } finally {
      await served.close();
      await counted.$disconnect();
    }
  });
});

describe('errors', () => {
  test('every fault of the arguments is told at once, under the names GraphQL gives them', async () => {
    const { extensions } = await errorOf(
      `{ calls(first: 0, after: "x", filter: { from: "yesterday", caller: ["*5*"], minTalkMs: -1 }) { asOf } }`,
    );
    expect(extensions.code).toBe('BAD_USER_INPUT');
    expect((extensions.errors as { parameter: string }[]).map(({ parameter }) => parameter).sort()).toEqual([
      'after',
      'caller',
      'first',
      'from',
      'minTalkMs',
    ]);
    expect((await errorOf(`{ calls(after: "x") { asOf } }`)).extensions.errors).toEqual([
      { parameter: 'after', reason: 'is not a cursor this API gave out' },
    ]);
    expect((await errorOf(`{ call(id: "17") { id } }`)).extensions.code).toBe('BAD_USER_INPUT');
  });

  const page = 'calls(first: 500) { edges { node { notifications { serial } gaps { kind } } } }';
  test.each([
    ['half a query', '{', 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', '{ calls { total } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['an unknown filter', '{ calls(filter: { bogus: 1 }) { asOf } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['an unknown state', '{ calls(filter: { state: busy }) { asOf } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['a query of 3,600 words', `{ ${'a: settings { retry } '.repeat(900)} }`, 'GRAPHQL_PARSE_FAILED'],
    ['null where a number must be', 'query ($n: Int) { calls(first: $n) { asOf } }', 'BAD_USER_INPUT', { n: null }],
    ['null for a time zone', 'query ($z: String) { statistics(tz: $z) { asOf } }', 'BAD_USER_INPUT', { z: null }],
    [
      'counts of every minute of 20 days',
      '{ statistics(bucket: minute, filter: { from: "2026-02-01T00:00:00Z", to: "2026-02-21T00:00:00Z" }) { data { calls } } }',
      'QUERY_TOO_COSTLY',
    ],
    ['three pages of 500 calls in one query', `{ a: ${page} b: ${page} c: ${page} }`, 'QUERY_TOO_COSTLY'],
  ])('%s is answered with a code', async (_what, query, code, variables: Record<string, unknown> = {}) => {
    expect((await errorOf(query, variables)).extensions.code).toBe(code);
  });

  test('a page size given as a variable, or as its default, counts as well', async () => {
    const asked = 'edges { node { notifications { serial } gaps { kind } } }';
    const three = ['a', 'b', 'c'].map((name) => `${name}: calls(first: $n) { ${asked} }`).join(' ');
    expect((await errorOf(`query ($n: Int!) { ${three} }`, { n: 500 })).extensions.code).toBe('QUERY_TOO_COSTLY');
    expect((await errorOf(`query ($n: Int = 500) { ${three} }`)).extensions.code).toBe('QUERY_TOO_COSTLY');
    expect(await data(`query ($n: Int!) { ${three} }`, { n: 5 })).toBeDefined();
  });

  test('60 fragments that spread each other twice are refused without counting to 2^60', async () => {
    const fragments = Array.from(
      { length: 60 },
      (_, n) => `fragment F${String(n)} on Query { ...F${String(n + 1)} ... { ...F${String(n + 1)} } }`,
    );
    const query = `{ ...F0 } ${fragments.join(' ')} fragment F60 on Query { settings { retry } }`;
    expect((await errorOf(query)).extensions.code).toBe('QUERY_TOO_COSTLY');
  });

  test('a database that does not answer is an error with an id, never an empty list', async () => {
    const away = new PrismaClient({
      adapter: new PrismaPg({ connectionString: 'postgresql://nobody@127.0.0.1:1/none' }),
    });
    const served = await serveApi(away, () => time(0));
    const { body } = await served.graphql('{ calls { edges { node { id } } } }');
    expect(body).toMatchObject({
      data: null,
      errors: [
        expect.objectContaining({
          extensions: { code: 'DATABASE_UNAVAILABLE', id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string },
        }),
      ],
    });
    await served.close();
    await away.$disconnect();
  });
});

test('a browser is sent to no foreign landing page', async () => {
  const { status, body } = await api.get('/graphql', { headers: { accept: 'text/html' } });
  expect(status).toBe(400);
  expect(JSON.stringify(body)).not.toContain('apollographql');
});

test.each([
  ['half a document', '{', 400],
  ['150 kB', JSON.stringify({ query: `# ${'x'.repeat(150_000)}` }), 413],
])('a body of %s is a problem document', async (_what, body, expected) => {
  const headers = { 'content-type': 'application/json' };
  const { status, type } = await api.get('/graphql', { method: 'POST', headers, body });
  expect([status, type]).toEqual([expected, 'application/problem+json; charset=utf-8']);
});

test('introspection works, for tools that ask for it', async () => {
  const { __schema } = (await data('{ __schema { queryType { fields { name } } } }')) as {
    __schema: { queryType: { fields: { name: string }[] } };
  };
  expect(__schema.queryType.fields.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['activeCalls', 'call', 'calls', 'deliveryGaps', 'quarantine', 'settings', 'sources']),
  );
});
