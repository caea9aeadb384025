/**
 * Whatever a client makes of the OpenAPI document, right or wrong, is answered by a status the document tells of, with a body
 * its schema describes; and what its schemas call right is not refused. Over the whole application, with calls in it.
 */
import fc from 'fast-check';
import { Keys } from '../../src/access/keys.js';
import type { Running } from '../../src/main.js';
import { PgKeyStore } from '../../src/store/keys.js';
import { keyFor, PLAIN_SCOPES, shown } from '../access/kit.js';
import { type TestDatabase, testDatabase, testPrisma } from '../support/database.js';
import {
  type Document,
  type DocumentParameter,
  type DocumentSchema,
  judgeOf,
  type Judge,
  type Route,
  routesOf,
} from '../support/openapi.js';
import { portOf, Sender, startReceiver, until } from '../support/receiver.js';

const SLOW_MS = 240_000;
/** Requests of each route and kind; a request takes 2 to 5 ms. */
const RUNS = 25;
/** Text whose grammar a schema does not tell: any other text may be refused. */
const GRAMMARS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  cursor: fc.constant(''),
  after: fc.constant('now'),
  tz: fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns'),
  columns: fc.constantFrom('id', 'callId,talkMs', 'callerNumber'),
  marks: fc.constant('0123456789abcdef'),
};

let database: TestDatabase;
let receiver: Running;
let document: Document;
let judge: Judge;
let routes: readonly Route[];
/** What `{id}` and `{key}` may be. */
let there: Readonly<Record<string, string>>;

