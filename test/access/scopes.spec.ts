/** Every route and every field of GraphQL against every kind of holder: guards against one that nobody thought of. */
import { GraphQLSchemaHost } from '@nestjs/graphql';
import type { Scope } from '../../src/access/scopes.js';
import { type TestApi, testApi } from '../support/api.js';
import { insertCall, insertSource } from '../support/rows.js';
import { codes, keyFor, PLAIN_SCOPES, read, shown } from './kit.js';

/** A scope; or that any key will do, or none is needed. */
type Need = Scope | 'known' | 'anybody';

const CALL = '{id}';
const ROUTES: Readonly<Record<string, Need>> = {
  '/health/live': 'anybody',
  '/health/ready': 'anybody',
  '/metrics': 'anybody',
  '/api/v1/calls': 'calls:read',
  '/api/v1/calls/active': 'calls:read',
  '/api/v1/calls/{id}': 'calls:read',
  '/api/v1/gaps': 'gaps:read',
  '/api/v1/quarantine': 'quarantine:read',
  '/api/v1/sources': 'known',
  '/api/v1/sources/{key}': 'known',
  '/api/v1/sources/{key}/changes': 'known',
  '/api/v1/settings': 'known',
  '/api/v1/datagrams': 'quarantine:read',
  '/api/v1/receiver': 'metrics:read',
  '/api/v1/changes': 'changes:read',
  '/api/v1/statistics': 'stats:read',
  '/api/v1/exports/calls': 'export',
};

const QUERIES: Readonly<Record<string, readonly [Need, string]>> = {
  access: ['known', '{ access { name } }'],
  ackProbe: ['known', '{ ackProbe(key: "ivr") { phase } }'],
  activeCalls: ['calls:read', '{ activeCalls { count } }'],
  apiKeys: ['admin', '{ apiKeys { prefix } }'],
  auditLog: ['admin', '{ auditLog { edges { node { id } } } }'],
  call: ['calls:read', '{ call(id: "00000000-0000-5000-8000-000000000000") { id } }'],
  calls: ['calls:read', '{ calls { edges { node { id } } } }'],
  changes: ['changes:read', '{ changes { edges { cursor } } }'],
  deliveryGaps: ['gaps:read', '{ deliveryGaps { edges { node { id } } } }'],
  quarantine: ['quarantine:read', '{ quarantine { edges { node { id } } } }'],
  settings: ['known', '{ settings { retry } }'],
  source: ['known', '{ source(key: "ivr") { key } }'],
  sources: ['known', '{ sources { edges { node { key } } } }'],
  statistics: ['stats:read', '{ statistics { asOf } }'],
};

const MUTATIONS: Readonly<Record<string, readonly [Need, string]>> = {
  createApiKey: ['admin', 'mutation { createApiKey(name: "x", scopes: ["calls:read"]) { secret } }'],
  revokeApiKey: ['admin', 'mutation { revokeApiKey(prefix: "rl_00000000") { prefix } }'],
  probeAcks: ['sources:write', 'mutation { probeAcks(key: "nobody") { phase } }'],
  stopAckProbe: ['sources:write', 'mutation { stopAckProbe(key: "ivr") { phase } }'],
  replayQuarantine: ['sources:write', 'mutation { replayQuarantine(key: "nobody") { looked } }'],
  relearnSource: ['sources:write', 'mutation { relearnSource(key: "nobody") { key } }'],
  renameSource: ['sources:write', 'mutation { renameSource(key: "nobody", name: "x") { key } }'],
  setSourceNumberRules: ['sources:write', 'mutation { setSourceNumberRules(key: "nobody") { key } }'],
  setSourceAckForm: ['sources:write', 'mutation { setSourceAckForm(key: "nobody") { key } }'],
  setSourceCharset: ['sources:write', 'mutation { setSourceCharset(key: "nobody", charset: "utf-8") { key } }'],
  setSourceCodec: ['sources:write', 'mutation { setSourceCodec(key: "nobody", codec: "xml") { key } }'],
  setSourceSerialMeaning: [
    'sources:write',
    'mutation { setSourceSerialMeaning(key: "nobody", serialMeaning: opaque) { key } }',
  ],
};

/** Who decides how numbers are read must be one who may see them. */
const NEEDS_ALSO: Readonly<Record<string, Scope>> = {
  setSourceCodec: 'numbers:clear',
  setSourceNumberRules: 'numbers:clear',
};

let api: TestApi;
/** By what the holder has: one scope, all but one (`-scope`), or a key that is not good. */
const headers = new Map<string, Record<string, string>>();
let id: string;

