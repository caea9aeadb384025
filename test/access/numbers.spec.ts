/**
 * docs/needs.md 16, "a filter undoes the mask": every way by which a number could be learned without `numbers:clear` is tried,
 * on every surface there is. New filters, routes and fields are tried without being named here.
 */
import { getNamedType, type GraphQLObjectType, isObjectType } from 'graphql';
import { GraphQLSchemaHost } from '@nestjs/graphql';
import { NUMBER_FIELDS } from '../../src/access/mask.js';
import { maskedNumber } from '../../src/log.mask.js';
import { callKeyOf } from '../../src/lifecycle/keys.js';
import { CALL_FILTER, CALL_SORTS } from '../../src/query/filters.js';
import { type TestApi, testApi } from '../support/api.js';
import {
  insertCall,
  insertEvidence,
  insertGap,
  insertQuarantine,
  insertSource,
  notification,
  time,
} from '../support/rows.js';
import { codes, keyFor, PLAIN_SCOPES, read, shown } from './kit.js';

const CALLER = '+442071234512';
const CALLEE = '15550009876';
const FORWARD = '4930123456';
/** What the callee was in an earlier revision. */
const FORMER = '+33999888777';
const NUMBERS = [CALLER, CALLEE, FORWARD, FORMER];
/** The digits that a mask hides, and what bytes with them look like in base64 at any of three offsets. */
const SECRETS = NUMBERS.flatMap((number) => {
  const hidden = number.slice(number.length - 7, number.length - 2);
  return [hidden, ...[0, 1, 2].map((at) => Buffer.from(number.slice(at)).toString('base64').slice(2, 12))];
});

let api: TestApi;
let masked: Record<string, string>;
let clear: Record<string, string>;
let id: string;

beforeAll(async () => {
  api = await testApi();
  const numbers = { caller_number: CALLER, callee_number: CALLEE, forward_number: FORWARD };
  await insertSource(api.pool);
  const call = await insertCall(api.pool, { ...numbers, call_id: 'c1' });
  ({ id } = call);
  await insertCall(api.pool, {
    ...numbers,
    call_id: 'c2',
    settled: false,
    state: 'ringing',
    ended_at: null,
    first_seen_at: time(0, 1),
  });
  await tellChanges();
  // A state nobody knows is free text: a datagram with its fields in another order has a number there.
  const strange = { ...notification(2, `other:${CALLER}`, time(0, 9)), stateRaw: CALLER };
  await insertEvidence(api.pool, call.callKey, [notification(1, 'ok', time(0)), strange]);
  await insertGap(api.pool, { call_key: call.callKey, call_id: 'c1' });
  const bytes = Buffer.from(`c9,1,OK,${CALLER},${CALLEE},${FORWARD},,`);
  await insertQuarantine(api.pool, { bytes });
  masked = shown(
    (
      await keyFor(
        api.keys,
        PLAIN_SCOPES.filter((scope) => scope !== 'numbers:clear'),
      )
    ).secret,
  );
  clear = shown((await keyFor(api.keys, PLAIN_SCOPES)).secret);
}, 60_000);
afterAll(() => api.close(), 20_000);

/** Each call as its first revision, and as a second one with other numbers before it. */
async function tellChanges(): Promise<void> {
  const shared = await api.pool.query<{ name: string }>(
    `select column_name as name from information_schema.columns where table_name = 'call_change'
     intersect select column_name from information_schema.columns where table_name = 'call'`,
  );
  const names = shared.rows.map(({ name }) => name).filter((name) => name !== 'revision' && name !== 'callee_number');
  await api.pool.query(
    `insert into call_change (tx, at, superseded, revision, callee_number, ${names.join(', ')})
     select n, $1, false, n, case n when 1 then $2 else callee_number end, ${names.join(', ')}
     from call, generate_series(1, 2) as n`,
    [time(0), FORMER],
  );
}

function expectNothing(text: string): void {
  expect(SECRETS.filter((secret) => text.includes(secret))).toEqual([]);
}

async function routes(): Promise<readonly string[]> {
  const { body } = await api.get('/openapi.json');
  return Object.keys(body['paths'] as object).map((path) => path.replace('{id}', id).replace('{key}', 'ivr'));
}

