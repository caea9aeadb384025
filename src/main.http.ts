/** The answering half: REST, GraphQL, OpenAPI and health. Imported once reports are being taken in. */
import { NestFactory } from '@nestjs/core';
import { Reading } from './api/reading.js';
import { serveOpenApi } from './api/rest/openapi.js';
import { AppModule, type Parts } from './app.module.js';
import type { Config } from './config.js';
import type { Log } from './log.js';
import { settingsOf } from './main.receiver.js';
import { SourceSettings } from './sources/settings.js';
import { PgSourceSettingsStore } from './store/source-settings.js';

/** An HTTP server that answers. */
export interface Answering {
  readonly url: string;
  close(): Promise<void>;
}

/** What the answering half is given by the receiving one. */
export interface Served extends Pick<Parts, 'database' | 'clock'> {
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
  const { database, clock } = served;
  const reading = new Reading(database.client, clock, { ...shared, udpPort: reportPort, udpHosts });
  const sourceSettings = new SourceSettings({
    ...{ store: new PgSourceSettingsStore(database.client), clock, follow: served.followSources },
    configuredNames: namesIn(config.udpAllowedSources),
  });
  const app = await NestFactory.create(AppModule.over({ database, clock, reading, sourceSettings }), {
    logger: log,
    abortOnError: false,
  });
  try {
    serveOpenApi(app);
    await app.listen(config.httpPort, config.httpHost);
    return { url: await app.getUrl(), close: () => app.close() };
  } catch (error) {
    await app.close();
    throw error;
  }
}

/** The names in `UDP_ALLOWED_SOURCES`. */
function namesIn(allowedSources: string | null): readonly string[] {
  const entries = (allowedSources ?? '').split(',').filter((entry) => entry.includes('='));
  return entries.map((entry) => entry.slice(0, entry.indexOf('=')).trim());
}