beforeAll(async () => {
  api = await testApi();
  await insertSource(api.pool);
  ({ id } = await insertCall(api.pool));
  const { keys } = api;
  const keep = async (name: string, made: ReturnType<typeof keyFor>): Promise<void> => {
    headers.set(name, shown((await made).secret));
  };
  await keep('admin', keyFor(keys, ['admin']));
  for (const scope of PLAIN_SCOPES) {
    await keep(scope, keyFor(keys, [scope]));
    await keep(
      `-${scope}`,
      keyFor(
        keys,
        PLAIN_SCOPES.filter((other) => other !== scope),
      ),
    );
  }
  await keep('-admin', keyFor(keys, PLAIN_SCOPES));
  const revoked = await keyFor(keys, ['admin']);
  await keys.revoke(revoked.prefix, { name: 'tester', prefix: null, address: 'local' });
  await keep('expired', keyFor(keys, ['admin'], { expiresAt: api.clock.at.getTime() + 1 }));
  api.clock.at = new Date(api.clock.at.getTime() + 1_000);
  headers.set('none', {});
  headers.set('revoked', shown(revoked.secret));
  headers.set('wrong secret', shown(`${revoked.prefix}_${'x'.repeat(43)}`));
  headers.set('nonsense', shown('letmein'));
}, 60_000);
afterAll(() => api.close(), 20_000);

const NOT_GOOD = ['revoked', 'expired', 'wrong secret', 'nonsense'];

/** The address guesses ten keys at once and one in 6 s; the test's clock stands still unless it moves it. */
function rest(): void {
  api.clock.at = new Date(api.clock.at.getTime() + 60_000);
}

test('every route is in the table, and every field of GraphQL', async () => {
  const { body } = await api.get('/openapi.json');
  expect(Object.keys(body['paths'] as object).sort()).toEqual(Object.keys(ROUTES).sort());
  const { schema } = api.app.get(GraphQLSchemaHost, { strict: false });
  expect(Object.keys(schema.getQueryType()?.getFields() ?? {}).sort()).toEqual(Object.keys(QUERIES).sort());
  expect(Object.keys(schema.getMutationType()?.getFields() ?? {}).sort()).toEqual(Object.keys(MUTATIONS).sort());
});

test.each(Object.entries(ROUTES))('%s is for %s alone', async (route, need) => {
  rest();
  const path = route.replace(CALL, id).replace('{key}', 'ivr');
  const status = async (holder: string): Promise<number> => (await read(api, path, headers.get(holder))).status;
  const answered = expect.not.stringMatching(/^40[13]$/) as string;
  expect(String(await status('none'))).toEqual(need === 'anybody' ? answered : '401');
  // Health is open to whatever key: a supervisor that shows an old one must not end a process that serves.
  const notGood = route.startsWith('/health/') ? answered : '401';
  for (const holder of NOT_GOOD) expect([holder, String(await status(holder))]).toEqual([holder, notGood]);
  expect(String(await status('admin'))).toEqual(answered);
  for (const scope of PLAIN_SCOPES) {
    const may = need === 'anybody' || need === 'known' || need === scope;
    expect([scope, String(await status(scope))]).toEqual([scope, may ? answered : '403']);
  }
  if (need !== 'anybody' && need !== 'known') expect(await status(`-${need}`)).toBe(403);
});

test.each([...Object.entries(QUERIES), ...Object.entries(MUTATIONS)])(
  'GraphQL %s is for whom the table says',
  async (field, [need, query]) => {
    const also = NEEDS_ALSO[field];
    rest();
    const refused = async (holder: string): Promise<unknown> =>
      (await codes(api, query, headers.get(holder)))[0] ?? null;
    expect(await refused('none')).toBe('UNAUTHENTICATED');
    for (const holder of NOT_GOOD) expect([holder, await refused(holder)]).toEqual([holder, 'UNAUTHENTICATED']);
    expect(['UNAUTHENTICATED', 'FORBIDDEN']).not.toContain(await refused('admin'));
    for (const scope of PLAIN_SCOPES) {
      const code = await refused(scope);
      if (also === undefined && (need === 'known' || need === scope))
        expect(['UNAUTHENTICATED', 'FORBIDDEN']).not.toContain(code);
      else expect([scope, code]).toEqual([scope, 'FORBIDDEN']);
    }
    if (need !== 'known') expect(await refused(`-${need}`)).toBe('FORBIDDEN');
    if (also !== undefined) expect(await refused(`-${also}`)).toBe('FORBIDDEN');
    if (also !== undefined) expect(['UNAUTHENTICATED', 'FORBIDDEN']).not.toContain(await refused('-admin'));
  },
);

test('a refusal is a problem document that says what is needed', async () => {
  const { body, type } = await api.get('/api/v1/gaps', { headers: headers.get('calls:read') ?? {} });
  expect(type).toContain('application/problem+json');
  expect(body).toMatchObject({
    ...{ status: 403, title: 'Forbidden' },
    detail: 'This needs a key with the scope gaps:read: to read the gap ledger.',
  });
  const stranger = await api.get('/api/v1/gaps');
  expect(stranger.headers.get('www-authenticate')).toBe('Bearer realm="ringledger"');
  expect(stranger.body['detail']).toContain('Authorization: Bearer');
});

test('a key is shown in either header', async () => {
  const { secret } = await keyFor(api.keys, ['calls:read']);
  expect((await read(api, '/api/v1/calls', { 'x-api-key': secret })).status).toBe(200);
  expect((await read(api, '/api/v1/calls', { authorization: `bearer ${secret}` })).status).toBe(200);
});
