/** The answering half: REST, GraphQL, OpenAPI and health. Imported once reports are being taken in. */
import { NestFactory } from '@nestjs/core';
import { Reading } from './api/reading.js';
import { serveOpenApi } from './api/rest/openapi.js';
import { AppModule, type Parts } from './app.module.js';
import type { Config } from './config.js';
import type { Log } from './log.js';
import { settingsOf } from './main.receiver.js';

/** An HTTP server that answers. */
export interface Answering {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves HTTP.
 * @throws Error when the port is taken; nothing listens then
 */
export async function serveHttp(config: Config, parts: Omit<Parts, 'reading'>, log: Log): Promise<Answering> {
  const { retentionDays, udpDatagramBytesMax, reportPort, udpHosts } = config;
  const shared = { ...settingsOf(config), retentionDays, maxDatagramBytes: udpDatagramBytesMax };
  const reading = new Reading(parts.database.client, parts.clock, { ...shared, udpPort: reportPort, udpHosts });
  const app = await NestFactory.create(AppModule.over({ ...parts, reading }), { logger: log, abortOnError: false });
  try {
    serveOpenApi(app);
    await app.listen(config.httpPort, config.httpHost);
    return { url: await app.getUrl(), close: () => app.close() };
  } catch (error) {
    await app.close();
    throw error;
  }
}
