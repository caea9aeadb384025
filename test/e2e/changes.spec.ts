/**
 * The changes feed over REST and GraphQL. docs/needs.md 17: corrections after billing come as revisions with what they changed
 * (ivozprovider#525, coopcycle-web#4894); paging does not drift (kazoo PR 5491).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { PgLedgerStore } from '../../src/store/ledger/ledger.js';
import { PgSweepStore } from '../../src/store/sweep/sweep.js';
import { type Answer, type TestApi, testApi } from '../support/api.js';
import { arrival, EPOCH } from '../support/arrivals.js';
import { life, LONG_AFTER, SOURCE, stage, write } from '../support/lives.js';
import { neighboursDone } from '../support/neighbours.js';
import { insertReceiver, insertSource } from '../support/rows.js';

interface Told {
  readonly id: string;
  readonly revision: number;
  readonly superseded: boolean;
  readonly billable: boolean;
  readonly reasons: readonly string[];
  readonly previous: Readonly<Record<string, unknown>> | null;
  readonly call: Readonly<Record<string, unknown>>;
}

let api: TestApi;
let ledger: PgLedgerStore;
let sweep: PgSweepStore;

beforeAll(async () => {
  api = await testApi();
  api.clock.at = new Date(EPOCH + 60_000);
  ledger = new PgLedgerStore(api.prisma, { now: () => api.clock.at.getTime() });
  sweep = new PgSweepStore(api.prisma);
  await insertSource(api.pool, { key: SOURCE, name: SOURCE, last_heard_at: api.clock.at });
  await insertReceiver(api.pool, { beat_at: api.clock.at, durable_through: api.clock.at });
}, 60_000);
afterAll(() => api.close(), 20_000);

function settle(): Promise<number> {
  return sweep.settle(LONG_AFTER, api.clock.at.getTime(), 1_000);
}

async function changes(query = ''): Promise<{ data: readonly Told[]; next: string; more: boolean; answer: Answer }> {
  await neighboursDone(api.pool);
  const answer = await api.get(`/api/v1/changes?${query}`);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  const { data, page } = answer.body as { data: readonly Told[]; page: { nextCursor: string; more: boolean } };
  return { data, next: page.nextCursor, more: page.more, answer };
}

/** Where the feed is now: tests share one database and look only at what they write. */
async function here(filter = ''): Promise<string> {
  return (await changes(`after=now${filter}`)).next;
}

describe('a page', () => {
  test('tells every revision of a call with what changed, and says when it can be charged', async () => {
    const from = await here();
    for (const index of [0, 1, 2] as const) await write(ledger, stage('a', index));
    await settle();
    const { data, answer } = await changes(`after=${from}`);
    expect(data.map(({ revision, billable, reasons, call }) => [revision, call['state'], billable, reasons])).toEqual([
      [1, 'ringing', false, ['not_settled']],
      [2, 'answered', false, ['not_settled']],
      [3, 'ended', false, ['not_settled']],
      [4, 'ended', true, []],
    ]);
    expect(data[0]?.previous).toBeNull();
    expect(data[1]?.previous).toMatchObject({ state: 'ringing', answeredAt: null, ringMs: null });
    expect(data[2]?.previous).toMatchObject({ state: 'answered', talkMs: null, endProvenance: null });
    expect(data[3]?.previous).toEqual({ settled: false });
    expect(Object.keys(answer.body)).toEqual(['data', 'page', 'asOf', 'feed']);
    expect(Object.keys(data[0] ?? {})).toEqual([
      'id',
      'revision',
      'superseded',
      'billable',
      'reasons',
      'previous',
      'call',
    ]);
  });

  test('shows a call as it was at that revision, in the fields of /calls', async () => {
    const from = await here();
    await write(ledger, ...life('b'));
    const { data } = await changes(`after=${from}`);
    const id = data[0]?.id ?? '';
    const { notifications, gaps, ...now } = (await api.get(`/api/v1/calls/${id}`)).body;
    expect([notifications, gaps]).toEqual([expect.any(Array), expect.any(Array)]);
    expect(data.at(-1)?.call).toEqual(now);
  });

  test('with settled=true is told once per settling, with what changed since the last', async () => {
    const from = await here('&settled=true');
    await write(ledger, ...life('c'));
    await settle();
    await write(ledger, arrival('c', '9', 'ok', 4_000, { menuId: '9' }));
    await settle();
    const data = (await changes(`after=${from}&settled=true`)).data.filter(({ call }) => call['callId'] === 'c');
    expect(data.map(({ revision, call, billable, reasons }) => [revision, call['settled'], billable, reasons])).toEqual(
      [
        [2, true, true, []],
        [4, true, false, ['conflict']],
      ],
    );
    expect(data[0]?.previous).toBeNull();
    expect(data[1]?.previous).toMatchObject({ conflict: false, notificationCount: 3 });
  });

  test('tells of an id that a re-cut took away', async () => {
    const from = await here('&settled=true');
    await write(ledger, arrival('r', '3', 'ok', 60_000));
    await write(ledger, arrival('r', '1', 'ringing', 30_000));
    const { data } = await changes(`after=${from}&settled=true`);
    expect(data).toMatchObject([{ revision: 2, superseded: true, billable: false }]);
    expect(data[0]?.reasons).toContain('superseded');
  });

  test('of a source tells of no other', async () => {
    const from = await here('&source=nobody');
    await write(ledger, ...life('d'));
    expect((await changes(`after=${from}&source=nobody`)).data).toEqual([]);
  });

  test('has a cursor also when it is empty, and the feed goes on from any of them', async () => {
    const from = await here();
    const empty = await changes(`after=${from}`);
    expect(empty).toMatchObject({ data: [], more: false, next: expect.any(String) as string });
    await write(ledger, ...['e', 'f', 'g'].flatMap((id) => life(id)));
    const told: string[] = [];
    for (let next = empty.next, more = true; more;) {
      const page = await changes(`after=${next}&limit=2`);
      told.push(...page.data.map(({ call }) => String(call['callId'])));
      ({ next, more } = page);
    }
    expect(told.sort()).toEqual(['e', 'f', 'g']);
  });
});