beforeAll(async () => {
  database = await testDatabase();
  receiver = await startReceiver(database, { RATE_LIMIT_PER_S: '0' });
  const sender = await Sender.open();
  const lines = ['a,1,Ringing', 'a,2,OK', 'a,3,Bye', 'b,1,183', 'b,4,Bye', 'c,1,180', 'd,1,Ringing', 'd,2,Bye'];
  sender.send(portOf(receiver), ...lines.map((line) => `${line},442071234567,15550001111,1001,7,Main menu`), 'garbage');
  await sender.acked(lines.length);
  sender.close();
  const mutation = 'mutation { setSourceSerialMeaning(key: "127.0.0.1", serialMeaning: per_call) { key } }';
  await fetch(`${receiver.http}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: mutation }),
  });
  document = (await (await fetch(`${receiver.http}/openapi.json`)).json()) as Document;
  [judge, routes] = [judgeOf(document), routesOf(document)];
  const [call] = (await listed('calls')) as { id: string }[];
  there = { id: call?.id ?? '', key: '127.0.0.1' };
  await until(async () => (await listed('gaps')).length > 0 && (await listed('changes')).length > 0, 20_000);
}, SLOW_MS);

afterAll(async () => {
  await receiver.stop();
  await database.close();
}, 20_000);

async function listed(path: string): Promise<readonly unknown[]> {
  return ((await (await fetch(`${receiver.http}/api/v1/${path}`)).json()) as { data: unknown[] }).data;
}

type Query = readonly (readonly [string, string])[];

/** A value the schema calls right, as a client writes it into a URL. */
function right({ schema, name }: DocumentParameter): fc.Arbitrary<string> {
  const one: DocumentSchema = schema.items ?? schema;
  const grammar = GRAMMARS[name];
  if (grammar !== undefined && one.type === 'string') return grammar;
  if (one.enum !== undefined) return fc.constantFrom(...one.enum.map(String));
  if (one.type === 'boolean') return fc.constantFrom('true', 'false');
  if (one.type === 'integer') {
    const { minimum = 0, maximum = 1_000 } = one;
    return fc.oneof(fc.integer({ min: minimum, max: maximum }), fc.constantFrom(minimum, maximum)).map(String);
  }
  if (one.format === 'date-time') {
    const day = fc.date({ min: new Date('1970-01-01'), max: new Date('9999-12-30'), noInvalidDate: true });
    return day.map((at) => at.toISOString());
  }
  if (one.pattern !== undefined) return fc.stringMatching(new RegExp(one.pattern)).filter((text) => text.length <= 64);
  const { minLength = 1, maxLength = 64 } = one;
  return fc.oneof(
    fc.constantFrom('ivr', 'a', '127.0.0.1').filter((text) => text.length >= minLength),
    fc.string({ minLength, maxLength, unit: 'grapheme' }).filter((text) => text.length <= maxLength && isKept(text)),
  );
}

/** PostgreSQL keeps no NUL; a text of spaces alone has no four characters to search by. */
function isKept(text: string): boolean {
  return !text.includes('\0') && text.trim().length >= 4;
}

/** A value the schema calls wrong, or null where it calls everything right. */
function wrong({ schema }: DocumentParameter): fc.Arbitrary<string> | null {
  const one: DocumentSchema = schema.items ?? schema;
  if (one.enum !== undefined) return fc.string().filter((text) => !(one.enum ?? []).includes(text));
  if (one.type === 'boolean') return fc.string().filter((text) => text !== 'true' && text !== 'false');
  if (one.type === 'integer') {
    const { minimum = 0, maximum } = one;
    const beyond = maximum === undefined ? [] : [String(maximum + 1)];
    return fc.constantFrom(String(minimum - 1), '', 'many', '1.5', '0x10', '1e3', ...beyond);
  }
  if (one.format === 'date-time') return fc.constantFrom('', 'yesterday', '2026-03-01', '2026-02-30T00:00:00Z', '0');
  if (one.pattern !== undefined) return fc.constantFrom('', '*', '**', '*123*', '44*20', '*442');
  if (one.maxLength !== undefined) return fc.constantFrom('', 'x'.repeat(one.maxLength + 1), 'a\0bcd');
  return null;
}

/** Refused for nothing but how much it would be, which no schema can tell: hours of half a century. */
function isTooMuch({ status, text }: Answered): boolean {
  if (status !== 400) return false;
  const { errors } = JSON.parse(text) as { errors: readonly { reason: string }[] };
  return errors.every(({ reason }) => /^(would be more than|gives) /.test(reason));
}

/** Periods and ranges the right way round, and no range that starts and ends in different kinds of time. */
function ordered(query: Query): Query {
  const values = new Map(query);
  return query.filter(([name, value]) => {
    const least = name === 'to' ? values.get('from') : values.get(name.replace(/^max/, 'min'));
    if (least === undefined || least === value) return name !== 'to' || least === undefined;
    return name === 'to' ? value > least : Number(value) >= Number(least);
  });
}

/** Some of the parameters of a route, each once or, where it is a list, several times. */
function queries(
  { parameters }: Route,
  value: (parameter: DocumentParameter) => fc.Arbitrary<string> | null,
): fc.Arbitrary<Query> {
  const asked = parameters.filter((parameter) => parameter.in === 'query' && parameter.name !== 'wait');
  const each = asked.map((parameter) => {
    const values = value(parameter);
    if (values === null) return fc.constant<Query>([]);
    const most = parameter.schema.type === 'array' ? 3 : 1;
    return fc
      .uniqueArray(values, { maxLength: most })
      .map((given): Query => given.map((one) => [parameter.name, one] as const));
  });
  // Of thirty parameters a few: with all of them nothing is ever found.
  return fc
    .tuple(fc.tuple(...each), fc.array(fc.nat({ max: Math.max(asked.length - 1, 0) }), { maxLength: 4 }))
    .map(([all, chosen]) => [...new Set(chosen)].flatMap((index) => all[index] ?? []));
}

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly faults: readonly string[];
}

async function ask(
  path: string,
  filled: string,
  query: Query,
  headers: Record<string, string> = {},
): Promise<Answered> {
  const response = await fetch(
    `${receiver.http}${filled}?${new URLSearchParams(query as [string, string][]).toString()}`,
    {
      headers,
    },
  );
  const answer = {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    text: await response.text(),
  };
  return { ...answer, faults: judge(path, answer) };
}

function filledWith(path: string, values: Readonly<Record<string, string>>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
}

async function holds(arbitrary: fc.Arbitrary<Query>, property: (query: Query) => Promise<void>): Promise<void> {
  await fc.assert(fc.asyncProperty(arbitrary, property), { numRuns: RUNS });
}

test('every route of the document is asked, none of them without a body it describes', () => {
  expect(routes.length).toBeGreaterThanOrEqual(17);
  for (const [path, { get }] of Object.entries(document.paths)) {
    const described = Object.values(get.responses).map(({ content }) => Object.values(content ?? {}).length > 0);
    expect({ path, described }).toEqual({ path, described: described.map(() => true) });
  }
});

test(
  'what the schemas call right is answered with 200, and with a body they describe',
  async () => {
    for (const route of routes) {
      const filled = filledWith(route.path, there);
      await holds(queries(route, right).map(ordered), async (query) => {
        const answer = await ask(
          route.path,
          filled,
          query.filter(([, value]) => value !== ''),
        );
        const { faults, text } = answer;
        const status = isTooMuch(answer) ? 200 : answer.status;
        expect({ status, faults, told: status === 200 ? '' : text }).toEqual({ status: 200, faults: [], told: '' });
      });
    }
  },
  SLOW_MS,
);

test(
  'what the schemas call wrong is a 400 that names the parameter',
  async () => {
    for (const route of routes.filter(({ parameters }) => parameters.some((parameter) => parameter.in === 'query'))) {
      await holds(queries(route, wrong), async (query) => {
        const { status, faults, text } = await ask(route.path, filledWith(route.path, there), query);
        const names = [...new Set(query.map(([name]) => name))].sort();
        const { errors = [] } = JSON.parse(status === 400 ? text : '{}') as { errors?: { parameter: string }[] };
        expect({ faults, status: query.length === 0 ? 400 : status }).toEqual({ faults: [], status: 400 });
        expect([...new Set(errors.map(({ parameter }) => parameter))].sort()).toEqual(names);
      });
    }
  },
  SLOW_MS,
);

test(
  'any text in any parameter, known or not, and in any place of a path, is answered as documented',
  async () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    for (const route of routes) {
      const names = route.parameters.filter(({ name }) => name !== 'wait').map(({ name }) => name);
      const pair = fc.tuple(fc.oneof(fc.constantFrom('x', ...names), text), text);
      await fc.assert(
        fc.asyncProperty(fc.array(pair, { maxLength: 3 }), text, async (query, place) => {
          const filled = filledWith(route.path, { id: place || 'x', key: place || 'x' });
          // A place of dots alone is taken out of a URL by whoever sends it.
          if (/^\.{1,2}$/.test(place)) return;
          expect(await ask(route.path, filled, query)).toMatchObject({ faults: [] });
        }),
        { numRuns: RUNS },
      );
    }
  },
  SLOW_MS,
);

// The last test: from here on nothing is answered without a key.
test(
  'whoever may not is answered as documented: no key, a wrong one, one without scopes, numbers or sources',
  async () => {
    const prisma = testPrisma(database);
    const keys = new Keys(new PgKeyStore(prisma), { now: () => Date.now() });
    const scopes = PLAIN_SCOPES.filter((scope) => scope !== 'numbers:clear');
    const bound = await keyFor(keys, scopes, { sources: ['another'] });
    const holders: Readonly<Record<string, Record<string, string>>> = {
      nobody: {},
      'a wrong key': shown('rl_00000000_not-a-key'),
      'a key for settings alone': shown((await keyFor(keys, ['sources:write'])).secret),
      'a key without numbers': shown((await keyFor(keys, scopes)).secret),
      'a key for another source': shown(bound.secret),
    };
    await prisma.$disconnect();
    const seen = new Set<number>();
    for (const route of routes) {
      const asked = fc.tuple(fc.constantFrom(...Object.keys(holders)), queries(route, right).map(ordered));
      await fc.assert(
        fc.asyncProperty(asked, async ([holder, query]) => {
          const given = query.filter(([, value]) => value !== '');
          const { faults, status } = await ask(route.path, filledWith(route.path, there), given, holders[holder]);
          seen.add(status);
          expect({ holder, faults }).toEqual({ holder, faults: [] });
        }),
        { numRuns: Math.ceil(RUNS / 2) },
      );
    }
    expect([...seen]).toEqual(expect.arrayContaining([200, 401, 403, 404, 429]));
  },
  SLOW_MS,
);
