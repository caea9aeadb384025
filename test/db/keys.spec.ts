/** Keys and the audit trail on real PostgreSQL: guards against a key that opens after its end, and a change nobody made. */
import { jest } from '@jest/globals';
import { Audit } from '../../src/access/audit.js';
import { Gate } from '../../src/access/gate.js';
import type { AskedKey } from '../../src/access/judge-key.js';
import { type KeyMaker, Keys } from '../../src/access/keys.js';
import { AccessUnavailable } from '../../src/access/ports.js';
import { keysCommand } from '../../src/cli/keys.js';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { trimAudit } from '../../src/store/upkeep/audit-trim.js';
import { PgKeyStore } from '../../src/store/keys.js';
import { keepPartitions } from '../../src/store/upkeep/partition-keeper.js';
import { runCommand } from '../support/command.js';
import { type TestDatabase, testDatabase, testPool, testPrisma } from '../support/database.js';
import { insertSource } from '../support/rows.js';

const NOW = Date.UTC(2026, 2, 1);
const MAKER: KeyMaker = { name: 'cli (tester)', prefix: null, address: 'local' };
const BILLING: AskedKey = { name: 'billing', scopes: ['changes:read'], sources: ['ivr'], expiresAt: null };
const LOCAL = { address: '127.0.0.1', local: true };
const FAR = { address: '192.0.2.7', local: false };

let database: TestDatabase;
let pool: ReturnType<typeof testPool>;
let prisma: PrismaClient;
let clock: { at: number; now(): number };

beforeAll(async () => {
  database = await testDatabase();
  pool = testPool(database);
  prisma = testPrisma(database);
});
afterAll(async () => {
  await prisma.$disconnect();
  await pool.end();
  await database.close();
});
beforeEach(async () => {
  await pool.query('truncate api_key, audit');
  clock = { at: NOW, now: () => clock.at };
});

/** As another process has it. */
function keysHere(): Keys {
  return new Keys(new PgKeyStore(prisma), clock);
}

async function made(
  keys: Keys,
  asked: AskedKey = BILLING,
): Promise<{ readonly secret: string; readonly prefix: string }> {
  const done = await keys.create(asked, MAKER);
  if ('faults' in done) throw new Error(JSON.stringify(done.faults));
  return { secret: done.secret, prefix: done.key.prefix };
}

async function trail(): Promise<unknown[]> {
  const { rows } = await pool.query<object>(
    'select kind, who, key_prefix, address, action, subject, detail, times from audit order by at, id',
  );
  return rows;
}

test('of a key nothing is kept that opens anything', async () => {
  const { secret, prefix } = await made(keysHere());
  const { rows } = await pool.query('select * from api_key');
  expect(rows).toMatchObject([
    { prefix, name: 'billing', scopes: ['changes:read'], sources: ['ivr'], revoked_at: null },
  ]);
  const { rows: dumped } = await pool.query<{ text: string }>(
    'select row_to_json(k)::text as text from api_key k union all select row_to_json(a)::text from audit a',
  );
  expect(dumped.filter(({ text }) => text.includes(secret.slice(prefix.length + 1)))).toEqual([]);
});

test('a key that was made is good, and whoever makes or revokes one stands in the trail', async () => {
  const keys = keysHere();
  const { secret, prefix } = await made(keys);
  expect(await keysHere().verify(secret)).toMatchObject({ good: true, key: { prefix, scopes: ['changes:read'] } });
  clock.at += 1;
  await keys.revoke(prefix, MAKER);
  await keys.revoke(prefix, MAKER);
  const by = { kind: 'change', who: 'cli (tester)', key_prefix: null, address: 'local', subject: prefix, times: 1 };
  expect(await trail()).toEqual([
    { ...by, action: 'createKey', detail: 'changes:read; sources ivr' },
    { ...by, action: 'revokeKey', detail: null },
  ]);
});

