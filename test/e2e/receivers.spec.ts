/**
 * Two receivers on one database, each hearing a random half of the same datagrams: the records are those of one receiver
 * that heard all. One is a process of its own, so that it can be killed and not only stopped.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { rebuildLedger } from '../../src/ingest/rebuild/rebuild.js';
import type { Running } from '../../src/main.js';
import { PgLedgerStore } from '../../src/store/ledger/ledger.js';
import { PgRebuildStore } from '../../src/store/ledger/rebuild.js';
import { PgSourceSettingsStore } from '../../src/store/sources/source-settings.js';
import { type TestDatabase, testDatabase, testPool, testPrisma } from '../support/database.js';
import { ownFolder, portOf, Sender, startReceiver, until } from '../support/receiver.js';

const SLOW_MS = 120_000;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** H is 4 s: longer than a busy machine keeps a datagram waiting, so that copies stay copies. */
const QUICK = {
  ...{ IVR_CALL_REPORT_RETRY: '3', IVR_CALL_REPORT_RETRY_INTERVAL: '1', RETRY_MARGIN_MS: '1000' },
  // A spool that a killed one leaves is stored by its next start, which there is none of here.
  ...{ HEARTBEAT_INTERVAL_MS: '100', LOSS_WINDOW_S: '1', SPOOL_AFTER_MS: '30000' },
};
const SETTINGS = {
  ...{ retry: 3, intervalMs: 1_000, marginMs: 1_000, staleRingingMs: 300_000 },
  ...{ staleAnsweredMs: 14_400_000, lossWindowMs: 1_000 },
};

let closing: (() => Promise<void>)[];

beforeEach(() => {
  closing = [];
});

afterEach(async () => {
  for (const close of closing.reverse()) await close();
}, SLOW_MS);

async function database(): Promise<TestDatabase> {
  const made = await testDatabase();
  closing.push(() => made.close());
  return made;
}

async function start(on: TestDatabase, settings: Readonly<Record<string, string>> = QUICK): Promise<Running> {
  const receiver = await startReceiver(on, settings);
  closing.push(() => receiver.stop());
  return receiver;
}

async function senderFrom(address?: string): Promise<Sender> {
  const sender = await Sender.open(address);
  closing.push(() => {
    sender.close();
    return Promise.resolve();
  });
  return sender;
}

/** A receiver in a process of its own, and the port it receives on. */
async function startProcess(on: TestDatabase): Promise<{ port: number; child: ChildProcess }> {
  const env = { ...process.env, ...QUICK, NODE_OPTIONS: '', DATABASE_URL: on.url, HTTP_PORT: '0' };
  const child = spawn(process.execPath, ['dist/cli/main.js', 'start'], {
    ...{ cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] as const },
    env: { ...env, IVR_CALL_REPORT_PORT: '0', UDP_HOST: '127.0.0.1', LOG_FORMAT: 'json', DATA_DIR: ownFolder() },
  });
  closing.push(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until(() => /UDP 127\.0\.0\.1:(\d+)[\s\S]*Ready in/.test(output), 20_000);
  return { port: Number(/UDP 127\.0\.0\.1:(\d+)/.exec(output)?.[1]), child };
}

/** mulberry32: the same seed, the same choices. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function report(callId: string, serial: number, state: string): string {
  return `${callId},${String(serial)},${state},442071234567,442079876543,1001,7,Main menu`;
}

/** One datagram, and whether the network loses it towards the receivers. */
interface Sent {
  readonly text: string;
  readonly lost: boolean;
  readonly first: boolean;
}

/** What an IVR sends for `count` calls, three in four answered; 20 % is lost, 20 % is sent twice. */
function traffic(seed: number, count: number): readonly Sent[] {
  const chance = random(seed);
  const lives = Array.from({ length: count }, (_, index) => {
    const states = index % 4 === 0 ? ['Ringing', 'Bye'] : ['Ringing(180)', 'OK', 'Bye'];
    return states.map((state, at) => report(`t-${String(index)}`, at + 1, state));
  });
  return [0, 1, 2].flatMap((step) =>
    lives.flatMap((life) => {
      const text = life[step];
      if (text === undefined) return [];
      const copies = Array.from({ length: chance() < 0.2 ? 2 : 1 }, (_, copy) => ({ text, first: copy === 0 }));
      return copies.map((one) => ({ ...one, lost: chance() < 0.2 }));
    }),
  );
}

