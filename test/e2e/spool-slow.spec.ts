/** A database that freezes, once and again and again: acks are late by SPOOL_AFTER_MS at most, and seldom. */
import { setTimeout as sleep } from 'node:timers/promises';
import { OwnCluster } from '../support/own-cluster.js';
import { Scene } from '../support/scene.js';

const SLOW_MS = 60_000;

let cluster: OwnCluster;
let scene: Scene;

beforeAll(async () => {
  cluster = await OwnCluster.start();
}, SLOW_MS);

afterAll(() => cluster.close(), SLOW_MS);

beforeEach(async () => {
  scene = await Scene.open(cluster);
});

afterEach(() => scene.close(), SLOW_MS);

test(
  'a frozen PostgreSQL delays acks by SPOOL_AFTER_MS at most, and what its commits say later is counted once',
  async () => {
    const receiver = await scene.start();
    const load = scene.load(200);
    await scene.sender.acked(50);
    load.look();
    load.worstMs = 0;
    cluster.freeze();
    await sleep(2_000);
    expect(receiver.spool().circuit).toBe('open');
    load.look();
    expect(load.worstMs).toBeLessThan(1_500);
    cluster.thaw();
    await scene.closed();
    load.stop();
    await scene.expectWhole(load.sent);
  },
  SLOW_MS,
);

test(
  'a frozen PostgreSQL keeps no probe waiting, and what the spool acknowledged is nobody given up',
  async () => {
    // H is 1.6 s: a commit that hangs for longer holds notifications that were answered long ago.
    const receiver = await scene.start({ IVR_CALL_REPORT_RETRY_INTERVAL: '0.1', HEARTBEAT_INTERVAL_MS: '1000' });
    const load = scene.load(50);
    await scene.sender.acked(50);
    const asked = async (path: string): Promise<{ status: number; text: string; ms: number }> => {
      const from = performance.now();
      const response = await fetch(`${receiver.http}${path}`);
      return { status: response.status, text: await response.text(), ms: performance.now() - from };
    };
    expect((await asked('/health/live')).status).toBe(200);
    cluster.freeze();
    await sleep(3_000);
    const live = await asked('/health/live');
    expect(live.status).toBe(200);
    expect(live.ms).toBeLessThan(1_000);
    const ready = await asked('/health/ready');
    expect(ready.status).toBe(503);
    expect(ready.ms).toBeLessThan(6_000);
    const { problems } = JSON.parse(ready.text) as { problems: readonly string[] };
    expect(problems[0]).toMatch(/^PostgreSQL does not answer/);
    expect(problems.filter((one) => one.includes('given it up'))).toEqual([]);
    const metrics = await asked('/metrics');
    expect(metrics.ms).toBeLessThan(6_000);
    expect(metrics.text).toMatch(/^ringledger_database_up 0$/m);
    load.look();
    expect(load.worstMs).toBeLessThan(1_500);
    cluster.thaw();
    await scene.closed();
    load.stop();
    await scene.expectWhole(load.sent);
  },
  SLOW_MS,
);

test(
  'a database that comes and goes is left alone until it stays, and nothing is lost or late',
  async () => {
    const receiver = await scene.start();
    const load = scene.load(200);
    await scene.sender.acked(50);
    let openings = 0;
    for (let round = 0; round < 4; round++) {
      // A trial that fails is no opening: no ack waits for it.
      if (['closed', 'draining'].includes(receiver.spool().circuit)) openings += 1;
      cluster.freeze();
      await sleep(700);
      cluster.thaw();
      await sleep(1_500);
    }
    // Every 2.2 s it stopped for 0.7 s: after a second opening it is asked for 2 s without a stop, which it never has.
    expect(openings).toBeLessThanOrEqual(2);
    await scene.closed();
    load.stop();
    expect(load.worstMs).toBeLessThan(1_500);
    await scene.expectWhole(load.sent);
  },
  SLOW_MS,
);
