import { Audit } from './audit.js';
import { AccessUnavailable, type AuditEntry } from './ports.js';

const HOLDER = { kind: 'key', name: 'billing (rl_1)', prefix: 'rl_1', address: '192.0.2.1', local: false } as const;
const ROUTE = 'GET /api/v1/calls/{id}';

let now = 1_000_000;
let written: AuditEntry[];
let tries: number[];
let isAway: boolean;
let audit: Audit;

beforeEach(() => {
  [written, tries, isAway] = [[], [], true];
  const store = {
    append: (entries: readonly AuditEntry[]): Promise<void> => {
      tries.push(entries.length);
      if (isAway) return Promise.reject(new AccessUnavailable(null));
      written.push(...entries);
      return Promise.resolve();
    },
  };
  audit = new Audit(store, { now: () => now });
});
afterEach(() => audit.close());

function walk(from: number, to: number): void {
  for (let id = from; id < to; id++) audit.clearRead(HOLDER, ROUTE, `call ${String(id)}`);
}

test('a client that walks all calls while nothing can be written leaves 5,000 entries and a count, and no queue of flushes', async () => {
  walk(0, 20_000);
  await audit.flush();
  walk(20_000, 30_000);
  await audit.flush();
  expect(tries.length).toBeLessThanOrEqual(3);
  expect(Math.max(...tries)).toBeLessThanOrEqual(5_001);
  isAway = false;
  now += 60_000;
  await audit.flush();
  expect(written).toHaveLength(5_001);
  expect(written.reduce((sum, { times }) => sum + times, 0)).toBe(30_000);
  expect(written.at(-1)).toMatchObject({ action: ROUTE, subject: null, times: 25_000 });
});

test('reads that come while those before them are written are counted once', async () => {
  isAway = false;
  walk(7, 8);
  const writing = audit.flush();
  walk(7, 8);
  walk(7, 8);
  await writing;
  now += 60_000;
  await audit.flush();
  expect(written.map(({ subject, times }) => [subject, times])).toEqual([
    ['call 7', 1],
    ['call 7', 2],
  ]);
});
