/**
 * Start and stop: the adapters wired to the ports, in the order that lets nothing be lost.
 *
 * start   database, partitions, sources, first beat (facts, outage), UDP, HTTP
 * stop    stop reading, flush, acks leave, last beat, UDP and HTTP close, database
 */
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type INestApplication, Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { Reading } from './api/reading.js';
import { serveOpenApi } from './api/rest/openapi.js';
import { type Clock, systemClock } from './clock.js';
import type { Config } from './config.js';
import { AckSerializer, DatagramDeserializer } from './ingest/datagram.codec.js';
import { GroupCommit } from './ingest/group-commit.js';
import { Pulse } from './ingest/pulse.js';
import { Quarantine } from './ingest/quarantine.js';
import { Sweep } from './ingest/sweep.js';
import { Log } from './log.js';
import { type Counted, Tally } from './metrics.js';
import { horizonMs, type Settings } from './notification.js';
import { SourceRegistry } from './sources/registry.js';
import { Database } from './store/database.js';
import { PgLedgerStore } from './store/ledger.js';
import { keepPartitions, type PartitionKeeper } from './store/partition-keeper.js';
import { PgQuarantineStore } from './store/quarantine.js';
import { nameReceiver } from './store/receivers.js';
import { declareSettings } from './store/settings.js';
import { PgSourceStore } from './store/sources.js';
import { PgSweepStore } from './store/sweep.js';
import { parseAllowList } from './transport/allow-list.js';
import type { UdpStats } from './transport/udp.events.js';
import { UdpServer } from './transport/udp.server.js';

/** Batches that commit side by side: see docs/benchmarks.md. */
const FLIGHTS_MAX = 2;

/** A running receiver. */
export interface Running {
  /** Where it listens: useful when the configured ports were 0. */
  readonly http: string;
  readonly udp: UdpStats['sockets'];
  /** What became of every datagram so far (law 3). */
  counts(): { readonly transport: UdpStats; readonly datagrams: readonly Counted[]; readonly inFlight: number };
  /** Drains and stops; everything acknowledged is in PostgreSQL. */
  stop(): Promise<void>;
}

/** What main wires together. */
interface Receiver {
  readonly id: string;
  readonly clock: Clock;
  readonly database: Database;
  readonly sweepStore: PgSweepStore;
  readonly groupCommit: GroupCommit;
  readonly quarantine: Quarantine;
  readonly tally: Tally;
  readonly pulse: Pulse;
  readonly udp: UdpServer;
  readonly partitions: PartitionKeeper;
}

/**
 * Starts receiving and answering on a migrated database.
 * @throws Error with a sentence for the operator when a port is taken, the allow-list is wrong or the database is away
 */
export async function run(config: Config & { readonly databaseUrl: string }): Promise<Running> {
  const startedAt = performance.now();
  const log = new Log(config);
  Logger.overrideLogger(log);
  const database = new Database({ url: config.databaseUrl, connectionsMax: config.databaseConnectionsMax });
  try {
    await database.connect();
    const receiver = await wire(config, database, systemClock(), log);
    const { clock, groupCommit, quarantine, tally } = receiver;
    const reading = new Reading(database.client, clock, configuredOf(config));
    const parts = { database, clock, groupCommit, quarantine, tally, reading };
    const app = await NestFactory.create(AppModule.over(parts), { logger: log, abortOnError: false });
    const running = await open(app, config, receiver);
    tellStart(log, config, running, performance.now() - startedAt);
    return running;
  } catch (error) {
    await database.disconnect();
    throw error;
  }
}