test('no route shows a number, its bytes or a part of it', async () => {
  for (const path of await routes()) {
    for (const more of [
      '',
      '?limit=1',
      '?groupBy=callerPrefix',
      '?groupBy=calleePrefix',
      '?format=ndjson',
      '?settled=true',
    ]) {
      expectNothing((await read(api, `${path}${more}`, masked)).text);
    }
  }
  const { text } = await read(api, `/api/v1/calls/${id}`, masked);
  expect(JSON.parse(text)).toMatchObject({
    callerNumber: '+4420*****12',
    calleeNumber: '1555*****76',
    forwardNumber: '493*****56',
  });
  expect(JSON.parse((await read(api, '/api/v1/quarantine', masked)).text)).toMatchObject({
    data: [{ bytesBase64: null }],
  });
});

test('the same routes show them to whoever may see them', async () => {
  expect((await read(api, '/api/v1/changes', clear)).text).toContain(`"previous":{"calleeNumber":"${FORMER}"}`);
  expect((await read(api, `/api/v1/calls/${id}`, clear)).text).toContain(`other:${CALLER}`);
  expect((await read(api, '/api/v1/exports/calls', clear)).text).toContain(CALLER);
  expect((await read(api, `/api/v1/calls/${id}`, clear)).text).toContain(CALLER);
  expect((await read(api, '/api/v1/quarantine', clear)).text).toContain(
    Buffer.from(`c9,1,OK,${CALLER}`).toString('base64').slice(0, 20),
  );
});

/** A selection of every field of a type, two levels down. */
function selectionOf(type: GraphQLObjectType, depth: number): string {
  const fields = Object.values(type.getFields()).flatMap((field) => {
    const named = getNamedType(field.type);
    if (!isObjectType(named)) return [field.name];
    return depth === 0 ? [] : [`${field.name} ${selectionOf(named, depth - 1)}`];
  });
  return `{ ${fields.length === 0 ? '__typename' : fields.join(' ')} }`;
}

test('no field of GraphQL shows a number, its bytes or a part of it', async () => {
  const { schema } = api.app.get(GraphQLSchemaHost, { strict: false });
  const given: Readonly<Record<string, string>> = {
    id: `id: "${id}"`,
    key: 'key: "ivr"',
    groupBy: 'groupBy: callerPrefix',
  };
  for (const field of Object.values(schema.getQueryType()?.getFields() ?? {})) {
    const named = getNamedType(field.type);
    if (!isObjectType(named)) continue;
    const told = field.args.flatMap(({ name }) => given[name] ?? []);
    const query = `{ ${field.name}${told.length === 0 ? '' : `(${told.join(', ')})`} ${selectionOf(named, 3)} }`;
    const { body } = await api.graphql(query, {}, masked);
    expectNothing(JSON.stringify(body));
  }
  const { body } = await api.graphql('{ calls { edges { node { callerNumber calleeNumber } } } }', {}, masked);
  expect(JSON.stringify(body)).toContain('+4420*****12');
});

const FINDING = Object.entries(CALL_FILTER).filter(([, { kind, ...rest }]) => kind === 'number' || 'clear' in rest);

test('filters that find by number are among those tried', () => {
  expect(FINDING.map(([name]) => name)).toEqual(expect.arrayContaining(['caller', 'callee', 'forward', 'q']));
});

const FILTERED = ['/api/v1/calls', '/api/v1/calls/active', '/api/v1/statistics', '/api/v1/exports/calls'];

test.each(FINDING.flatMap(([name]) => [CALLER, '+4420*', '*12345*', '*no number*', ''].map((value) => [name, value])))(
  'asking for %s=%s is refused before it is looked at, whether there is such a call or not',
  async (name = '', value = '') => {
    for (const route of FILTERED) {
      const { status, text } = await read(api, `${route}?${name}=${encodeURIComponent(value)}`, masked);
      if (status === 404) continue;
      expect([route, status]).toEqual([route, 403]);
      expect(JSON.parse(text)).toMatchObject({
        detail: `${name} finds calls by numbers that are masked for this key; it needs the scope numbers:clear.`,
      });
    }
    const literal =
      FINDING.find(([own]) => own === name)?.[1].many === true ? `[${JSON.stringify(value)}]` : JSON.stringify(value);
    for (const field of ['calls', 'activeCalls']) {
      const query = `{ ${field}(filter: { ${name}: ${literal} }) { pageInfo { hasNextPage } } }`;
      expect(await codes(api, query, masked)).toEqual(['FORBIDDEN']);
    }
    expect(await codes(api, `{ statistics(filter: { ${name}: ${literal} }) { asOf } }`, masked)).toEqual(['FORBIDDEN']);
  },
);

