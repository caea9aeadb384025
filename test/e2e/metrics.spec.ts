/**
 * What Prometheus scrapes, over real sockets: law 3 in numbers after datagrams of every fate, a database that is away, and
 * sources that must not make time series.
 */
import type { Running } from '../../src/main.js';
import { METRICS, SOURCE_LABELS_MAX } from '../../src/metrics/table.js';
import { adminQuery } from '../support/cluster.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { type Family, readExposition, valueOf } from '../support/exposition.js';
import { portOf, Sender, startReceiver, until } from '../support/receiver.js';
import { postUrl, stateOf, Switch } from '../support/switch.js';

const SLOW_MS = 30_000;

let database: TestDatabase;
let receiver: Running;
let senders: Sender[] = [];

beforeEach(async () => {
  database = await testDatabase();
});

afterEach(async () => {
  for (const sender of senders) sender.close();
  senders = [];
  await receiver.stop();
  await database.close();
}, SLOW_MS);

async function open(address?: string): Promise<Sender> {
  const sender = await Sender.open(address);
  senders.push(sender);
  return sender;
}

function report(callId: string, serial: number, state: string, caller = '442071234567'): string {
  return `${callId},${String(serial)},${state},${caller},442079876543,1001,7,Main menu`;
}

async function scrape(): Promise<ReadonlyMap<string, Family>> {
  const response = await fetch(`${receiver.http}/metrics`);
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  return readExposition(await response.text());
}

/** Law 3: what was received is stored, quarantined, refused or in flight, and nothing else. */
function expectIdentity(families: ReadonlyMap<string, Family>): void {
  const fated = valueOf(families, 'ringledger_datagrams_total') ?? 0;
  const inFlight = valueOf(families, 'ringledger_datagrams_in_flight') ?? 0;
  expect(fated + inFlight).toBe(valueOf(families, 'ringledger_datagrams_received_total'));
}

test(
  'a scrape accounts for every datagram, by source, fate and reason, at rest and under load',
  async () => {
    const settings = {
      UDP_ALLOWED_SOURCES: 'office=127.0.2.1, 127.0.2.2',
      INGEST_QUEUE_MAX: '50',
      INGEST_BATCH_MAX: '5',
    };
    receiver = await startReceiver(database, settings);
    const port = portOf(receiver);
    const [office, second, stranger] = [await open('127.0.2.1'), await open('127.0.2.2'), await open('127.0.3.1')];
    office.send(port, report('a', 1, 'Ringing'));
    await office.acked(1);
    office.send(port, report('a', 1, 'Ringing'), report('a', 1, 'Ringing', '442070000000'), 'garbage');
    await office.acked(3);
    stranger.send(port, report('x', 1, 'Ringing'), 'x');
    second.send(port, ...Array.from({ length: 300 }, (_, index) => report(`burst-${String(index)}`, 1, 'Ringing')));
    await until(async () => {
      const families = await scrape();
      expectIdentity(families);
      return valueOf(families, 'ringledger_datagrams_in_flight') === 0 && receiver.counts().transport.received === 306;
    });
    const families = await scrape();
    const fates = (families.get('ringledger_datagrams_total')?.samples ?? []).filter(({ value }) => value > 0);
    const of = (source: string): unknown[] =>
      fates
        .filter(({ labels }) => labels['source'] === source)
        .map(({ labels, value }) => [labels['fate'], labels['reason'], value]);
    expect(of('office').sort()).toEqual([
      ['conflict', '', 1],
      ['duplicate', '', 1],
      ['first', '', 1],
      ['quarantined', 'fields', 1],
    ]);
    expect(of('')).toEqual([['refused', 'source', 2]]);
    const stored = valueOf(families, 'ringledger_datagrams_total', { source: '127.0.2.2', fate: 'first' }) ?? 0;
    const full = valueOf(families, 'ringledger_datagrams_total', { source: '127.0.2.2', reason: 'queue_full' }) ?? 0;
    expect([stored + full, full > 0]).toEqual([300, true]);
    expect(valueOf(families, 'ringledger_acks_sent_total')).toBe(stored + 3);
    const count = (name: string): number | undefined =>
      [...families.values()].flatMap(({ samples }) => samples).find((sample) => sample.name === `${name}_count`)?.value;
    expect([count('ringledger_receive_wait_seconds'), count('ringledger_ack_seconds')]).toEqual([304, 3]);
  },
  SLOW_MS,
);

