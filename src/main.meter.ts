/** The metrics wired: what measures, what is measured, and who is asked for each number. */
import type { Config } from './config.js';
import { AckObjective } from './metrics/ack-objective.js';
import { IngestMeter } from './metrics/ingest-meter.js';
import { Readings, type Sample } from './metrics/readings.js';
import { SourceLabels } from './metrics/source-labels.js';
import type { Counted } from './metrics.js';
import type { PoolState } from './store/database.js';
import type { UdpStats } from './transport/udp.events.js';

/** What measures, made before anything is received. */
export interface Metering {
  readonly readings: Readings;
  readonly labels: SourceLabels;
  readonly meter: IngestMeter;
}

/** What a receiver can be asked at any instant. */
export interface Measured {
  transport(): UdpStats;
  datagrams(): readonly Counted[];
  /** Notifications that an earlier process left in the spool. */
  recovered(): number;
  /** Datagrams whose fate is open, by where they are. */
  inFlight(): Readonly<Record<string, number>>;
  queued(): number;
  lossBudgetMs(): number;
}

export function meteringOf(config: Config): Metering {
  const labels = new SourceLabels(namesIn(config.udpAllowedSources));
  const meter = new IngestMeter(new AckObjective(config, labels));
  const readings = new Readings();
  meter.register(readings);
  return { readings, labels, meter };
}

/** Says where the numbers of a receiver are read. */
export function readReceiver({ readings, labels }: Metering, config: Config, measured: Measured): void {
  readings.read('ringledger_datagrams_received_total', () => [
    { labels: { transport: 'udp' }, value: measured.transport().received },
    { labels: { transport: 'spool' }, value: measured.recovered() },
  ]);
  readings.read('ringledger_datagrams_total', () => fatesOf(measured, labels));
  readings.read('ringledger_datagrams_in_flight', () =>
    Object.entries(measured.inFlight()).map(([stage, value]) => ({ labels: { stage }, value })),
  );
  readings.read('ringledger_acks_sent_total', () => measured.transport().answered);
  readings.read('ringledger_acks_unsent_total', () => measured.transport().unsent);
  readings.read('ringledger_loss_budget_seconds', () => measured.lossBudgetMs() / 1000);
  readings.read('ringledger_queue_depth', () => measured.queued());
  readings.read('ringledger_queue_limit', () => config.ingestQueueMax);
  readings.read('ringledger_quarantine_limit', () => config.quarantineMax);
  readings.read('ringledger_receive_buffer_bytes', () =>
    measured.transport().sockets.map(({ address, port, receiveBufferGrantedBytes }) => ({
      labels: { socket: `${address}:${String(port)}` },
      value: receiveBufferGrantedBytes,
    })),
  );
}

/** Says where the numbers of the pools are read. */
export function readPools(readings: Readings, pools: Readonly<Record<string, { pool(): PoolState }>>): void {
  const each = (samples: (pool: string, state: PoolState) => readonly Sample[]) => () =>
    Object.entries(pools).flatMap(([name, database]) => samples(name, database.pool()));
  readings.read(
    'ringledger_database_connections',
    each((pool, { open, idle }) => [
      { labels: { pool, state: 'idle' }, value: idle },
      { labels: { pool, state: 'used' }, value: open - idle },
    ]),
  );
  readings.read(
    'ringledger_database_connections_limit',
    each((pool, { limit }) => [{ labels: { pool }, value: limit }]),
  );
  readings.read(
    'ringledger_database_waiting',
    each((pool, { waiting }) => [{ labels: { pool }, value: waiting }]),
  );
}

/** Law 3's right side, with the sources that share a label added up. */
function fatesOf(measured: Measured, labels: SourceLabels): readonly Sample[] {
  const { refused, failed } = measured.transport();
  const unread = { ...refused, failed };
  const counted = [
    ...measured.datagrams().map((line) => ({ ...line, source: labels.of(line.source) })),
    ...Object.entries(unread).map(([reason, count]) => ({ source: '', fate: 'refused', reason, count })),
  ];
  const sums = new Map<string, { labels: Sample['labels']; value: number }>();
  for (const { source, fate, reason, count } of counted) {
    const key = `${source} ${fate} ${reason}`;
    const sum = sums.get(key) ?? { labels: { source, fate, reason }, value: 0 };
    sum.value += count;
    sums.set(key, sum);
  }
  return [...sums.values()];
}

/** The names in `UDP_ALLOWED_SOURCES`. */
export function namesIn(allowedSources: string | null): readonly string[] {
  const entries = (allowedSources ?? '').split(',').filter((entry) => entry.includes('='));
  return entries.map((entry) => entry.slice(0, entry.indexOf('=')).trim());
}
