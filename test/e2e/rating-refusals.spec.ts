/** The rating example where it must not go on, or not yet: guards against a call charged twice, and against a wait that has no end. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { endOf, entriesIn, RATING, startRating } from '../support/rating.js';

const SLOW_MS = 30_000;
const ENTRY = { id: 'a', revision: 2, currency: 'EUR', kind: 'charge', cents: 5, charged: 5, why: [] };
const ACCESS = { status: 200, body: { data: { access: { scopes: ['changes:read', 'numbers:clear'] } } } };

interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

let folder: string;
let server: Server;
let url: string;
/** What the server answers to questions for changes, one after another, the last one for ever; and when it was asked. */
let replies: Reply[];
let askedAt: number[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringledger rating '));
  server = createServer((request, response) => {
    const isFeed = request.url?.startsWith('/api/v1/changes') === true;
    if (isFeed) askedAt.push(Date.now());
    const next = replies.length > 1 ? replies.shift() : replies[0];
    const { status, body, headers }: Reply = (isFeed ? next : undefined) ?? ACCESS;
    response.writeHead(status, { ...headers }).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});
beforeEach(() => {
  replies = [];
  askedAt = [];
});
afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
  rmSync(folder, { recursive: true, force: true });
});

function page(...numbers: readonly string[]): Reply {
  const data = numbers.map((calleeNumber, index) => ({
    ...{
      id: `call-${String(index)}`,
      revision: 1,
      billable: true,
      reasons: [],
      call: { calleeNumber, talkMs: 60_000 },
    },
  }));
  return { status: 200, body: { data, page: { nextCursor: 'c1', more: false } } };
}

function journalOf(name: string, ...lines: readonly object[]): string {
  const path = join(folder, name);
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
}

test.each([
  [400, { detail: 'Cannot be read as asked: after.', errors: [{ parameter: 'after', reason: 'is no cursor' }] }],
  [401, { detail: 'This key was revoked.' }],
  [403, { detail: 'This needs a key with the scope changes:read.' }],
])(
  'a %i ends it with what the server says',
  async (status, body) => {
    replies = [{ status, body }];
    const { code, told } = await endOf(startRating(['--url', url, '--journal', join(folder, 'refused.jsonl')]));
    expect(code).toBe(2);
    expect(told).toContain(`The server answers ${String(status)}: ${body.detail}`);
    expect(askedAt).toHaveLength(1);
  },
  SLOW_MS,
);

test(
  'a 429 and a 503 are asked again, after the time they name',
  async () => {
    const later = { body: { detail: 'Later.' }, headers: { 'retry-after': '1' } };
    replies = [
      { status: 429, ...later },
      { status: 503, ...later },
      { status: 400, body: { detail: 'No.' } },
    ];
    const { code } = await endOf(startRating(['--url', url, '--journal', join(folder, 'later.jsonl')]));
    expect(code).toBe(2);
    const [first = 0, second = 0, third = 0] = askedAt;
    for (const waited of [second - first, third - second]) {
      expect(waited).toBeGreaterThanOrEqual(990);
      expect(waited).toBeLessThan(1_900);
    }
  },
  SLOW_MS,
);

test(
  'a number that was dialled with five stars is rated when the key sees numbers clear',
  async () => {
    const journal = join(folder, 'stars.jsonl');
    replies = [page('4420*****12', '*100#')];
    const { code, out } = await endOf(startRating(['--url', url, '--journal', journal, '--once']));
    expect([code, out]).toEqual([0, '2 calls, 0.01 EUR: 1 rated (0 of them below half a cent), 1 no_rate\n']);
    expect(askedAt).toHaveLength(2);
  },
  SLOW_MS,
);

test(
  'a second process on a journal is refused while the first one lives, and takes over when it is gone',
  async () => {
    const journal = join(folder, 'two.jsonl');
    replies = [{ status: 503, body: { detail: 'Away.' } }];
    const options = ['--url', url, '--journal', journal];
    const first = startRating(options);
    if (first.stderr === null) throw new Error('it has no stderr');
    await once(first.stderr, 'data');
    expect(readFileSync(`${journal}.lock`, 'utf8')).toBe(`${String(first.pid)} ${hostname()}`);
    const second = await endOf(startRating(options));
    expect(second).toMatchObject({ code: 2, out: '' });
    expect(second.told).toContain(`is in use by process ${String(first.pid)} on`);
    expect(await endOf(startRating(['--journal', journal, '--sum']))).toMatchObject({ code: 0, told: '' });
    first.kill('SIGKILL');
    await endOf(first);
    replies = [page('442079460000')];
    expect(await endOf(startRating([...options, '--once']))).toMatchObject({ code: 0 });
    expect(entriesIn(journal)).toHaveLength(1);
    expect(() => readFileSync(`${journal}.lock`)).toThrow('ENOENT');
  },
  SLOW_MS,
);

test(
  'a journal that somebody else wrote to meanwhile is not written to',
  async () => {
    const journal = journalOf('other.jsonl');
    replies = [{ status: 503, body: { detail: 'Away.' }, headers: { 'retry-after': '1' } }, page('442079460000')];
    const running = startRating(['--url', url, '--journal', journal]);
    if (running.stderr === null) throw new Error('it has no stderr');
    await once(running.stderr, 'data');
    writeFileSync(journal, `${JSON.stringify({ cursor: 'c0', entries: [ENTRY] })}\n`);
    expect(await endOf(running)).toMatchObject({
      ...{ code: 2, told: expect.stringContaining('one process per journal') as string },
    });
    expect(entriesIn(journal)).toEqual([ENTRY]);
  },
  SLOW_MS,
);

test(
  'a call charged twice is in the sum twice, and named',
  async () => {
    const line = { cursor: 'c1', entries: [ENTRY] };
    const journal = journalOf('twice.jsonl', line, line);
    expect(await endOf(startRating(['--journal', journal, '--sum']))).toEqual({
      ...{ code: 1, out: '1 calls, 0.10 EUR: 1 rated (0 of them below half a cent)\n' },
      told: 'Charged wrongly: a: its entries come to 10 cents, the last says 5\n',
    });
  },
  SLOW_MS,
);

test(
  'it runs by a link whose path has a space',
  async () => {
    const script = join(folder, 'my rating.mjs');
    symlinkSync(RATING, script);
    const journal = journalOf('linked.jsonl', { cursor: 'c1', entries: [ENTRY] });
    const { code, out } = await endOf(startRating(['--journal', journal, '--sum'], { script }));
    expect([code, out]).toEqual([0, '1 calls, 0.05 EUR: 1 rated (0 of them below half a cent)\n']);
  },
  SLOW_MS,
);