test('a key for sources nobody has heard is made, and they are named; one for those that are known is made without a word', async () => {
  await insertSource(pool, { key: 'ivr-1', name: 'ivr-1' });
  const told: string[] = [];
  const write = jest.spyOn(process.stderr, 'write').mockImplementation((text) => told.push(String(text)) > 0);
  const before = process.env['DATABASE_URL'];
  process.env['DATABASE_URL'] = database.url;
  const create = async (sources: string): Promise<string> => {
    const words = ['create', '--name', 'x', '--scopes', 'calls:read', '--sources', sources];
    return (await runCommand(keysCommand(), ...words)).output.trim();
  };
  try {
    const secret = await create('ivr-2,ivr-1,10.0.0.9');
    expect(told.slice(1)).toEqual([
      'No source is known by ivr-2, 10.0.0.9: until one is heard, this key sees nothing of it. GET /api/v1/sources lists the keys there are.\n',
    ]);
    expect((await keysHere().list())[0]).toMatchObject({ sources: ['ivr-2', 'ivr-1', '10.0.0.9'] });
    expect(await new Keys(new PgKeyStore(prisma), { now: () => Date.now() }).verify(secret)).toMatchObject({
      good: true,
    });
    await create('ivr-1');
    expect(told).toHaveLength(3);
  } finally {
    write.mockRestore();
    if (before === undefined) delete process.env['DATABASE_URL'];
    else process.env['DATABASE_URL'] = before;
  }
});

test('a key ends at its instant, and tells its holder alone', async () => {
  const keys = keysHere();
  const { secret, prefix } = await made(keys, { ...BILLING, expiresAt: NOW + 60_000 });
  clock.at = NOW + 59_999;
  expect(await keys.verify(secret)).toMatchObject({ good: true });
  clock.at = NOW + 60_000;
  expect(await keys.verify(secret)).toEqual({
    ...{ good: false, reason: 'This key expired at 2026-03-01T00:01:00.000Z. Ask for another one.' },
  });
  expect(await keys.verify(`${prefix}_${'x'.repeat(43)}`)).toEqual({
    ...{ good: false, reason: 'This is no key of this server.' },
  });
});

test('a key revoked by another process opens nothing half a second later', async () => {
  const [here, there] = [keysHere(), keysHere()];
  const { secret, prefix } = await made(here);
  expect(await here.verify(secret)).toMatchObject({ good: true });
  await there.revoke(prefix, MAKER);
  expect(await there.verify(secret)).toMatchObject({ good: false });
  clock.at += 500;
  expect(await here.verify(secret)).toMatchObject({
    good: false,
    reason: 'This key was revoked. Ask for another one.',
  });
});

test('its last use is written once a minute at most', async () => {
  const keys = keysHere();
  const { secret } = await made(keys);
  const used = async (): Promise<unknown> => (await keys.list())[0]?.lastUsedAt;
  for (const [after, shown] of [
    [0, NOW],
    [59_000, NOW],
    [60_000, NOW + 60_000],
  ] as const) {
    clock.at = NOW + after;
    await keys.verify(secret);
    // Nobody waits for the note, so it may come a moment later.
    for (let tries = 0; tries < 100 && (await used()) !== shown; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await used()).toBe(shown);
  }
});

test('nobody needs a key on this machine until one is made; then everybody, for ever', async () => {
  const keys = keysHere();
  const gate = new Gate(keys, clock, 0);
  expect(await gate.admit({ secret: null, ...LOCAL })).toMatchObject({ holder: { kind: 'open' } });
  expect(await gate.admit({ secret: null, ...FAR })).toMatchObject({ holder: { kind: 'stranger' }, scopes: [] });
  const { prefix } = await made(keysHere());
  clock.at += 500;
  expect(await gate.admit({ secret: null, ...LOCAL })).toMatchObject({ holder: { kind: 'stranger' }, scopes: [] });
  await keys.revoke(prefix, MAKER);
  expect(await new Gate(keysHere(), clock, 0).admit({ secret: null, ...LOCAL })).toMatchObject({
    holder: { kind: 'stranger' },
  });
});

test('an address that guesses is kept out after ten, beside a holder whose key is known', async () => {
  const keys = keysHere();
  const gate = new Gate(keys, clock, 0);
  const { secret } = await made(keys);
  const guess = (at: typeof FAR): Promise<unknown> => gate.admit({ secret: `rl_00000000_${'x'.repeat(43)}`, ...at });
  expect(await gate.admit({ secret, ...FAR })).toMatchObject({ holder: { kind: 'key' } });
  for (let i = 0; i < 10; i++) await expect(guess(FAR)).rejects.toMatchObject({ name: 'Unauthenticated' });
  await expect(guess(FAR)).rejects.toMatchObject({ name: 'TooMany', retryAfterS: 6 });
  await expect(gate.admit({ secret: 'nonsense', ...FAR })).rejects.toMatchObject({ name: 'TooMany' });
  expect(gate.refusals()).toEqual({ key: 10, guesses: 2, rate: 0 });
  expect(await gate.admit({ secret, ...FAR })).toMatchObject({ holder: { kind: 'key' } });
  await expect(guess({ ...FAR, address: '192.0.2.8' })).rejects.toMatchObject({ name: 'Unauthenticated' });
  clock.at += 6_000;
  await expect(guess(FAR)).rejects.toMatchObject({ name: 'Unauthenticated' });
});