test('whoever may see numbers finds by them', async () => {
  const { text } = await read(api, `/api/v1/calls?caller=${encodeURIComponent(CALLER)}&settled=true`, clear);
  expect((JSON.parse(text) as { data: unknown[] }).data).toHaveLength(1);
});

test('nothing is sorted by a number, and asking for it tells none', async () => {
  const numbers = new Set<string>(NUMBER_FIELDS);
  expect(CALL_SORTS.filter((sort) => numbers.has(sort))).toEqual([]);
  for (const field of NUMBER_FIELDS) {
    const { status, text } = await read(api, `/api/v1/calls?sort=${field}`, masked);
    expect(status).toBe(400);
    expectNothing(text);
  }
});

test('a group by prefix tells no more of a number than its mask', async () => {
  for (const [group, number] of [
    ['callerPrefix', CALLER],
    ['calleePrefix', CALLEE],
  ] as const) {
    const path = `/api/v1/statistics?groupBy=${group}&from=${time(-60).toISOString()}&to=${time(60).toISOString()}`;
    const { data } = JSON.parse((await read(api, path, masked)).text) as { data: { group: string | null }[] };
    const begin = maskedNumber(number).split('*')[0] ?? '';
    const groups = data.flatMap(({ group: own }) => (own === null ? [] : [own.replace(/\*$/, '')]));
    expect(groups.length).toBeGreaterThan(0);
    expect(groups.filter((own) => !begin.startsWith(own))).toEqual([]);
  }
});

test('a cursor holds no number', async () => {
  for (const path of ['/api/v1/calls?limit=1', '/api/v1/changes?limit=1', '/api/v1/calls?limit=1&sort=talkMs']) {
    const { page } = JSON.parse((await read(api, path, clear)).text) as { page: { nextCursor: string | null } };
    expectNothing(Buffer.from(page.nextCursor ?? '', 'base64url').toString('latin1'));
  }
});

test('an error repeats no number that was asked for', async () => {
  for (const path of [
    `/api/v1/calls/${encodeURIComponent(CALLER)}`,
    `/api/v1/calls?limit=${CALLEE}99999999`,
    `/api/v1/calls?cursor=${CALLEE}`,
    `/api/v1/sources/${encodeURIComponent(CALLER)}`,
    `/api/v1/statistics?tz=${CALLEE}`,
  ]) {
    expectNothing((await read(api, path, masked)).text);
  }
});

test('the id of a call comes from source, Call ID and first notification: calls of different numbers would share it', () => {
  expect(callKeyOf('ivr', 'c1')).toBe(callKeyOf('ivr', 'c1'));
  expect(callKeyOf.length).toBe(2);
  expect(Object.keys(notification(1, 'ok', time(0)))).not.toEqual(expect.arrayContaining([...NUMBER_FIELDS]));
});

test('reads of clear numbers stand in the trail with who, what and from where, and without a number', async () => {
  const auditor = shown((await keyFor(api.keys, ['admin'])).secret);
  await read(api, `/api/v1/calls?caller=${encodeURIComponent(CALLER)}`, clear);
  await read(api, `/api/v1/calls/${id}`, clear);
  await codes(api, '{ calls { edges { node { callerNumber } } } }', clear);
  api.clock.at = new Date(api.clock.at.getTime() + 60_000);
  await api.audit.flush();
  const { body } = await api.graphql(
    '{ auditLog { edges { node { kind who address action subject times } } } }',
    {},
    auditor,
  );
  const { auditLog } = body['data'] as { auditLog: { edges: { node: Record<string, unknown> }[] } };
  const reads = auditLog.edges.map(({ node }) => node).filter(({ kind }) => kind === 'clear_read');
  const actions = reads.map(({ action, subject, address }) => [action, subject, address]);
  expect(actions).toEqual(
    expect.arrayContaining([
      ['GET /api/v1/calls', null, '127.0.0.1'],
      ['GET /api/v1/calls/:id', id, '127.0.0.1'],
      ['calls', null, '127.0.0.1'],
    ]),
  );
  expectNothing(JSON.stringify(body));
  const { rows } = await api.pool.query<{ text: string }>('select audit::text as text from audit');
  expectNothing(rows.map(({ text }) => text).join('\n'));
});
