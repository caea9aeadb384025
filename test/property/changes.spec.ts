/**
 * A reader of the changes feed that stores its cursor sees every revision at least once, those of a call in order, however
 * transactions interleave and whoever is killed. Real PostgreSQL; the schedule comes from the seed.
 */
import fc from 'fast-check';
import type pg from 'pg';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { readChanges } from '../../src/query/changes/changes.js';
import { settle } from '../../src/store/sweep/sweep.settle.js';
import { arrival, EPOCH } from '../support/arrivals.js';
import { testDatabase, testPool, testPrisma, type TestDatabase } from '../support/database.js';
import { HeldWriter } from '../support/held-writer.js';
import { LONG_AFTER, write } from '../support/lives.js';
import { neighboursDone } from '../support/neighbours.js';

const SLOTS = 3;
const CALLS = ['a', 'b', 'c', 'd'] as const;

type Step =
  | { readonly do: 'write'; readonly slot: number; readonly call: (typeof CALLS)[number]; readonly at: number }
  | { readonly do: 'commit' | 'rollback' | 'kill'; readonly slot: number }
  | { readonly do: 'settle' }
  | { readonly do: 'read'; readonly limit: number; readonly crash: boolean };

const slot = fc.nat(SLOTS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      slot,
      call: fc.constantFrom(...CALLS),
      at: fc.integer({ min: 0, max: 90_000 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('commit' as const, 'commit', 'rollback', 'kill'), slot }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('read' as const),
      limit: fc.integer({ min: 1, max: 4 }),
      crash: fc.boolean(),
    }),
  },
);

let database: TestDatabase;
let prisma: PrismaClient;
let pool: pg.Pool;

beforeAll(async () => {
  database = await testDatabase();
  prisma = testPrisma(database);
  pool = testPool(database);
});

afterAll(async () => {
  await prisma.$disconnect();
  await pool.end();
  await database.close();
});

/** What was told, and where the reader is. */
class Reader {
  readonly told: string[] = [];
  /** What was told on pages whose end was stored. */
  readonly kept: string[] = [];
  private cursor: string | undefined;

  /** A reader that crashes has acted on the page, and not stored where it ends. */
  async read(limit: number, crash: boolean): Promise<boolean> {
    const page = await readChanges(prisma, { after: this.cursor, limit, settled: undefined, source: undefined });
    const told = page.data.map(({ id, revision }) => `${id} ${String(revision)}`);
    this.told.push(...told);
    if (crash) return page.more;
    this.kept.push(...told);
    this.cursor = page.nextCursor;
    return page.more;
  }
}

/** Runs a schedule. A write to a call that another open transaction holds is left out: it would wait for it. */
class Schedule {
  readonly reader = new Reader();
  private readonly open = new Map<number, { writer: HeldWriter; holds: Set<string> }>();

  async run(steps: readonly Step[]): Promise<void> {
    for (const [index, one] of steps.entries()) await this.take(one, index);
    for (const number of [...this.open.keys()]) await this.end(number, 'commit');
    await neighboursDone(pool);
    while (await this.reader.read(4, false));
  }

  private async take(one: Step, index: number): Promise<void> {
    switch (one.do) {
      case 'write':
        return this.write(one.slot, one.call, one.at, index);
      case 'settle':
        // Settling waits for whoever holds a call.
        if (this.open.size === 0) await settle(prisma, LONG_AFTER, EPOCH, 2);
        return;
      case 'read':
        await this.reader.read(one.limit, one.crash);
        return;
      case 'commit':
      case 'rollback':
      case 'kill':
        return this.end(one.slot, one.do);
    }
  }

  private async write(number: number, call: string, at: number, index: number): Promise<void> {
    if ([...this.open].some(([other, { holds }]) => other !== number && holds.has(call))) return;
    const known = this.open.get(number) ?? { writer: await HeldWriter.open(database.url), holds: new Set<string>() };
    if (!this.open.has(number)) await known.writer.begin();
    this.open.set(number, known);
    known.holds.add(call);
    const state = (['ringing', 'ok', 'bye'] as const)[index % 3] ?? 'bye';
    await write(known.writer, arrival(call, String(index), state, at));
  }

  private async end(number: number, how: 'commit' | 'rollback' | 'kill'): Promise<void> {
    const known = this.open.get(number);
    if (known === undefined) return;
    this.open.delete(number);
    if (how === 'kill') await pool.query('select pg_terminate_backend($1, 5000)', [known.writer.pid]);
    else await known.writer.end(how);
    await known.writer.close();
  }
}

/** Each id's revisions as first heard: 1, 2, 3, and none left out. */
function gapsIn(told: readonly string[]): readonly string[] {
  const last = new Map<string, number>();
  return told.flatMap((one) => {
    const [id = '', revision = ''] = one.split(' ');
    const known = last.get(id) ?? 0;
    if (Number(revision) > known + 1) return [`${id}: ${revision} after ${String(known)}`];
    last.set(id, Math.max(known, Number(revision)));
    return [];
  });
}

test('a reader that stores its cursor misses nothing, hears each call in order, and hears nothing twice but by a crash of its own', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 40 }), async (steps) => {
      await pool.query('truncate call, call_change, call_superseded, call_evidence, notification, gap');
      const schedule = new Schedule();
      await schedule.run(steps);
      const { rows } = await pool.query<{ one: string }>(`select id || ' ' || revision as one from call_change`);
      const heard = new Set(schedule.reader.told);
      expect(rows.map(({ one }) => one).filter((one) => !heard.has(one))).toEqual([]);
      expect(gapsIn(schedule.reader.told)).toEqual([]);
      expect(new Set(schedule.reader.kept).size).toBe(schedule.reader.kept.length);
    }),
    { numRuns: 25 },
  );
}, 60_000);