/** Contract fields that do not come from when a datagram happened to be received, as times and the opener's id do. */
async function records(on: TestDatabase): Promise<readonly object[]> {
  const pool = testPool(on, 1);
  try {
    const { rows } = await pool.query<object>(
      `select call_id, state, disposition, disposition_basis, caller_number, callee_number, forward_number, menu_id,
         menu_name, ringing_code, ringing_at is null as no_ring, answered_at is null as no_answer, ended_at is null as no_end,
         end_provenance, conflict, notification_count, missing_count, settled
       from call order by call_id`,
    );
    return rows;
  } finally {
    await pool.end();
  }
}

async function count(on: TestDatabase, from: string): Promise<number> {
  const pool = testPool(on, 1);
  const { rows } = await pool.query<{ n: number }>(`select count(*)::integer as n from ${from}`);
  await pool.end();
  return rows[0]?.n ?? NaN;
}

/** What was lost, by what names it. What may be missing for a moment hangs on when a datagram happened to be received. */
async function losses(on: TestDatabase): Promise<readonly object[]> {
  const pool = testPool(on, 1);
  const { rows } = await pool.query<object>(
    `select call_id, kind, certainty, from_serial, to_serial from gap
     where status = 'lost' and kind in ('serial', 'state') order by 1, 2, 4, 5, 3`,
  );
  await pool.end();
  return rows;
}

/** Copies of each notification, over all receivers that heard one. */
async function copies(on: TestDatabase): Promise<readonly object[]> {
  const pool = testPool(on, 1);
  const { rows } = await pool.query<object>('select call_id, serial, state, copies from notification order by 1, 2, 3');
  await pool.end();
  return rows;
}

/** Every call with every column, but when it was written. */
async function rowsOf(on: TestDatabase): Promise<readonly unknown[]> {
  const pool = testPool(on, 1);
  const { rows } = await pool.query<object>(
    `select to_jsonb(call) - 'updated_at' as row from call order by call_key, id`,
  );
  await pool.end();
  return rows;
}

/** A rebuild from the raw notifications changes no record: each is the pure fold of all that was received. */
async function expectRebuildChangesNothing(on: TestDatabase): Promise<void> {
  const before = await rowsOf(on);
  const prisma = testPrisma(on, 2);
  const clock = { now: () => Date.now() };
  await rebuildLedger(new PgRebuildStore(prisma), new PgLedgerStore(prisma, clock), SETTINGS, clock.now());
  await prisma.$disconnect();
  expect(await rowsOf(on)).toEqual(before);
}

async function allSettled(on: TestDatabase): Promise<void> {
  await until(async () => (await count(on, `call where state = 'ended' and not settled`)) === 0, 30_000);
}

/**
 * An operator's word on what serials count, once the source is there. Records depend on it, and when it is learned hangs on
 * when the sweep comes round: what is compared here are the records under one meaning.
 */
async function pinMeaning(
  sender: Sender,
  receivers: readonly Running[],
  databases: readonly TestDatabase[],
): Promise<void> {
  for (const receiver of receivers) sender.send(portOf(receiver), report('first', 1, 'Ringing'));
  await sender.acked(receivers.length);
  for (const on of databases) {
    const prisma = testPrisma(on, 1);
    const decision = { at: Date.now(), by: 'operator' };
    await new PgSourceSettingsStore(prisma).pinMeaning('127.0.0.1', 'per_call', 1, decision);
    await prisma.$disconnect();
  }
}

