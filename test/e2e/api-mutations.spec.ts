/** What an operator decides of a source: over GraphQL, on real PostgreSQL. */
import { type TestApi, testApi } from '../support/api.js';
import { insertSource } from '../support/rows.js';

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
}, 60_000);
afterAll(() => api.close(), 20_000);
beforeEach(async () => {
  await api.pool.query('truncate source, source_change');
  await insertSource(api.pool);
});

const SHOWN = 'key name codec charset locked serialMeaning';

async function decide(mutation: string): Promise<unknown> {
  const { body } = await api.graphql(`mutation { done: ${mutation} { ${SHOWN} } }`);
  expect(body['errors']).toBeUndefined();
  return (body['data'] as { done: unknown }).done;
}

async function faultsOf(mutation: string): Promise<unknown> {
  const { body } = await api.graphql(`mutation { done: ${mutation} { key } }`);
  const [error] = body['errors'] as { extensions: { code: string; errors?: unknown } }[];
  expect(error?.extensions.code).toBe('BAD_USER_INPUT');
  return error?.extensions.errors;
}

async function stored(columns: string): Promise<unknown> {
  return (await api.pool.query<object>(`select ${columns} from source where key = 'ivr'`)).rows[0];
}

test('a meaning is set as a new version and pinned; the same once more is no change', async () => {
  expect(await decide('setSourceSerialMeaning(key: "ivr", serialMeaning: per_call, serialBase: 0)')).toMatchObject({
    ...{ key: 'ivr', serialMeaning: 'per_call' },
  });
  await decide('setSourceSerialMeaning(key: "ivr", serialMeaning: per_call, serialBase: 0)');
  const columns =
    'serial_meaning, serial_base, meaning_pinned, meaning_version, json_array_length(meanings) as meanings';
  expect(await stored(columns)).toEqual({
    ...{ serial_meaning: 'per_call', serial_base: 0, meaning_pinned: true, meaning_version: 1, meanings: 1 },
  });
  await decide('setSourceSerialMeaning(key: "ivr", serialMeaning: constant)');
  expect(await stored(columns)).toMatchObject({
    serial_meaning: 'constant',
    serial_base: 1,
    meaning_version: 2,
    meanings: 2,
  });
});

test('a codec is set and locked, and learned anew when asked, each as a new version', async () => {
  expect(await decide('setSourceCodec(key: "ivr", codec: "delimited", delimiter: "|", charset: "gb18030")')).toEqual({
    ...{ key: 'ivr', name: 'Main IVR', codec: 'delimited', charset: 'gb18030', locked: true, serialMeaning: 'unknown' },
  });
  await decide('setSourceSerialMeaning(key: "ivr", serialMeaning: constant)');
  expect(await decide('relearnSource(key: "ivr")')).toEqual({
    ...{ key: 'ivr', name: 'Main IVR', codec: null, charset: 'utf-8', locked: false, serialMeaning: 'unknown' },
  });
  expect(await stored('codec, meaning_pinned, meaning_version')).toEqual({
    ...{ codec: { version: 2 }, meaning_pinned: false, meaning_version: 2 },
  });
});

test('every option of a codec is set, shown and taken back with the next codec', async () => {
  const shown = 'codec delimiter quoted lengthBytes byteOrder widths';
  const set = async (options: string): Promise<unknown> => {
    const { body } = await api.graphql(`mutation { done: setSourceCodec(key: "ivr", ${options}) { ${shown} } }`);
    return (body['data'] as { done: unknown }).done;
  };
  const none = { delimiter: null, quoted: false, lengthBytes: null, byteOrder: null, widths: [] };
  expect(await set('codec: "length_prefixed", lengthBytes: 2, byteOrder: "little"')).toEqual({
    ...{ ...none, codec: 'length_prefixed', lengthBytes: 2, byteOrder: 'little' },
  });
  expect(await set('codec: "fixed", widths: [64, 20, 16, 32, 32, 32, 16, 64]')).toEqual({
    ...{ ...none, codec: 'fixed', widths: [64, 20, 16, 32, 32, 32, 16, 64] },
  });
  expect(await set('codec: "delimited", delimiter: "||", quoted: true')).toEqual({
    ...{ ...none, codec: 'delimited', delimiter: '||', quoted: true },
  });
  expect(await set('codec: "xml"')).toEqual({ ...none, codec: 'xml' });
});

