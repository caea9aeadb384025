/** docs/api.md followed as written: each of its questions asked, and what it shows of the answer looked for there. */
import { readFileSync } from 'node:fs';
import { type TestApi, testApi } from '../support/api.js';
import { insertCall, insertEvidence, insertReceiver, insertSource, notification, time } from '../support/rows.js';

const PAGE = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
const EXAMPLES = [...PAGE.matchAll(/```sh\n(curl [^\n]*)\n```\n```json\n(.*?)```/gs)].map(
  ([, command = '', shown = '']): readonly [string, string] => [command, shown],
);

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
  await insertSource(api.pool);
  await insertReceiver(api.pool);
  for (let minute = 1; minute <= 3; minute++) {
    const { callKey } = await insertCall(api.pool, { first_seen_at: time(-minute), menu_id: '7' });
    await insertEvidence(api.pool, callKey, [notification(1, '180', time(-minute))]);
  }
}, 60_000);
afterAll(() => api.close(), 20_000);

/** What `curl -s` prints. */
async function curl(command: string): Promise<unknown> {
  const [, address = ''] = /'?http:\/\/127\.0\.0\.1:3000([^\s']*)/.exec(command) ?? [];
  const [, body] = / -d '([^']*)'/.exec(command) ?? [];
  const post = { method: 'POST', headers: { 'content-type': 'application/json' } };
  return (await api.get(address, body === undefined ? {} : { ...post, body })).body;
}

/** `a.b[].c` of everything in a document; of a list its first element stands for all. */
function paths(value: unknown, path = ''): readonly string[] {
  if (Array.isArray(value)) return value.length === 0 ? [path] : paths(value[0], `${path}[]`);
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, one]) => paths(one, `${path}.${name}`));
}

test('every question of the page has its answer beside it', () => {
  expect(EXAMPLES.length).toBeGreaterThanOrEqual(7);
  expect([...PAGE.matchAll(/^curl /gm)].length).toBe(EXAMPLES.length);
});

test.each(EXAMPLES)('%s', async (command, shown) => {
  const answer = paths(await curl(command));
  const wanted = paths(JSON.parse(shown));
  // An empty list of the page may be full here, and the other way round.
  const there = (path: string): boolean => answer.some((one) => one.startsWith(path) || path.startsWith(`${one}[]`));
  expect(wanted.filter((path) => !there(path))).toEqual([]);
});

test('codes and messages of the page are those of the answers', async () => {
  for (const [command, shown] of EXAMPLES) {
    const answer = JSON.stringify(await curl(command));
    const said = [...shown.matchAll(/"(?:code|message|detail)": "([^"]*)"/g)].map(([, text = '']) => text);
    expect(said.filter((text) => !answer.includes(text))).toEqual([]);
  }
});
