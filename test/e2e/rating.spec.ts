/** The rating example of docs/billing.md, as a process of its own, killed at random while calls are written and corrected. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from '../../src/simulator/sender/random.js';
import { PgLedgerStore } from '../../src/store/ledger/ledger.js';
import { settle } from '../../src/store/sweep/sweep.settle.js';
import { type TestApi, testApi } from '../support/api.js';
import { arrival, EPOCH } from '../support/arrivals.js';
import { life, LONG_AFTER, SOURCE, write } from '../support/lives.js';
import { endOf, entriesIn, startRating } from '../support/rating.js';
import { insertReceiver, insertSource } from '../support/rows.js';
import { keyFor } from '../access/kit.js';

/** The tariff of the example for 44207...: 120 hundredths of a cent a minute. */
const RATE = 120;
const SLOW_MS = 60_000;

let api: TestApi;
let ledger: PgLedgerStore;
let folder: string;

beforeAll(async () => {
  api = await testApi();
  api.clock.at = new Date(EPOCH + 60_000);
  ledger = new PgLedgerStore(api.prisma, { now: () => api.clock.at.getTime() });
  await insertSource(api.pool, { key: SOURCE, name: SOURCE });
  await insertReceiver(api.pool);
  folder = mkdtempSync(join(tmpdir(), 'ringledger-rating-'));
}, SLOW_MS);

afterAll(async () => {
  await api.close();
  rmSync(folder, { recursive: true, force: true });
}, 20_000);

function rate(journal: string, ...options: readonly string[]): ChildProcess {
  return startRating(['--url', api.url, '--journal', journal, ...options]);
}

async function rateOnce(journal: string): Promise<void> {
  expect(await endOf(rate(journal, '--once'))).toMatchObject({ code: 0 });
}

/** What each call is charged in the end, by the journal; calls that cost nothing left out. */
function chargedBy(journal: string): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { id, cents } of entriesIn(journal)) sums.set(id, (sums.get(id) ?? 0) + cents);
  return new Map([...sums].filter(([, cents]) => cents !== 0).sort());
}

/** What each call should be charged, by its record as it stands. */
async function owed(): Promise<ReadonlyMap<string, number>> {
  const { rows } = await api.pool.query<{ id: string; talk_ms: string }>(
    `select id, talk_ms from call
     where settled and disposition = 'answered' and end_provenance = 'reported' and not conflict`,
  );
  const cents = rows.map(({ id, talk_ms }): [string, number] => {
    return [id, Math.floor((Math.ceil(Number(talk_ms) / 1_000) * RATE) / 6_000 + 0.5)];
  });
  return new Map(cents.filter(([, one]) => one !== 0).sort());
}

async function settleAll(): Promise<void> {
  await settle(api.prisma, LONG_AFTER, api.clock.at.getTime(), 1_000);
}

test(
  'killed at random, it charges every call once, and what it charged is what the records say',
  async () => {
    const random = seeded('rating');
    const journal = join(folder, 'killed.jsonl');
    let running = rate(journal);
    let killed = 0;
    for (let round = 0; round < 60; round++) {
      const call = `c${String(round)}`;
      await write(ledger, ...life(call, 20_000 + random.below(3_600_000)));
      await settleAll();
      // Every third call is corrected later: an earlier Bye was heard late, or another OK disagrees.
      if (round % 3 === 2)
        await write(ledger, arrival(`c${String(round - 1)}`, '3', 'bye', 15_000 + random.below(4_000)));
      await settleAll();
      await sleep(random.below(60));
      if (random.chance(0.15) && (await hasStarted(journal))) {
        running.kill('SIGKILL');
        await once(running, 'exit');
        killed++;
        running = rate(journal);
      }
    }
    running.kill('SIGKILL');
    await once(running, 'exit');
    await rateOnce(journal);
    expect(killed).toBeGreaterThan(1);
    expect(chargedBy(journal)).toEqual(await owed());
    const seen = entriesIn(journal).map(({ id, revision, kind }) => `${id} ${String(revision)} ${kind}`);
    expect(new Set(seen).size).toBe(seen.length);
    expect(entriesIn(journal).some(({ kind }) => kind === 'credit')).toBe(true);
  },
  SLOW_MS,
);

/** Node takes a while to start; a process killed before its first line shows nothing. */
async function hasStarted(journal: string): Promise<boolean> {
  await sleep(150);
  try {
    return readFileSync(journal, 'utf8') !== '';
  } catch {
    return false;
  }
}

test(
  'a line torn by a crash is cut off, and its page is asked for again',
  async () => {
    const journal = join(folder, 'torn.jsonl');
    await write(ledger, ...life('t', 90_000));
    await settleAll();
    await rateOnce(journal);
    const before = chargedBy(journal);
    appendFileSync(journal, '{"cursor":"x","entries":[{"id":"');
    await rateOnce(journal);
    expect(chargedBy(journal)).toEqual(before);
  },
  SLOW_MS,
);

test(
  'a cursor whose place is gone leads to no second charge',
  async () => {
    const journal = join(folder, 'gone.jsonl');
    await rateOnce(journal);
    const before = chargedBy(journal);
    await api.pool.query('update change_base set epoch = epoch + 1');
    await rateOnce(journal);
    expect(chargedBy(journal)).toEqual(before);
  },
  SLOW_MS,
);

test(
  'with a key that sees masked numbers nothing is charged, and the key is named; a clear one charges what the records say',
  async () => {
    const journal = join(folder, 'masked.jsonl');
    const options = ['--url', api.url, '--journal', journal];
    const masked = await keyFor(api.keys, ['changes:read']);
    expect(await endOf(startRating(options, { key: masked.secret }))).toEqual({
      ...{ code: 2, out: '' },
      told: 'Masked numbers cannot be rated: the key in RINGLEDGER_KEY needs the scope numbers:clear as well.\n',
    });
    expect(entriesIn(journal)).toEqual([]);
    const clear = await keyFor(api.keys, ['changes:read', 'numbers:clear']);
    expect(await endOf(startRating([...options, '--once'], { key: clear.secret }))).toMatchObject({ code: 0 });
    expect(chargedBy(journal)).toEqual(await owed());
    const without = await endOf(startRating(options));
    expect(without).toMatchObject({
      code: 2,
      told: expect.stringMatching(/^The server answers 401: Show a key/) as string,
    });
  },
  SLOW_MS,
);