test(
  'records are those of one receiver that heard everything, and of a rebuild',
  async () => {
    const [shared, single] = [await database(), await database()];
    const [one, other, whole] = [await start(shared), await start(shared), await start(single)];
    const sender = await senderFrom();
    await pinMeaning(sender, [one, whole], [shared, single]);
    const choose = random(7);
    const sent = traffic(1, 100).filter(({ lost }) => !lost);
    for (let at = 0; at < sent.length; at += 40) {
      for (const { text } of sent.slice(at, at + 40)) {
        sender.send(portOf(choose() < 0.5 ? one : other), text);
        sender.send(portOf(whole), text);
      }
      await sender.acked(2 + 2 * Math.min(at + 40, sent.length));
    }
    await Promise.all([allSettled(shared), allSettled(single)]);
    for (const on of [shared, single])
      await until(async () => (await count(on, `gap where status = 'open'`)) === 0, 30_000);
    await until(async () => isDeepStrictEqual(await records(shared), await records(single)), 10_000);
    expect(await losses(shared)).toEqual(await losses(single));
    expect((await losses(shared)).length).toBeGreaterThan(10);
    expect(await copies(shared)).toEqual(await copies(single));
    const distinct = new Set(sent.map(({ text }) => text)).size;
    for (const on of [shared, single]) expect(await count(on, 'notification')).toBe(distinct + 1);
    expect(await count(shared, 'outage, receiver r where r.id = receiver_id and start_at <= started_at')).toBe(0);
    const heard = [one, other].map((receiver) => receiver.counts().transport.answered);
    expect(heard.reduce((sum, answered) => sum + answered, 0)).toBe(sent.length + 1);
    expect(Math.min(...heard)).toBeGreaterThan(sent.length / 4);
    await expectRebuildChangesNothing(shared);
  },
  SLOW_MS,
);

test(
  'one receiver killed in the middle loses nothing that was acked, and the other settles what it left',
  async () => {
    const shared = await database();
    const one = await start(shared);
    const { port, child } = await startProcess(shared);
    const sender = await senderFrom();
    const choose = random(11);
    const sent = traffic(2, 100).filter(({ first }) => first);
    const half = Math.floor(sent.length / 2);
    for (const { text } of sent.slice(0, half)) sender.send(choose() < 0.5 ? port : portOf(one), text);
    await until(() => sender.acks.length > half / 3, 20_000);
    child.kill('SIGKILL');
    await once(child, 'exit');
    // What was not acked is sent again, as an IVR does; and the rest, all to the one that is left.
    await sleep(100);
    for (const { text } of sent) {
      const [callId = '', serial = ''] = text.split(',');
      if (!sender.acks.includes(`${callId},${serial}`)) sender.send(portOf(one), text);
    }
    const wanted = new Set(sent.map(({ text }) => text.split(',').slice(0, 2).join(',')));
    await until(() => new Set(sender.acks).size === wanted.size, 20_000);
    expect(await count(shared, 'notification')).toBe(wanted.size);
    const ended = await records(shared);
    expect(ended.every((call) => (call as { state: string }).state === 'ended')).toBe(true);
    // Held back until the dead one has been silent for 10 s.
    await allSettled(shared);
    await expectRebuildChangesNothing(shared);
  },
  SLOW_MS,
);

test(
  'nothing settles while a receiver that is alive is behind, the feed names it, and it goes on once that one is gone',
  async () => {
    const shared = await database();
    const receiver = await start(shared);
    const pool = testPool(shared, 1);
    closing.push(() => pool.end());
    await pool.query(
      `insert into receiver (id, name, started_at, beat_at, durable_through)
       values (gen_random_uuid(), 'slow-one', now(), now(), now() - interval '11 seconds')`,
    );
    const beat = setInterval(() => void pool.query(`update receiver set beat_at = now() where name = 'slow-one'`), 200);
    const sender = await senderFrom();
    sender.send(portOf(receiver), report('w', 1, 'Ringing'), report('w', 2, 'OK'), report('w', 3, 'Bye'));
    await sender.acked(3);
    await sleep(6_000);
    clearInterval(beat);
    const feed = async (): Promise<unknown> => {
      const answer = await fetch(`${receiver.http}/api/v1/calls`);
      return ((await answer.json()) as { feed: { heldBackBy: string | null }[] }).feed[0]?.heldBackBy;
    };
    expect(await count(shared, 'call where settled')).toBe(0);
    expect(await feed()).toBe('slow-one');
    await pool.query(`update receiver set beat_at = now() - interval '10 seconds' where name = 'slow-one'`);
    await until(async () => (await count(shared, 'call where settled')) === 1, 10_000);
    expect(await feed()).toBeNull();
  },
  SLOW_MS,
);
