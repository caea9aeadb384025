/** A database that is killed, read-only or away for longer than the spool is large, under load: acks go on while there is room. */
import { OwnCluster } from '../support/own-cluster.js';
import { until } from '../support/receiver.js';
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
  'a killed PostgreSQL costs no ack, and when it is back all is stored once and no outage is declared',
  async () => {
    const receiver = await scene.start();
    const load = scene.load(200);
    await scene.sender.acked(50);
    await cluster.kill();
    await scene.sender.acked(scene.sender.acks.length + 400, 15_000);
    expect(receiver.spool()).toMatchObject({ circuit: 'open', corrupt: 0, abandoned: 0 });
    const ready = await fetch(`${receiver.http}/health/ready`);
    const body = (await ready.json()) as { problems: string[]; spool: { depth: number } };
    expect(ready.status).toBe(503);
    expect(body.problems).toContainEqual(expect.stringMatching(/acknowledged from the spool/));
    expect(body.spool.depth).toBeGreaterThan(300);
    await cluster.restart();
    await scene.closed();
    load.stop();
    await scene.expectWhole(load.sent);
  },
  SLOW_MS,
);

test(
  'a database that turns read-only is stood in for like one that is away',
  async () => {
    const receiver = await scene.start();
    const load = scene.load(100);
    await scene.sender.acked(20);
    await scene.query('alter system set default_transaction_read_only = on', 'select pg_reload_conf()');
    await until(() => receiver.spool().circuit === 'open');
    await scene.sender.acked(scene.sender.acks.length + 100);
    await scene.query('alter system reset default_transaction_read_only', 'select pg_reload_conf()');
    await scene.closed();
    load.stop();
    await scene.expectWhole(load.sent);
  },
  SLOW_MS,
);

test(
  'a full spool refuses and counts, the feed declares it, and what was acked is stored',
  async () => {
    const receiver = await scene.start({ SPOOL_MAX_BYTES: '1048576' });
    const load = scene.load(1_000);
    await scene.sender.acked(1);
    await cluster.kill();
    const refused = (): number => receiver.counts().datagrams.find(({ reason }) => reason === 'spool_full')?.count ?? 0;
    await until(() => refused() > 100, 15_000);
    load.stop();
    await until(() => {
      const { received, answered } = receiver.counts().transport;
      return received === answered + refused();
    }, 10_000);
    expect(receiver.spool().bytes).toBeLessThan(1_048_576 + 10_000);
    await cluster.restart();
    await until(() => receiver.counts().inFlight === 0, 20_000);
    const rows = await scene.query<{ ack: string }>(`select call_id || ',' || serial as ack from notification`);
    expect(rows).toHaveLength(receiver.counts().transport.answered);
    const stored = new Set(rows.map(({ ack }) => ack));
    expect(scene.sender.acks.filter((ack) => !stored.has(ack))).toEqual([]);
    await until(async () => (await scene.query(`select id from gap where kind = 'overflow'`)).length > 0, 10_000);
  },
  SLOW_MS,
);
