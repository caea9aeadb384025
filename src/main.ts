/**
 * Start and stop, in the order that lets nothing be lost.
 *
 * start   database, keys, partitions, sources, first beat (facts, outage), UDP; then HTTP
 * stop    stop reading, flush, acks leave, HTTP closes, last beat, UDP closes, database
 *
 * UDP is first because a sender gives up after H and a reader asks again: HTTP, with GraphQL and OpenAPI three quarters
 * of the code to load, is imported only when reports are being taken in.
 */
import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { systemClock } from './clock.js';
import type { Config } from './config.js';
import type { SpoolState } from './ingest/spool/standby.js';
import { Log } from './log.js';
import { openAccess } from './main.access.js';
import { readPools } from './main.meter.js';
import { type Counts, openReceiver, type Receiver } from './main.receiver.js';
import { type Step, undone, undoneAfterFault } from './main.undo.js';
import { Database } from './store/database.js';
import type { UdpStats } from './transport/udp.events.js';

/** A running receiver. */
export interface Running {
  /** Where it listens: useful when the configured ports were 0. */
  readonly http: string;
  readonly udp: UdpStats['sockets'];
  counts(): Counts;
  /** How the spool does. */
  spool(): SpoolState;
  /** Drains and stops; everything acknowledged is in PostgreSQL or in the spool. */
  stop(): Promise<void>;
}

/** The configuration with the database that is there; `embedded` when it is one of our own, under `dataDir`. */
export type RunConfig = Config & {
  readonly databaseUrl: string;
  readonly embedded?: boolean;
  /** Sentences about the configuration that the log begins with. */
  readonly warnings?: readonly string[];
};

/**
 * Starts receiving and answering on a migrated database.
 * @throws Error with a sentence for the operator when a port is taken, the allow-list is wrong or the database is away
 */
export async function run(config: RunConfig): Promise<Running> {
  const startedAt = performance.now();
  const log = new Log(config);
  Logger.overrideLogger(log);
  for (const warning of config.warnings ?? []) log.warn(warning, 'Ringledger');
  const clock = systemClock();
  // Two pools, so that readers who ask for much never make an ack wait for a connection.
  const readersMax = Math.max(1, Math.floor(config.databaseConnectionsMax / 2));
  const database = databaseOf(config, config.databaseConnectionsMax - readersMax);
  const readers = databaseOf(config, readersMax);
  const untold = (fault: unknown): void => log.error(`Not stopped as it should be: ${String(fault)}`, 'Ringledger');
  const undo: Step[] = [() => database.disconnect(), () => readers.disconnect()];
  try {
    await database.connect();
    const accesses = await openAccess(config, readers, clock, log);
    undo.push(() => accesses.audit.close());
    const receiver = await openReceiver(config, database, clock, log);
    undo.push(() => receiver.stop());
    readPools(receiver.metering.readings, { ingest: database, readers });
    tellReceiving(log, config, receiver);

    const { serveHttp } = await import('./main.http.js');
    const http = await serveHttp(
      config,
      { database: readers, clock, receiver, accesses, followSources: () => receiver.followSources() },
      log,
    );
    undo.push(() => http.close());
    // Readers are answered until the last ack has left.
    undo.push(() => receiver.drain());
    tellAnswering(log, http.url, performance.now() - startedAt);
    const stop = async (): Promise<void> => {
      log.log('Stopping: what was received is stored and acknowledged first.', 'Ringledger');
      await undone(undo, untold);
    };
    return {
      http: http.url,
      udp: receiver.sockets,
      counts: () => receiver.counts(),
      spool: () => receiver.spool(),
      stop,
    };
  } catch (error) {
    await undoneAfterFault(undo, untold);
    throw error;
  }
}

function databaseOf(config: RunConfig, connectionsMax: number): Database {
  return new Database({ url: config.databaseUrl, connectionsMax });
}

/** The few lines an operator reads first. */
function tellReceiving(log: Log, config: RunConfig, receiver: Receiver): void {
  const where =
    config.embedded === true ? `an embedded PostgreSQL under ${config.dataDir}` : 'the PostgreSQL of DATABASE_URL';
  log.log(`Keeping everything in ${where}.`, 'Ringledger');
  const ends = receiver.sockets.map(({ address, port }) => `${address}:${String(port)}`).join(', ');
  log.log(`Receiving call states on UDP ${ends}, from ${config.udpAllowedSources ?? 'loopback only'}.`, 'Ringledger');
  const { posts } = receiver.counts();
  if (posts === null) return;
  log.log(`Taking posts on ${posts.url}, from ${config.twinAllowedSources ?? 'loopback only'}.`, 'Ringledger');
}

function tellAnswering(log: Log, http: string, tookMs: number): void {
  log.log(`Answering on ${http}/api/v1/calls, ${http}/docs, ${http}/health/ready.`, 'Ringledger');
  log.log(
    'Next: set IVR_CALL_REPORT_IP on the IVR to this host, or try it: npm run ringledger -- simulate',
    'Ringledger',
  );
  log.log(`Ready in ${String(Math.round(tookMs))} ms.`, 'Ringledger');
}