test('a key, and an address, ask so often; the addresses of one IPv6 network are one', async () => {
  const keys = keysHere();
  const { secret } = await made(keys);
  const keyed = new Gate(keys, clock, 1);
  for (let i = 0; i < 10; i++) await keyed.admit({ secret, address: `192.0.2.${String(i)}`, local: false });
  await expect(keyed.admit({ secret, address: '192.0.2.99', local: false })).rejects.toMatchObject({
    ...{ name: 'TooMany', retryAfterS: 1 },
  });
  const strange = new Gate(keys, clock, 1);
  for (let i = 0; i < 10; i++) {
    await strange.admit({ secret: null, address: `2001:db8:0:1::${String(i + 1)}`, local: false });
  }
  await expect(strange.admit({ secret: null, address: '2001:db8::1:1:2:3:4', local: false })).rejects.toMatchObject({
    name: 'TooMany',
  });
  await strange.admit({ secret: null, address: '2001:db8:0:2::1', local: false });
});

test('reads of one kind are one row at once and one a minute; what the trail is closed with is in it', async () => {
  const audit = new Audit(new PgKeyStore(prisma), clock);
  const holder = { kind: 'key', name: 'desk (rl_1)', prefix: 'rl_1', address: '192.0.2.7', local: false } as const;
  const read = (times: number): void => {
    for (let i = 0; i < times; i++) audit.clearRead(holder, 'GET /api/v1/calls', null);
  };
  read(1);
  await audit.flush();
  clock.at += 1;
  read(5);
  await audit.flush();
  expect(await trail()).toHaveLength(1);
  clock.at += 60_000;
  await audit.flush();
  read(2);
  await audit.close();
  const row = { kind: 'clear_read', who: 'desk (rl_1)', key_prefix: 'rl_1', address: '192.0.2.7', subject: null };
  expect(await trail()).toEqual(
    [1, 5, 2].map((times) => ({ ...row, action: 'GET /api/v1/calls', detail: null, times })),
  );
});

test('while the database is away no key is made, none is known, and one that was good opens what is no secret', async () => {
  const other = await testDatabase();
  const client = testPrisma(other);
  const keys = new Keys(new PgKeyStore(client), clock);
  const { secret } = await made(keys, { ...BILLING, scopes: ['metrics:read', 'numbers:clear'], sources: null });
  const gate = new Gate(keys, clock, 0);
  await gate.admit({ secret, ...FAR });
  await client.$disconnect();
  await other.close();
  clock.at += 60_000;
  expect(await gate.admit({ secret, ...FAR })).toMatchObject({ scopes: ['metrics:read'] });
  await expect(keys.create(BILLING, MAKER)).rejects.toBeInstanceOf(AccessUnavailable);
  clock.at += 3_600_000;
  await expect(gate.admit({ secret, ...FAR })).rejects.toBeInstanceOf(AccessUnavailable);
});

test('the trail is kept for the retention: what is older goes, the oldest first, so much in a round', async () => {
  const day = 86_400_000;
  const instants = [0, 1, 2, 3, 4].map((days) => new Date(clock.at - days * day).toISOString());
  await pool.query(
    `insert into audit (id, at, kind, who, address, action, times)
     select gen_random_uuid(), at, 'clear_read', 'x', '::1', 'GET', 1 from unnest($1::timestamptz[]) as at`,
    [instants],
  );
  const left = async (): Promise<number> =>
    Number((await pool.query<{ count: string }>('select count(*) from audit')).rows[0]?.count);
  expect(await trimAudit(prisma, clock.at - 1.5 * day, 1, 2)).toBe(2);
  expect(await left()).toBe(3);
  expect(await trimAudit(prisma, clock.at - 1.5 * day)).toBe(1);
  // As a start does, and then every hour.
  const keeper = await keepPartitions(prisma, { now: () => clock.at + 0.5 * day }, 1, () => undefined);
  keeper.stop();
  expect(await left()).toBe(1);
});
