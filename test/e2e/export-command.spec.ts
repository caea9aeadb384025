/** `ringledger export` against a real server: a file that is whole, also when the command was killed on the way. */
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { exportCommand } from '../../src/cli/export.js';
import { FILTER_NAMES } from '../../src/cli/export/filters.js';
import { CALL_FILTER } from '../../src/query/filters.js';
import { type TestApi, testApi } from '../support/api.js';
import { runCommand } from '../support/command.js';
import { until } from '../support/receiver.js';
import { time } from '../support/rows.js';

const CALLS = 25_000;
let api: TestApi;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ringledger-export-'));
  api = await testApi();
  await api.pool.query(
    `insert into call (call_key, id, settled, source_key, call_id, state, first_seen_at, late, conflict, notification_count,
       duplicate_count, missing_count, revision, updated_at, awaits_facts)
     select gen_random_uuid(), gen_random_uuid(), false, 'ivr', 'c-' || i, 'ringing', $1::timestamptz + (i / 4) * interval '1 s',
       false, false, 1, 0, 0, 1, $1, false from generate_series(1, $2) i`,
    [time(0), CALLS],
  );
});

afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true });
});

function exported(...words: string[]): Promise<{ readonly output: string }> {
  return runCommand(exportCommand(), '--api', api.url, '--columns', 'callId', ...words);
}

function calls(text: string): string[] {
  return text.split('\r\n').slice(1, -1);
}

test('every filter of the export is an option', () => {
  expect([...FILTER_NAMES].sort()).toEqual(Object.keys(CALL_FILTER).sort());
});

test('a file is there when it is whole, and standard output gets the same', async () => {
  const out = join(folder, 'all.csv');
  await exported('--out', out);
  const { output } = await exported();
  expect(readFileSync(out, 'utf8')).toBe(output);
  expect(new Set(calls(output)).size).toBe(CALLS);
  expect(existsSync(`${out}.part`) || existsSync(`${out}.part.json`)).toBe(false);
  expect((await exported('--call-id', 'c-7', 'c-9')).output).toBe('callId\r\nc-7\r\nc-9\r\n');
});

/** A way to the server that lets so many bytes through, and then either breaks or stands still. */
async function narrow(bytesMax: number, then: 'break' | 'stand'): Promise<{ url: string; close(): void }> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(new URL(api.url).port), '127.0.0.1');
    for (const socket of [near, far]) open.add(socket.on('error', () => undefined));
    near.pipe(far);
    let left = bytesMax;
    far.on('data', (bytes: Buffer) => {
      near.write(bytes.subarray(0, left));
      left -= Math.min(left, bytes.length);
      if (left > 0) return;
      if (then === 'stand') far.pause();
      else for (const socket of [near, far]) socket.destroy();
    });
    far.on('end', () => near.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  return { url: `http://127.0.0.1:${String(port)}`, close };
}

/** In ids of 11 bytes a call is 13 at most, so that the first mark has come after 150,000 and the second has not. */
const CUT_BYTES = 150_000;

test.each([[[]], [['--gzip']]])(
  'a transfer that was cut off goes on, no call twice or missing %p',
  async (words: string[]) => {
    const out = join(folder, `cut${words.join('')}.csv`);
    const way = await narrow(CUT_BYTES, 'break');
    await expect(exported('--api', way.url, '--out', out, ...words)).rejects.toThrow('Cut off after 10000 calls');
    way.close();
    expect(existsSync(out)).toBe(false);
    await expect(exported('--out', out, '--resume', '--tz', 'Europe/Berlin', ...words)).rejects.toThrow(
      'other options',
    );
    await exported('--out', out, '--resume', ...words);
    const bytes = readFileSync(out);
    expect((words.length > 0 ? gunzipSync(bytes) : bytes).toString()).toBe((await exported()).output);
  },
);

test('a command that was killed goes on, no call twice or missing', async () => {
  const out = join(folder, 'killed.csv');
  const way = await narrow(CUT_BYTES, 'stand');
  const words = ['--api', way.url, '--columns', 'callId', '--out', out];
  const child = spawn(process.execPath, ['dist/cli/main.js', 'export', ...words], { stdio: 'ignore' });
  await until(() => existsSync(`${out}.part.json`), 20_000);
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  way.close();
  // As a kill in the middle of a write leaves it.
  appendFileSync(`${out}.part`, 'c-half of a row');
  await exported('--out', out, '--resume');
  expect(readFileSync(out, 'utf8')).toBe((await exported()).output);
});

test('--resume goes with a file', async () => {
  await expect(exported('--resume')).rejects.toThrow('name the file');
});

test('what the server refuses is told in its words', async () => {
  await expect(exported('--tz', 'Mars/Olympus')).rejects.toThrow('tz is not a time zone');
});
