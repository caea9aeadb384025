/** The spool on real files: what is kept is found again, and what cannot be kept is refused and never called kept. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Spool } from '../../src/ingest/spool/spool.js';
import { arrival, EPOCH } from '../support/arrivals.js';
import { Bench, callIds, emptied } from './kit.js';

let bench: Bench;
let spool: Spool;

beforeEach(() => {
  bench = new Bench();
});

afterEach(async () => {
  await spool.close();
  bench.close();
});

function some(from: number, count: number): readonly ReturnType<typeof arrival>[] {
  return Array.from({ length: count }, (_, index) =>
    arrival(`c-${String(from + index)}`, '1', 'ringing', from + index),
  );
}

/** Every segment of the first process's folder, in order. */
function segments(): readonly string[] {
  const folder = join(bench.root, '1');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.seg'))
    .sort()
    .map((name) => join(folder, name));
}

test('arrivals come back as they were, in order, with their sources before them', async () => {
  spool = await bench.open();
  const given = some(0, 3);
  const odd = { ...arrival('\u00e9\ud83d\ude00,"\\', '9', 'other:x\ty', 5), payload: Buffer.from([0, 255, 10]) };
  expect((await spool.keep([...given, odd])).kept).toBe(true);
  const records = await emptied(spool);
  expect(records[0]).toEqual({
    kind: 'source',
    source: { key: '127.0.0.1', name: 'name of 127.0.0.1', addresses: ['127.0.0.1'] },
  });
  expect(records.slice(1)).toEqual([...given, odd].map((one) => ({ kind: 'arrival', arrival: one })));
  expect(spool.isEmpty()).toBe(true);
});

test('whoever hands in while one sync is under way shares the next', async () => {
  spool = await bench.open();
  await spool.keep(some(0, 1));
  const before = bench.disk.syncs;
  await Promise.all(Array.from({ length: 20 }, (_, index) => spool.keep(some(index, 1))));
  expect(bench.disk.syncs - before).toBeLessThanOrEqual(2);
  expect(spool.state()).toMatchObject({ depth: 21, kept: 21, recovered: 0 });
});

test('what a killed process left is counted at the next start and drains then', async () => {
  const first = await bench.open({ segmentBytes: 2_000 });
  await first.keep(some(0, 10));
  await first.keep(some(10, 5));
  await first.keepBeat({ receiverId: 'r', at: EPOCH + 99 });
  await first.keepFact({ name: 'overflow', value: { dropped: 3 }, from: EPOCH - 500 });
  await first.close();
  bench.now = EPOCH + 5_000;
  spool = await bench.open();
  expect(spool.state()).toMatchObject({ depth: 15, recovered: 15, kept: 0, oldestAgeMs: 5_500, corrupt: 0 });
  expect(spool.oldestAt()).toBe(EPOCH - 500);
  expect(spool.left.beats).toEqual([{ receiverId: 'r', at: EPOCH + 99 }]);
  expect(spool.left.sources.map(({ key }) => key)).toEqual(['127.0.0.1']);
  const records = await emptied(spool);
  expect(callIds(records)).toEqual(some(0, 15).map(({ report }) => report.callId));
  expect(records).toContainEqual({
    kind: 'fact',
    fact: { name: 'overflow', value: { dropped: 3 }, from: EPOCH - 500 },
  });
});

test('what had drained before the kill does not drain again', async () => {
  const first = await bench.open();
  await first.keep(some(0, 10));
  const segment = await first.oldest();
  if (segment === null) throw new Error('nothing was kept');
  const fourth = (await first.read(segment))[4];
  if (fourth === undefined) throw new Error('five frames were written');
  first.advance(
    segment,
    fourth.to,
    some(0, 4).map(({ sourceKey }, index) => ({ from: index, source: sourceKey })),
  );
  expect(first.state()).toMatchObject({ depth: 6, drained: 4 });
  await first.close();
  spool = await bench.open();
  expect(spool.state()).toMatchObject({ depth: 6, recovered: 6 });
  expect(callIds(await emptied(spool))).toEqual(some(4, 6).map(({ report }) => report.callId));
});

test('a write cut short at the end is told and costs nothing before it', async () => {
  const first = await bench.open();
  await first.keep(some(0, 3));
  await first.close();
  const [path = ''] = segments();
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.subarray(0, bytes.length - 7));
  spool = await bench.open();
  expect(spool.state()).toMatchObject({ depth: 2, corrupt: 0 });
  expect(bench.faults).toEqual([expect.stringMatching(/ends in \d+ bytes of a write that was cut short/)]);
});

