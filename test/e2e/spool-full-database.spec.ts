/** A PostgreSQL whose disk is full: first it takes no row, then it has no room for its log and dies of it. */
import { OwnCluster } from '../support/own-cluster.js';
import { until } from '../support/receiver.js';
import { Scene } from '../support/scene.js';

const SLOW_MS = 120_000;
/** A fresh ledger takes 60 MB, its log 32 more: the rest is for the filler. */
const DISK_BYTES = 200_000_000;

let cluster: OwnCluster;
let scene: Scene;

beforeAll(async () => {
  cluster = await OwnCluster.start(DISK_BYTES);
}, SLOW_MS);

afterAll(() => cluster.close(), SLOW_MS);

beforeEach(async () => {
  scene = await Scene.open(cluster);
});

afterEach(() => scene.close(), SLOW_MS);

test(
  'a full disk under PostgreSQL costs no ack, not even when it dies of it, and with room again all is stored once',
  async () => {
    // Starting PostgreSQL holds up this very process, the receiver's: for longer than the heartbeats of other tests would take for a stall.
    const receiver = await scene.start({ HEARTBEAT_INTERVAL_MS: '10000' });
    const load = scene.load(200);
    await scene.sender.acked(50);
    if (!cluster.fillDisk()) {
      console.warn('not root: PostgreSQL has no disk of its own to fill');
      return;
    }
    await until(() => receiver.spool().circuit === 'open', 20_000);
    await scene.sender.acked(scene.sender.acks.length + 200, 15_000);
    // The next segment of its log does not fit: PostgreSQL panics, and cannot recover while there is no room.
    const fillsItsLog = [`select pg_logical_emit_message(false, 'test', 'x')`, 'select pg_switch_wal()'];
    await until(async () => {
      await scene.query(...fillsItsLog).catch(() => undefined);
      return !cluster.isUp();
    }, 60_000);
    await scene.sender.acked(scene.sender.acks.length + 200, 15_000);
    cluster.freeDisk();
    await cluster.restart();
    await scene.closed();
    load.stop();
    await scene.expectWhole(load.sent);
  },
  SLOW_MS,
);