test('the charset alone is changed where a codec is known', async () => {
  expect(await faultsOf('setSourceCharset(key: "ivr", charset: "gb18030")')).toEqual([
    { parameter: 'charset', reason: 'goes with a codec, and this source has none yet: set both' },
  ]);
  await decide('setSourceCodec(key: "ivr", codec: "delimited", delimiter: "|")');
  expect(await decide('setSourceCharset(key: "ivr", charset: "gb18030")')).toMatchObject({ charset: 'gb18030' });
  expect(await stored('codec')).toMatchObject({ codec: { codec: 'delimited', delimiter: '|', charset: 'gb18030' } });
});

test('an ack form is set, shown by both APIs, and taken back by setting nothing', async () => {
  const shown = 'ackContent ackDelimiter ackTerminator';
  const set = async (options: string): Promise<unknown> => {
    const { body } = await api.graphql(`mutation { done: setSourceAckForm(key: "ivr"${options}) { ${shown} } }`);
    return (body['data'] as { done: unknown }).done;
  };
  const form = { ackContent: 'serial_call_id', ackDelimiter: '|', ackTerminator: 'nul' };
  expect(await set(', content: "serial_call_id", delimiter: "|", terminator: "nul"')).toEqual(form);
  expect((await api.get('/api/v1/sources/ivr')).body).toMatchObject(form);
  expect(await set('')).toEqual({ ackContent: 'call_id_serial', ackDelimiter: null, ackTerminator: null });
  expect(await stored('ack_form')).toEqual({ ack_form: null });
});

interface Change {
  readonly field: string;
  readonly before: string | null;
  readonly after: string | null;
}

test('each change is kept with before and after, the newest first, and shown by both APIs', async () => {
  await decide('setSourceCodec(key: "ivr", codec: "delimited", delimiter: "\\t")');
  await decide('renameSource(key: "ivr", name: "Head office")');
  await decide('renameSource(key: "ivr", name: "Head office")');
  await decide('relearnSource(key: "ivr")');
  const { body } = await api.graphql('{ source(key: "ivr") { changes { id at by field before after } } }');
  const changes = (body['data'] as { source: { changes: Change[] } }).source.changes;
  expect(changes.map(({ field, before, after }) => [field, before, after]).sort()).toEqual([
    ['codec', null, 'delimited:tab'],
    ['codec', 'delimited:tab', null],
    ['locked', 'false', 'true'],
    ['locked', 'true', 'false'],
    ['name', 'Main IVR', 'Head office'],
  ]);
  const pages: unknown[] = [];
  let cursor = '';
  do {
    const answer = await api.get(`/api/v1/sources/ivr/changes?limit=2${cursor}`);
    const page = answer.body as unknown as { data: unknown[]; page: { nextCursor: string | null } };
    pages.push(...page.data);
    cursor = page.page.nextCursor === null ? '' : `&cursor=${page.page.nextCursor}`;
  } while (cursor !== '');
  expect(pages).toEqual(changes);
  expect(pages).toMatchObject(changes.map(() => ({ by: 'operator' })));
});

test('changes of a source nobody knows are a 404, and more than 100 of them no query', async () => {
  expect((await api.get('/api/v1/sources/nobody/changes')).status).toBe(404);
  const { body } = await api.graphql('{ source(key: "ivr") { changes(first: 101) { id } } }');
  expect(body['errors']).toBeDefined();
});

test('open serial gaps of the old meaning are explained by the change', async () => {
  await api.pool.query(
    `insert into gap (ledger_key, id, source_key, kind, certainty, status, from_at, opened_at, detail)
     values (gen_random_uuid(), gen_random_uuid(), 'ivr', 'serial', 'certain', 'open', now(), now(), 'one')`,
  );
  await decide('setSourceSerialMeaning(key: "ivr", serialMeaning: opaque)');
  const { rows } = await api.pool.query('select status, closed_at is not null as closed from gap');
  expect(rows).toEqual([{ status: 'explained', closed: true }]);
});

test('a source takes another name and keeps its key', async () => {
  expect(await decide('renameSource(key: "ivr", name: "  Head office ")')).toMatchObject({
    ...{ key: 'ivr', name: 'Head office' },
  });
});

const noKey = { parameter: 'key', reason: 'names no source: /api/v1/sources lists the keys there are' };
const badDelimiter = (reason: string): unknown[] => [{ parameter: 'delimiter', reason }];

