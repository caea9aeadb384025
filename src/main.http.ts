/** The answering half: REST, GraphQL, OpenAPI and health. Imported once reports are being taken in. */
import { readFileSync } from 'node:fs';
import { NestFactory } from '@nestjs/core';
import { openDoor } from './api/door.js';
import { serveGraphiql } from './api/graphql/graphiql.js';
import { Reading } from './api/reading.js';
import { serveOpenApi } from './api/rest/openapi.js';
import { AppModule, type Parts } from './app.module.js';
import type { Config } from './config.js';
import type { Log } from './log.js';
import type { Accesses } from './main.access.js';
import { configuredNames } from './main.meter.js';
import { receivingOf } from './main.operator.js';
import { type Receiver, settingsOf } from './main.receiver.js';
import { undoneAfterFault } from './main.undo.js';
import { Metrics } from './ops/metrics.js';
import { SourceSettings } from './sources/settings.js';
import { PgSourceSettingsStore } from './store/sources/source-settings.js';
import { KernelDrops } from './transport/kernel-drops.js';

const { version: VERSION } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** An HTTP server that answers. */
export interface Answering {
  readonly url: string;
  close(): Promise<void>;
}

/** What the answering half is given by the receiving one. */
export interface Served extends Pick<Parts, 'database' | 'clock'> {
  readonly receiver: Pick<
    Receiver,
    'metering' | 'problems' | 'sockets' | 'recent' | 'startedAt' | 'tools' | 'counts' | 'spool' | 'spooled'
  >;
  readonly accesses: Accesses;
  /** Makes the receiver follow what an operator decided of a source. */
  readonly followSources: () => Promise<void>;
}

/**
 * Serves HTTP.
 * @throws Error when the port is taken; nothing listens then
 */
export async function serveHttp(config: Config, served: Served, log: Log): Promise<Answering> {
  const { retentionDays, udpDatagramBytesMax, reportPort, udpHosts } = config;
  const shared = { ...settingsOf(config), retentionDays, maxDatagramBytes: udpDatagramBytesMax };
  const { database, clock, receiver } = served;
  const { keys, gate, audit } = served.accesses;
  const { objective } = receiver.metering.meter;
  const limits = { ...shared, udpPort: reportPort, udpHosts };
  const spooled = (): ReadonlyMap<string, number> => receiver.spooled();
  const reading = new Reading(database.client, clock, limits, (key) => objective.p99Ms(key), spooled);
  const sourceSettings = new SourceSettings({
    ...{ store: new PgSourceSettingsStore(database.client), clock, follow: served.followSources },
    configuredNames: configuredNames(config),
  });
  const { readings, labels } = receiver.metering;
  readings.read('ringledger_build_info', () => [{ labels: { version: VERSION }, value: 1 }]);
  readings.read('ringledger_http_refused_total', () =>
    Object.entries(gate.refusals()).map(([reason, value]) => ({ labels: { reason }, value })),
  );
  const kernelDrops = new KernelDrops(() => receiver.sockets.map(({ port }) => port));
  const metrics = new Metrics({ readings, labels, db: database.client, clock, kernelDrops });
  const problems = (): readonly string[] => receiver.problems();
  const app = await NestFactory.create(
    AppModule.over({
      ...{ database, clock, reading, sourceSettings, metrics, problems, spool: () => receiver.spool() },
      ...{ receiving: receivingOf(receiver), keys, audit, introspection: config.graphqlIntrospection },
    }),
    { logger: log, abortOnError: false },
  );
  try {
    openDoor(app, { gate, ...config });
    serveOpenApi(app);
    if (config.graphiql) serveGraphiql(app);
    await app.listen(config.httpPort, config.httpHost);
    return { url: await app.getUrl(), close: () => app.close() };
  } catch (error) {
    await undoneAfterFault([() => app.close()], (fault) => {
      log.error(`HTTP was not stopped as it should be: ${String(fault)}`, 'Ringledger');
    });
    throw error;
  }
}
