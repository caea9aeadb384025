/** Statistics over real HTTP: the same through REST and GraphQL, and what a faulty question gets. */
import { type TestApi, testApi } from '../support/api.js';
import { insertCall, insertReceiver, insertSource, RINGING, time } from '../support/rows.js';

const ROW =
  'bucketStart group calls answered notAnswered unknown answerRatioRung acdMs ringMsP50 ringMsP95 concurrencyPeak gaps';

let api: TestApi;
beforeAll(async () => {
  api = await testApi();
  await insertSource(api.pool);
  await insertReceiver(api.pool);
  await insertCall(api.pool, { first_seen_at: time(-90), menu_id: '7' });
  await insertCall(api.pool, { first_seen_at: time(-30), menu_id: '8', talk_ms: 3_000_000_000 });
}, 60_000);
afterAll(() => api.close(), 20_000);

test('a row has the fields of the contract, and the answer says as of when and how far each feed can be trusted', async () => {
  const { status, body } = await api.get('/api/v1/statistics?bucket=hour');
  expect([status, Object.keys(body)]).toEqual([200, ['data', 'asOf', 'feed']]);
  const data = body['data'] as Record<string, unknown>[];
  expect([data.length, Object.keys(data[0] ?? {}).join(' ')]).toEqual([24, ROW]);
  expect(data.map(({ calls }) => calls).slice(-2)).toEqual([1, 1]);
  expect(data.at(-1)).toMatchObject({ bucketStart: '2026-03-01T11:00:00.000Z', acdMs: 3_000_000_000 });
  expect(body['feed']).toEqual([expect.objectContaining({ source: 'ivr', status: 'receiving' })]);
});

test('GraphQL answers the same question with the same rows', async () => {
  const filter = { from: time(-120).toISOString(), to: time(0).toISOString(), menuId: ['7', '8'] };
  const rest = await api.get(
    `/api/v1/statistics?from=${filter.from}&to=${filter.to}&menuId=7&menuId=8&bucket=P1D&groupBy=menu&tz=Asia/Kolkata`,
  );
  const asked = 'bucket: P1D, groupBy: menu, tz: "Asia/Kolkata"';
  const { body } = await api.graphql(
    `query ($filter: CallFilter) { statistics(filter: $filter, ${asked}) { data { ${ROW} } asOf feed { source } } }`,
    { filter },
  );
  const { statistics } = body['data'] as { statistics: { data: unknown } };
  expect(statistics.data).toEqual(rest.body['data']);
  expect(rest.body['data']).toMatchObject([
    { bucketStart: '2026-02-28T18:30:00.000Z', group: '7', calls: 1 },
    { group: '8' },
  ]);
});

test('need 13: active calls are grouped by a filter on their states', async () => {
  await insertCall(api.pool, { ...RINGING, first_seen_at: time(-1), stale_at: time(4), menu_id: '9' });
  const { body } = await api.get('/api/v1/statistics?bucket=all&groupBy=menu&state=ringing&state=answered');
  expect(body['data']).toMatchObject([{ group: '9', calls: 1, concurrencyPeak: 1, answerRatioRung: null }]);
});

describe('a faulty question is a problem document that names every fault', () => {
  test.each([
    ['tz=Europe/Atlantis&bucket=fortnight&groupBy=colour&limit=3', ['limit', 'bucket', 'groupBy', 'tz']],
    ['from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z', ['to']],
    ['from=2000-01-01T00:00:00Z&bucket=minute', ['bucket']],
    ['tz=%2B01:00', ['tz']],
  ])('%s', async (asked, parameters) => {
    const { status, type, body } = await api.get(`/api/v1/statistics?${asked}`);
    expect([status, type]).toEqual([400, 'application/problem+json; charset=utf-8']);
    expect((body['errors'] as { parameter: string }[]).map(({ parameter }) => parameter).sort()).toEqual(
      parameters.sort(),
    );
  });

  test('in GraphQL a typed error', async () => {
    const { body } = await api.graphql('{ statistics(tz: "Mars/Olympus") { asOf } }');
    expect(body['errors']).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });
});
