/** One definition of filters: whatever REST takes GraphQL takes too, and both find the same calls. */
import { type TestApi, testApi } from '../support/api.js';
import { insertCall, insertGap, insertSource, RINGING, time } from '../support/rows.js';

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
  await insertSource(api.pool);
  const { callKey } = await insertCall(api.pool, {
    first_seen_at: time(-9),
    caller_number: '+4420715551',
    revision: 4,
  });
  await insertGap(api.pool, { call_key: callKey, opened_at: time(-9) });
  await insertCall(api.pool, {
    first_seen_at: time(-8),
    disposition: 'unknown',
    end_provenance: 'presumed',
    menu_id: '7',
  });
  await insertCall(api.pool, {
    first_seen_at: time(-7),
    forward_number: '8005551000',
    talk_ms: 90_000,
    source_key: 'two',
  });
  await insertCall(api.pool, { ...RINGING, first_seen_at: time(-6), call_id: 'rings-now', stale_at: time(9) });
}, 60_000);
afterAll(() => api.close(), 20_000);

const byRest = async (asked: Readonly<Record<string, string | readonly string[]>>): Promise<unknown> => {
  const query = new URLSearchParams(
    Object.entries(asked).flatMap(([name, value]) => [value].flat().map((one): [string, string] => [name, one])),
  );
  const { status, body } = await api.get(`/api/v1/calls?${query.toString()}`);
  expect(status).toBe(200);
  return (body['data'] as { id: string }[]).map(({ id }) => id);
};

const byGraphql = async (filter: object): Promise<unknown> => {
  const { body } = await api.graphql(
    'query ($filter: CallFilter) { calls(filter: $filter) { edges { node { id } } } }',
    { filter },
  );
  expect(body['errors']).toBeUndefined();
  const { calls } = body['data'] as { calls: { edges: { node: { id: string } }[] } };
  return calls.edges.map(({ node }) => node.id);
};

test('GraphQL has a field for every filter of REST, and no other', async () => {
  const { body: document } = await api.get('/openapi.json');
  const paths = document['paths'] as Record<string, { get: { parameters: { name: string }[] } }>;
  const { body } = await api.graphql('{ __type(name: "CallFilter") { inputFields { name } } }');
  const { __type } = body['data'] as { __type: { inputFields: { name: string }[] } };
  const own = ['sort', 'limit', 'cursor', 'count'];
  const names = paths['/api/v1/calls']?.get.parameters.map(({ name }) => name).filter((name) => !own.includes(name));
  expect(__type.inputFields.map(({ name }) => name).sort()).toEqual(names?.sort());
});

test.each<[string, object, number]>([
  ['by=endedAt', { by: 'endedAt', from: time(-9).toISOString(), to: time(-8).toISOString() }, 1],
  ['need 12: several numbers in one filter', { caller: ['+4420*', '*71234*', '1'] }, 4],
  ['state', { state: ['ringing', 'answered'] }, 1],
  ['disposition', { disposition: ['unknown'] }, 1],
  ['dispositionBasis', { dispositionBasis: ['reported'] }, 3],
  ['endProvenance', { endProvenance: ['presumed'] }, 1],
  ['forward', { forward: ['800*'] }, 1],
  ['menuId', { menuId: ['7'] }, 1],
  ['source', { source: ['two'] }, 1],
  ['callId', { callId: ['rings-now'] }, 1],
  ['q in the Call ID', { q: 'rings' }, 1],
  ['q in a number', { q: '5551' }, 2],
])('%s finds the same by REST and by GraphQL', async (_name, filter, calls) => {
  const found = await byRest(filter as Record<string, string>);
  expect(found).toHaveLength(calls);
  expect(await byGraphql(filter)).toEqual(found);
});

test.each<[Record<string, string>, object, number]>([
  [{ minTalkMs: '30001', maxTalkMs: '90000' }, { minTalkMs: 30_001, maxTalkMs: 90_000 }, 1],
  [{ minRingMs: '5000', maxRingMs: '5000' }, { minRingMs: 5_000, maxRingMs: 5_000 }, 3],
  [{ minRevision: '2', maxRevision: '4' }, { minRevision: 2, maxRevision: 4 }, 1],
  [{ hasGaps: 'true', settled: 'true' }, { hasGaps: true, settled: true }, 1],
])('%j finds the same by REST and by GraphQL', async (asked, filter, calls) => {
  const found = await byRest(asked);
  expect(found).toHaveLength(calls);
  expect(await byGraphql(filter)).toEqual(found);
});

test('need 9: totals are told only when asked for, by both', async () => {
  const { body } = await api.get('/api/v1/calls?limit=1');
  expect(body['total']).toBeNull();
  const { body: counted } = await api.get('/api/v1/calls?limit=1&count=exact');
  expect(counted['total']).toEqual({ calls: 4, basis: 'exact' });
  const query = '{ a: calls(first: 1) { total { calls } } b: calls(first: 1, count: exact) { total { calls basis } } }';
  const { body: told } = await api.graphql(query);
  expect(told['data']).toEqual({ a: { total: null }, b: { total: { calls: 4, basis: 'exact' } } });
  const { status } = await api.get('/api/v1/calls/active?count=exact');
  expect(status).toBe(400);
});

test('a range backwards is a problem that says which way round, by both', async () => {
  const fault = { parameter: 'maxTalkMs', reason: 'must not be smaller than minTalkMs' };
  const { status, type, body } = await api.get('/api/v1/calls?minTalkMs=2&maxTalkMs=1');
  expect([status, type, body['errors']]).toEqual([400, 'application/problem+json; charset=utf-8', [fault]]);
  const { body: refused } = await api.graphql('{ calls(filter: { minTalkMs: 2, maxTalkMs: 1 }) { asOf } }');
  expect(refused['errors']).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', errors: [fault] } }]);
});

test('what a query was reckoned at stands beside its answer, and beside its refusal', async () => {
  const page = 'edges { node { id notifications { serial } gaps { kind } } }';
  const { body } = await api.graphql(`{ calls(first: 500) { ${page} } }`);
  expect(body['extensions']).toEqual({ cost: { records: 11_000, recordsMax: 25_000, depth: 5, depthMax: 8 } });
  const { status, body: refused } = await api.graphql(
    `{ a: calls(first: 500) { ${page} } b: calls(first: 500) { ${page} } c: calls(first: 500) { ${page} } }`,
  );
  expect([status, refused['errors']]).toMatchObject([400, [{ extensions: { code: 'QUERY_TOO_COSTLY' } }]]);
  expect(refused['extensions']).toMatchObject({ cost: { records: 33_000 } });
});