test('a corrupt record in the middle is counted and told, and everything around it is read', async () => {
  const first = await bench.open();
  await first.keep(some(0, 5));
  await first.close();
  const [path = ''] = segments();
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(bytes.indexOf('"c-2"')) ^ 1, bytes.indexOf('"c-2"'));
  writeFileSync(path, bytes);
  spool = await bench.open();
  expect(spool.state()).toMatchObject({ depth: 4, corrupt: 1 });
  expect(bench.faults).toEqual([expect.stringMatching(/corrupt in 1 place/)]);
  expect(callIds(await emptied(spool))).toEqual(['c-0', 'c-1', 'c-3', 'c-4']);
});

test('a segment without a header is set aside and told, and the others are read', async () => {
  const first = await bench.open({ segmentBytes: 1 });
  await first.keep(some(0, 1));
  await first.keep(some(1, 1));
  await first.close();
  const [path = ''] = segments();
  writeFileSync(path, Buffer.alloc(4_096, 7));
  spool = await bench.open();
  expect(spool.state()).toMatchObject({ depth: 1, corrupt: 1 });
  expect(readdirSync(join(bench.root, '1')).filter((name) => name.endsWith('.bad'))).toHaveLength(1);
});

test.each(['sync', 'write', 'open'] as const)(
  'a failed %s is never called kept, gives the segment up, and what was kept before is still read',
  async (failing) => {
    spool = await bench.open({ segmentBytes: failing === 'open' ? 1 : 1_000_000 });
    await spool.keep(some(0, 2));
    bench.disk.failing = failing;
    expect(await spool.keep(some(2, 2))).toEqual({ kept: false, reason: 'spool_failed' });
    bench.disk.failing = null;
    expect(await spool.keep(some(4, 1))).toEqual({ kept: false, reason: 'spool_failed' });
    bench.now += 1_000;
    expect((await spool.keep(some(5, 1))).kept).toBe(true);
    expect(spool.state()).toMatchObject({ depth: 3, abandoned: 2 });
    expect(callIds(await emptied(spool))).toEqual(['c-0', 'c-1', 'c-5']);
    expect(bench.faults.length).toBeGreaterThan(0);
  },
);

test('one failed sync is made up for by a new segment, and nobody is refused', async () => {
  spool = await bench.open();
  await spool.keep(some(0, 1));
  bench.disk.failing = 'sync';
  const keeping = spool.keep(some(1, 1));
  const { syncs } = bench.disk;
  while (bench.disk.syncs === syncs) await new Promise(setImmediate);
  bench.disk.failing = null;
  expect((await keeping).kept).toBe(true);
  expect(spool.state()).toMatchObject({ depth: 2, abandoned: 1 });
  expect(callIds(await emptied(spool))).toEqual(['c-0', 'c-1']);
});

test('a disk without room says spool_full', async () => {
  spool = await bench.open();
  Object.assign(bench.disk, { failing: 'write', code: 'ENOSPC' });
  expect(await spool.keep(some(0, 1))).toEqual({ kept: false, reason: 'spool_full' });
});

test('beyond SPOOL_MAX_BYTES arrivals are refused, and beats are still kept', async () => {
  spool = await bench.open({ bytesMax: 4_096 });
  const outcomes = [];
  for (let index = 0; index < 30; index++) outcomes.push((await spool.keep(some(index, 1))).kept);
  const kept = outcomes.filter((one) => one).length;
  expect(kept).toBeGreaterThan(3);
  expect(outcomes).toEqual(outcomes.map((_, index) => index < kept));
  expect(await spool.keep(some(0, 1))).toEqual({ kept: false, reason: 'spool_full' });
  expect(await spool.keepBeat({ receiverId: 'r', at: EPOCH })).toBe(true);
  expect(spool.state().bytes).toBeLessThan(4_096 + 300);
});

test('what would leave less of the disk free than SPOOL_MIN_FREE_BYTES is refused', async () => {
  spool = await bench.open({ freeBytesMin: Number.MAX_SAFE_INTEGER });
  expect(await spool.keep(some(0, 1))).toEqual({ kept: false, reason: 'spool_full' });
});

test('a second process takes a folder of its own, and a start takes over what a dead one left', async () => {
  const first = await bench.open();
  const second = await bench.open();
  await first.keep(some(0, 1));
  await second.keep(some(1, 1));
  await second.close();
  expect(readdirSync(bench.root).sort()).toEqual(['1', '2']);
  await first.close();
  spool = await bench.open();
  expect(spool.state()).toMatchObject({ depth: 2, recovered: 2 });
  expect(readdirSync(bench.root)).toEqual(['1']);
});

test('a lock is worth nothing once its process is gone, whoever has its number now', async () => {
  const first = await bench.open();
  await first.keep(some(0, 1));
  await first.close();
  const dead = execFileSync(process.execPath, ['-e', 'console.log(process.pid)']).toString().trim();
  for (const holder of [dead, `${String(process.pid)} another-boot 1`, '']) {
    writeFileSync(join(bench.root, '1', 'lock'), holder);
    spool = await bench.open();
    expect(spool.state().depth).toBe(1);
    expect(readdirSync(bench.root)).toEqual(['1']);
    await spool.close();
  }
});
