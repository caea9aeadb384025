/** A receiver under load on a PostgreSQL of its own that can be taken away: what every test of the spool begins with. */
import pg from 'pg';
import type { Running } from '../../src/main.js';
import { OwnCluster } from './own-cluster.js';
import { portOf, Sender, startReceiver, until } from './receiver.js';

/** A loop that stands still for three heartbeats is an outage, and a busy machine may stop it for a few seconds. */
export const QUICK = { HEARTBEAT_INTERVAL_MS: '2000', SPOOL_AFTER_MS: '300', SPOOL_MIN_FREE_BYTES: '0' };

/** New calls at a steady rate, each datagram once: what is not acked shows. */
export class Load {
  sent = 0;
  worstMs = 0;
  private readonly sentAt = new Map<string, number>();
  private readonly timer: NodeJS.Timeout;
  private seen = 0;

  constructor(
    private readonly sender: Sender,
    port: number,
    perSecond: number,
  ) {
    this.timer = setInterval(() => {
      for (let more = perSecond / 50; more > 0; more--) {
        const text = `l-${String(this.sent++)},1,Ringing,442071234567,442079876543,1001,7,Main menu`;
        this.sentAt.set(text.split(',').slice(0, 2).join(','), performance.now());
        sender.send(port, text);
      }
      this.look();
    }, 20);
  }

  /** Notes how long the slowest ack took, to 20 ms. */
  look(): void {
    const now = performance.now();
    for (; this.seen < this.sender.acks.length; this.seen++) {
      const at = this.sentAt.get(this.sender.acks[this.seen] ?? '');
      if (at !== undefined) this.worstMs = Math.max(this.worstMs, now - at);
    }
  }

  stop(): void {
    clearInterval(this.timer);
    this.look();
  }
}

/** One test's receiver, sender and load. */
export class Scene {
  private loading: Load | null = null;
  private running: Running | null = null;

  private constructor(
    readonly cluster: OwnCluster,
    readonly sender: Sender,
  ) {}

  /** On an emptied database. */
  static async open(cluster: OwnCluster): Promise<Scene> {
    const scene = new Scene(cluster, await Sender.open());
    await scene.query('truncate notification, call_evidence, call, gap, receiver, outage, overflow, source');
    return scene;
  }

  async start(settings: Readonly<Record<string, string>> = {}): Promise<Running> {
    this.running = await startReceiver(this.cluster, { ...QUICK, ...settings });
    return this.running;
  }

  get receiver(): Running {
    if (this.running === null) throw new Error('not started');
    return this.running;
  }

  load(perSecond: number): Load {
    this.loading = new Load(this.sender, portOf(this.receiver), perSecond);
    return this.loading;
  }

  /** Waits until batches go to the database again and nothing is left in the spool. */
  async closed(): Promise<void> {
    await until(() => this.receiver.spool().circuit === 'closed', 20_000);
  }

  /** Runs statements one by one, read-only or not, and gives the rows of the last. */
  async query<Row extends object>(...statements: readonly string[]): Promise<readonly Row[]> {
    const options = '-c default_transaction_read_only=off';
    const client = new pg.Client({ connectionString: this.cluster.url, options });
    client.on('error', () => undefined);
    await client.connect();
    try {
      let rows: readonly Row[] = [];
      for (const sql of statements) ({ rows } = await client.query<Row>(sql));
      return rows;
    } finally {
      await client.end();
    }
  }

  /** Everything sent was acked, is stored once and counted once; nobody calls the time without a database an outage. */
  async expectWhole(sent: number): Promise<void> {
    await this.sender.acked(sent, 15_000);
    await until(() => this.receiver.counts().inFlight === 0, 20_000);
    await this.closed();
    const [stored] = await this.query<{ rows: number; copies: number }>(
      'select count(*)::integer as rows, sum(copies)::integer as copies from notification',
    );
    expect(stored).toEqual({ rows: sent, copies: sent });
    const { datagrams, transport } = this.receiver.counts();
    expect(datagrams.map(({ fate, count }) => [fate, count])).toEqual([['first', sent]]);
    expect([transport.received, transport.answered]).toEqual([sent, sent]);
    expect(await this.query("select kind, detail from gap where kind in ('outage', 'overflow')")).toEqual([]);
  }

  async close(): Promise<void> {
    this.loading?.stop();
    await this.running?.stop();
    this.sender.close();
  }
}
