/** The metrics wired: what measures, what is measured, and who is asked for each number. */
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import { AckWatch } from './ingest/ack-watch.js';
import type { GroupCommit } from './ingest/commit/group-commit.js';
import type { Quarantine } from './ingest/quarantine.js';
import type { Standby } from './ingest/spool/standby.js';
import type { TwinListener } from './ingest/twin/listener.js';
import type { Log } from './log.js';
import { readSpool } from './main.spool.js';
import { AckObjective } from './metrics/ack-objective.js';
import { IngestMeter } from './metrics/ingest-meter.js';
import { Readings, type Sample } from './metrics/readings.js';
import { SourceLabels } from './metrics/source-labels.js';
import type { Counted, Tally } from './metrics.js';
import type { PoolState } from './store/database.js';
import type { UdpServer } from './transport/udp.server.js';

type Counts = Readonly<Record<string, number>>;

/** What measures, made before anything is received. */
export interface Metering {
  readonly readings: Readings;
  readonly labels: SourceLabels;
  readonly meter: IngestMeter;
}

/** The parts of a receiver that are measured. */
export interface MeasuredParts {
  readonly groupCommit: GroupCommit;
  readonly quarantine: Quarantine;
  readonly standby: Standby;
  readonly udp: UdpServer;
  readonly twin: TwinListener | null;
  readonly tally: Tally;
  readonly clock: Clock;
  readonly metering: Metering;
}

export function meteringOf(config: Config): Metering {
  const labels = new SourceLabels(configuredNames(config));
  const meter = new IngestMeter(new AckObjective(config, labels));
  const readings = new Readings();
  meter.register(readings);
  return { readings, labels, meter };
}

/** Makes the metrics of a receiver readable, and watches how its acks do. */
export function watchAcks(config: Config, parts: MeasuredParts, log: Log): AckWatch {
  const { groupCommit, clock, metering, standby } = parts;
  const oldestInHand = (now: number): number => groupCommit.unansweredSince(now);
  const ackWatch = new AckWatch({ objective: metering.meter.objective, clock, oldestInHand, log });
  readReceiver(config, parts);
  metering.readings.read('ringledger_loss_budget_seconds', () => ackWatch.lossBudgetMs() / 1000);
  readSpool(metering.readings, () => standby.state());
  return ackWatch;
}

/** Says where the numbers of a receiver are read. */
function readReceiver(config: Config, parts: MeasuredParts): void {
  const { groupCommit, quarantine, standby, udp, twin, tally } = parts;
  const { readings, labels } = parts.metering;
  // `spool`: notifications that an earlier process received and left in the spool.
  const received = (): Counts => ({
    ...{ udp: udp.stats().received, spool: standby.state().recovered },
    ...(twin === null ? {} : { http: twin.stats().taken }),
  });
  const unread = (): Counts => {
    const { refused, failed } = udp.stats();
    return { ...refused, failed: failed + (twin?.stats().failed ?? 0) };
  };
  const acked = (): Counts => ({
    udp: udp.stats().answered,
    ...(twin === null ? {} : { http: twin.stats().acknowledged }),
  });
  const inFlight = (): Counts => {
    const { queued, inFlight: committing } = groupCommit.depth();
    return { queued, committing, quarantine: quarantine.depth(), spool: standby.state().depth };
  };
  readings.read('ringledger_datagrams_received_total', () => samplesOf('transport', received()));
  readings.read('ringledger_datagrams_total', () => fatesOf(unread(), tally.lines(), labels));
  readings.read('ringledger_datagrams_in_flight', () => samplesOf('stage', inFlight()));
  readings.read('ringledger_acks_sent_total', () => samplesOf('transport', acked()));
  readings.read('ringledger_requests_refused_total', () => samplesOf('reason', twin?.stats().refused ?? {}));
  readings.read('ringledger_acks_unsent_total', () => udp.stats().unsent);
  readings.read('ringledger_queue_depth', () => groupCommit.depth().queued);
  readings.read('ringledger_queue_limit', () => config.ingestQueueMax);
  readings.read('ringledger_quarantine_limit', () => config.quarantineMax);
  readings.read('ringledger_receive_buffer_bytes', () =>
    udp.stats().sockets.map(({ address, port, receiveBufferGrantedBytes }) => ({
      labels: { socket: `${address}:${String(port)}` },
      value: receiveBufferGrantedBytes,
    })),
  );
}

function samplesOf(label: string, counts: Counts): readonly Sample[] {
  return Object.entries(counts).map(([name, value]) => ({ labels: { [label]: name }, value }));
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
function fatesOf(unread: Counts, lines: readonly Counted[], labels: SourceLabels): readonly Sample[] {
  const counted = [
    ...lines.map((line) => ({ ...line, source: labels.of(line.source) })),
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

/** What sources are called in the configuration, those that post with the prefix of their keys: an operator cannot name them otherwise. */
export function configuredNames(config: Config): readonly string[] {
  const posting = namesIn(config.twinAllowedSources).map((name) => `http:${name}`);
  return [...namesIn(config.udpAllowedSources), ...posting];
}

/** The names in a list of allowed sources. */
function namesIn(allowedSources: string | null): readonly string[] {
  const entries = (allowedSources ?? '').split(',').filter((entry) => entry.includes('='));
  return entries.map((entry) => entry.slice(0, entry.indexOf('=')).trim());
}