test(
  'the ledger is in the scrape: active calls, gaps, quarantine, sources, the pools',
  async () => {
    receiver = await startReceiver(database, { HEARTBEAT_INTERVAL_MS: '50' });
    const sender = await open();
    sender.send(portOf(receiver), report('a', 1, 'Ringing'), report('b', 1, 'Ringing'), 'garbage');
    await sender.acked(2);
    await until(() => receiver.counts().datagrams.some(({ fate }) => fate === 'quarantined'));
    const families = await scrape();
    expect(
      (['active_calls', 'quarantine_rows', 'sources', 'database_up'] as const).map((name) =>
        valueOf(families, `ringledger_${name}`),
      ),
    ).toEqual([2, 1, 1, 1]);
    expect(valueOf(families, 'ringledger_database_connections_limit', { pool: 'ingest' })).toBe(3);
    expect(valueOf(families, 'ringledger_kernel_drops_total', { port: String(portOf(receiver)) })).toBe(0);
    expect(valueOf(families, 'ringledger_loss_budget_seconds')).toBe(19);
    const sources = (await (await fetch(`${receiver.http}/api/v1/sources`)).json()) as { data: { ackP99Ms: number }[] };
    expect(sources.data.map(({ ackP99Ms }) => ackP99Ms > 0 && ackP99Ms < 3_000)).toEqual([true]);
    const names = [...families.keys()];
    expect(names.filter((name) => name.startsWith('ringledger_')).sort()).toEqual(Object.keys(METRICS).sort());
    expect(names).toEqual(expect.arrayContaining(['process_cpu_seconds_total', 'nodejs_eventloop_lag_seconds']));
    expect(JSON.stringify([...families.values()])).not.toMatch(/4420\d{8}/);
  },
  SLOW_MS,
);

test(
  'the posts of a switch are in the same account, under a transport of their own',
  async () => {
    receiver = await startReceiver(database, { TWIN_PORT: '0', TWIN_ALLOWED_SOURCES: 'pbx=127.0.0.1' });
    const pbx = new Switch(postUrl(receiver));
    await pbx.post(stateOf(1, -11, Date.now()));
    await pbx.post('hello');
    pbx.close();
    const families = await scrape();
    expect(valueOf(families, 'ringledger_datagrams_received_total', { transport: 'http' })).toBe(2);
    expect(valueOf(families, 'ringledger_datagrams_total', { source: 'http:pbx', fate: 'first' })).toBe(1);
    expect(valueOf(families, 'ringledger_acks_sent_total', { transport: 'http' })).toBe(1);
    expect(valueOf(families, 'ringledger_requests_refused_total')).toBe(0);
    expectIdentity(families);
  },
  SLOW_MS,
);

test(
  'a database that is away leaves its own numbers out, neither 0 nor stale, and the rest is there',
  async () => {
    receiver = await startReceiver(database);
    const sender = await open();
    sender.send(portOf(receiver), report('a', 1, 'Ringing'));
    await sender.acked(1);
    const name = new URL(database.url).pathname.slice(1);
    const admin = new URL(database.url);
    admin.pathname = '/postgres';
    await adminQuery(admin.href, `alter database ${name} allow_connections false`);
    await adminQuery(admin.href, `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`);
    const startedAt = performance.now();
    const families = await scrape();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(valueOf(families, 'ringledger_database_up')).toBe(0);
    expect(families.get('ringledger_active_calls')?.samples).toEqual([]);
    expect(families.get('ringledger_gaps')?.samples).toEqual([]);
    expect(valueOf(families, 'ringledger_datagrams_total', { fate: 'first' })).toBe(1);
    expectIdentity(families);
    await adminQuery(admin.href, `alter database ${name} allow_connections true`);
  },
  SLOW_MS,
);

test(
  'beyond a hundred sources the rest share one label, and configured names come first',
  async () => {
    const senderCount = SOURCE_LABELS_MAX + 20;
    receiver = await startReceiver(database, { UDP_ALLOWED_SOURCES: '127.0.0.0/8, office=127.9.9.9' });
    for (let index = 0; index < senderCount; index += 1) {
      const sender = await open(`127.0.4.${String(index + 1)}`);
      sender.send(portOf(receiver), report(`c-${String(index)}`, 1, 'Ringing'));
    }
    const office = await open('127.9.9.9');
    office.send(portOf(receiver), report('o', 1, 'Ringing'));
    await until(() => receiver.counts().transport.answered === senderCount + 1, 20_000);
    const families = await scrape();
    const samples = families.get('ringledger_datagrams_total')?.samples ?? [];
    const labels = new Set(samples.map(({ labels: { source } }) => source).filter((source) => source !== ''));
    expect(labels.size).toBe(SOURCE_LABELS_MAX + 1);
    expect(valueOf(families, 'ringledger_datagrams_total', { source: 'other' })).toBe(
      senderCount + 1 - SOURCE_LABELS_MAX,
    );
    expect(valueOf(families, 'ringledger_datagrams_total', { source: 'office' })).toBe(1);
    const acked = families.get('ringledger_ack_seconds')?.samples.filter(({ name }) => name.endsWith('_count')) ?? [];
    expect(acked).toHaveLength(SOURCE_LABELS_MAX + 1);
    expectIdentity(families);
  },
  SLOW_MS,
);