async function wire(config: Config, database: Database, clock: Clock, log: Log): Promise<Receiver> {
  const settings = settingsOf(config);
  const prisma = database.client;
  await declareSettings(prisma, settings, clock.now());
  const partitions = await keepPartitions(prisma, clock, config.retentionDays, (error) => {
    log.warn(`Partitions of the raw notifications were not kept: ${String(error)}`, 'Store');
  });
  const sources = new SourceRegistry(new PgSourceStore(prisma), settings, clock);
  await sources.load();
  const ledger = new PgLedgerStore(prisma, clock);
  const groupCommit = new GroupCommit({
    ...{ store: ledger, sources, clock, flightsMax: FLIGHTS_MAX },
    ...{ batchMax: config.ingestBatchMax, queueMax: config.ingestQueueMax },
    onRejected: (_arrival, reason) => {
      log.error(`A notification was rejected and goes to quarantine: ${String(reason)}`, 'Ingest');
    },
  });
  const quarantine = new Quarantine({
    store: new PgQuarantineStore(prisma),
    ensureStored: (keys) => sources.ensureStored(keys),
    ...{ keepMost: config.quarantineMax, horizonMs: horizonMs(settings), bytesMax: config.udpDatagramBytesMax },
    onDropped: (rows) => {
      log.warn(`Quarantine is full (QUARANTINE_MAX): the ${String(rows)} oldest datagrams were dropped.`, 'Ingest');
    },
  });
  const id = randomUUID();
  const sweepStore = new PgSweepStore(prisma);
  const pulse = new Pulse({
    sweep: new Sweep(sweepStore, ledger, { receiverId: id, settings, heartbeatMs: config.heartbeatIntervalMs }),
    ...{ sources, clock, everyMs: config.heartbeatIntervalMs },
    durableThrough: (now) => Math.min(groupCommit.durableThrough(now), quarantine.durableThrough(now)),
    onFault: (error) => {
      log.error(`The sweep could not finish and goes on at the next beat: ${String(error)}`, 'Sweep');
    },
  });
  const udp = udpServer(config, clock, sources);
  return { id, clock, database, sweepStore, groupCommit, quarantine, tally: new Tally(), pulse, udp, partitions };
}

function udpServer(config: Config, clock: Clock, sources: SourceRegistry): UdpServer {
  const { list, faults } = parseAllowList(config.udpAllowedSources ?? undefined);
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return new UdpServer({
    bind: config.udpHosts.map((host) => ({ host, port: config.reportPort })),
    ...{ allowed: list, clock, deserializer: new DatagramDeserializer(sources), serializer: new AckSerializer() },
    maxDatagramBytes: config.udpDatagramBytesMax,
    receiveBufferBytes: config.udpReceiveBufferBytes,
  });
}

/** First beat, then UDP, then HTTP; undoes what it did when one of them fails. */
async function open(app: INestApplication, config: Config, receiver: Receiver): Promise<Running> {
  const { udp, pulse, groupCommit, quarantine, tally } = receiver;
  try {
    await pulse.start();
    await nameReceiver(receiver.database.client, receiver.id, `${hostname()}:${String(process.pid)}`);
    app.connectMicroservice({ strategy: udp });
    serveOpenApi(app);
    await app.startAllMicroservices();
    await app.listen(config.httpPort, config.httpHost);
  } catch (error) {
    await shut(app, receiver);
    throw error;
  }
  const { sockets } = udp.stats();
  return {
    http: await app.getUrl(),
    udp: sockets,
    counts: () => {
      const { queued, inFlight } = groupCommit.depth();
      return { transport: udp.stats(), datagrams: tally.lines(), inFlight: queued + inFlight + quarantine.depth() };
    },
    stop: async () => {
      udp.pause();
      await groupCommit.close();
      await quarantine.flush();
      await udp.drain();
      await shut(app, receiver);
      await receiver.database.disconnect();
    },
  };
}

/** The last beat says that all is durable; a database that is away must not keep the sockets open. */
async function shut(app: INestApplication, { id, clock, pulse, sweepStore, partitions }: Receiver): Promise<void> {
  partitions.stop();
  try {
    await pulse.stop();
    await sweepStore.stopped(id, clock.now());
  } catch (error) {
    Logger.warn(`The last beat was not written: ${String(error)}`, 'Sweep');
  }
  await app.close();
}

function settingsOf(config: Config): Settings {
  const { retry, intervalMs, marginMs, staleRingingMs, staleAnsweredMs, lossWindowMs } = config;
  return { retry, intervalMs, marginMs, staleRingingMs, staleAnsweredMs, lossWindowMs };
}

function configuredOf(config: Config): ConstructorParameters<typeof Reading>[2] {
  const { retentionDays, udpDatagramBytesMax, reportPort, udpHosts } = config;
  return { ...settingsOf(config), retentionDays, maxDatagramBytes: udpDatagramBytesMax, udpPort: reportPort, udpHosts };
}

/** The few lines an operator reads first. */
function tellStart(log: Log, config: Config, { http, udp }: Running, tookMs: number): void {
  const ends = udp.map(({ address, port }) => `${address}:${String(port)}`).join(', ');
  log.log(`Receiving call states on UDP ${ends}, from ${config.udpAllowedSources ?? 'loopback only'}.`, 'Ringledger');
  log.log(`Answering on ${http}/api/v1/calls, ${http}/docs, ${http}/health/ready.`, 'Ringledger');
  log.log(
    'Next: set IVR_CALL_REPORT_IP on the IVR to this host, or try it: npm run ringledger -- simulate',
    'Ringledger',
  );
  log.log(`Ready in ${String(Math.round(tookMs))} ms.`, 'Ringledger');
}