test.each([
  ['a key nobody has', 'relearnSource(key: "nobody")', [noKey]],
  [
    'a key nobody has and a base out of place',
    'setSourceSerialMeaning(key: "nobody", serialMeaning: constant, serialBase: 1)',
    [noKey, { parameter: 'serialBase', reason: 'goes with per_call alone' }],
  ],
  [
    'a base below 0',
    'setSourceSerialMeaning(key: "ivr", serialMeaning: per_call, serialBase: -1)',
    [{ parameter: 'serialBase', reason: 'must be a whole number from 0 to 2147483647' }],
  ],
  [
    'a codec and a charset nobody knows',
    'setSourceCodec(key: "ivr", codec: "asn1", charset: "ebcdic")',
    [
      { parameter: 'codec', reason: 'must be one of delimited, key_value, json, xml, length_prefixed, fixed' },
      { parameter: 'charset', reason: 'must be one of utf-8, gb18030' },
    ],
  ],
  [
    'a delimiter of JSON',
    'setSourceCodec(key: "ivr", codec: "json", delimiter: ",")',
    badDelimiter('goes with delimited and key_value alone'),
  ],
  [
    'no delimiter',
    'setSourceCodec(key: "ivr", codec: "delimited", delimiter: "")',
    badDelimiter('must be 1 to 4 bytes'),
  ],
  [
    'a delimiter of five bytes',
    'setSourceCodec(key: "ivr", codec: "delimited", delimiter: "|||||")',
    badDelimiter('must be 1 to 4 bytes'),
  ],
  [
    'a delimiter that numbers are made of',
    'setSourceCodec(key: "ivr", codec: "delimited", delimiter: "1")',
    badDelimiter('must not hold a letter, a digit, NUL, = or +'),
  ],
  [
    'options of other codecs',
    'setSourceCodec(key: "ivr", codec: "json", quoted: true, lengthBytes: 2, byteOrder: "big", widths: [1])',
    [
      { parameter: 'quoted', reason: 'goes with delimited alone' },
      { parameter: 'lengthBytes', reason: 'goes with length_prefixed alone' },
      { parameter: 'byteOrder', reason: 'goes with length_prefixed alone' },
      { parameter: 'widths', reason: 'goes with fixed alone' },
    ],
  ],
  [
    'columns that are not eight',
    'setSourceCodec(key: "ivr", codec: "fixed", widths: [10, 20])',
    [{ parameter: 'widths', reason: 'must be 8 whole numbers from 1 to 512' }],
  ],
  [
    'an ack form that contradicts itself',
    'setSourceAckForm(key: "ivr", content: "echo", delimiter: "|", terminator: "lf")',
    [
      { parameter: 'terminator', reason: 'does not go with echo, which repeats the request whole' },
      { parameter: 'delimiter', reason: 'goes with Call ID and Serial Number alone' },
    ],
  ],
  [
    'a charset nobody knows, of a source nobody knows',
    'setSourceCharset(key: "nobody", charset: "ebcdic")',
    [
      noKey,
      { parameter: 'charset', reason: 'must be one of utf-8, gb18030' },
      { parameter: 'charset', reason: 'goes with a codec, and this source has none yet: set both' },
    ],
  ],
  [
    'no name',
    'renameSource(key: "ivr", name: " ")',
    [{ parameter: 'name', reason: 'must be 1 to 64 printable characters' }],
  ],
  [
    'a name that is configured',
    'renameSource(key: "ivr", name: "office")',
    [{ parameter: 'name', reason: 'is configured in UDP_ALLOWED_SOURCES or TWIN_ALLOWED_SOURCES: change it there' }],
  ],
])('%s is told as such, and nothing is stored', async (_what, mutation, faults) => {
  const before = await stored('*');
  expect(await faultsOf(mutation)).toEqual(faults);
  expect(await stored('*')).toEqual(before);
});

test('the name or key of another source is taken', async () => {
  await insertSource(api.pool, { key: 'other', name: 'Branch' });
  for (const name of ['other', 'Branch']) {
    expect(await faultsOf(`renameSource(key: "ivr", name: "${name}")`)).toEqual([
      { parameter: 'name', reason: 'is the name or key of another source' },
    ]);
  }
});

test('a browser cannot be made to decide: a mutation by GET, or as a plain form, is refused', async () => {
  const query = encodeURIComponent('mutation { relearnSource(key: "ivr") { key } }');
  const before = await stored('*');
  expect((await api.get(`/graphql?query=${query}`)).status).toBeGreaterThanOrEqual(400);
  const form = {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: '{"query":"mutation($k:ID!){relearnSource(key:$k){key}}","variables":{"k":"ivr"}}',
  };
  expect((await api.get('/graphql', form)).status).toBeGreaterThanOrEqual(400);
  expect(await stored('*')).toEqual(before);
});