describe('a wait', () => {
  test('ends with the change it waited for', async () => {
    const from = await here();
    const started = performance.now();
    const waiting = changes(`after=${from}&wait=20`);
    await sleep(300);
    await write(ledger, stage('w', 0));
    expect((await waiting).data).toMatchObject([{ revision: 1 }]);
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('goes on past changes that the filter keeps out, and ends empty when its time is over', async () => {
    const from = await here('&settled=true');
    const waiting = changes(`after=${from}&wait=1&settled=true`);
    await write(ledger, stage('x', 0));
    const { data, next } = await waiting;
    expect(data).toEqual([]);
    expect(next).not.toBe(from);
  });
});

describe('a request that cannot be answered', () => {
  test.each([
    ['after=nonsense', 'after'],
    ['limit=501', 'limit'],
    ['wait=31', 'wait'],
    ['cursor=x', 'cursor'],
  ])('?%s is a 400', async (query, parameter) => {
    const { status, body } = await api.get(`/api/v1/changes?${query}`);
    expect([status, body['errors']]).toEqual([400, [expect.objectContaining({ parameter })]]);
  });

  test('a cursor of another filter is a 400 that says so', async () => {
    const { status, body } = await api.get(`/api/v1/changes?after=${await here()}&settled=true`);
    expect(status).toBe(400);
    expect(JSON.stringify(body['errors'])).toContain('belongs to another query');
  });

  test('a cursor from before a restored copy is a 410, in REST and in GraphQL', async () => {
    const from = await here();
    await api.pool.query('update change_base set epoch = epoch + 1');
    const { status, body } = await api.get(`/api/v1/changes?after=${from}`);
    expect([status, body['title']]).toEqual([410, 'Gone']);
    expect(body['detail']).toContain('Begin again without after');
    const graphql = await api.graphql(`{ changes(after: "${from}") { pageInfo { endCursor } } }`);
    expect(graphql.body['errors']).toMatchObject([{ extensions: { code: 'CURSOR_GONE' } }]);
  });
});

test('GraphQL tells the same', async () => {
  const from = await here();
  await write(ledger, stage('q', 0), stage('q', 1));
  await write(ledger, stage('q', 2));
  const { data } = await changes(`after=${from}`);
  const { body } = await api.graphql(
    `query ($after: String) { changes(after: $after, first: 10) {
      edges { cursor node { id revision billable reasons previous { field before } call { state talkMs } } }
      pageInfo { hasNextPage endCursor } feed { source status } } }`,
    { after: from },
  );
  const { edges, pageInfo } = (
    body['data'] as { changes: { edges: { cursor: string; node: Told }[]; pageInfo: object } }
  ).changes;
  expect(edges.map(({ node }) => [node.id, node.revision, node.billable, node.call])).toEqual(
    data.map(({ id, revision, billable, call }) => [
      id,
      revision,
      billable,
      { state: call['state'], talkMs: call['talkMs'] },
    ]),
  );
  expect(edges[1]?.node.previous).toContainEqual({ field: 'state', before: 'answered' });
  expect(pageInfo).toMatchObject({ hasNextPage: false });
  const next = await changes(`after=${edges[0]?.cursor ?? ''}`);
  expect(next.data).toEqual(data.slice(1));
});

test('a long transaction that keeps changes back is named with every source', async () => {
  const from = await here();
  const long = await api.pool.connect();
  await long.query('begin');
  await long.query('select pg_current_xact_id()');
  await write(ledger, stage('h', 0));
  await api.pool.query(`update call_change set at = at - interval '10 s' where call_id = 'h'`);
  const { data, answer } = await changes(`after=${from}`);
  expect(data).toEqual([]);
  expect(answer.body['feed']).toEqual([
    expect.objectContaining({
      status: 'impaired',
      heldBackBy: expect.stringMatching(
        /^transaction of PostgreSQL process \d+ \(idle in transaction\), since \d{4}-/,
      ) as string,
    }),
  ]);
  await long.query('rollback');
  long.release();
  expect((await changes(`after=${from}`)).data).toHaveLength(1);
});
