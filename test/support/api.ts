/** The reading application over real HTTP on a database of its own. */
import type { AddressInfo, Server } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type pg from 'pg';
import { Audit } from '../../src/access/audit.js';
import { Gate } from '../../src/access/gate.js';
import { Keys } from '../../src/access/keys.js';
import { ApiModule } from '../../src/api/api.module.js';
import { openDoor } from '../../src/api/door.js';
import { serveGraphiql } from '../../src/api/graphql/graphiql.js';
import { type Configured, Reading } from '../../src/api/reading.js';
import { Receiving } from '../../src/api/receiving.js';
import { serveOpenApi } from '../../src/api/rest/openapi.js';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { connectionTo } from '../../src/query/export/cursor.js';
import { Exports } from '../../src/query/export/exports.js';
import { SourceSettings } from '../../src/sources/settings.js';
import { PgKeyStore } from '../../src/store/keys.js';
import { PgSourceSettingsStore } from '../../src/store/sources/source-settings.js';
import { Health } from '../../src/ops/health.js';
import { HealthController } from '../../src/ops/health.controller.js';
import { MetricsController } from '../../src/ops/metrics.controller.js';
import { Metrics, type MetricsOptions } from '../../src/ops/metrics.js';
import { Readings } from '../../src/metrics/readings.js';
import { SourceLabels } from '../../src/metrics/source-labels.js';
import { type TestDatabase, testDatabase, testPool, testPrisma } from './database.js';
import { countNothingAhead, time } from './rows.js';

export const CONFIGURED: Configured = {
  retry: 6,
  intervalMs: 3_000,
  marginMs: 1_000,
  staleRingingMs: 300_000,
  staleAnsweredMs: 14_400_000,
  lossWindowMs: 300_000,
  retentionDays: 400,
  maxDatagramBytes: 2_048,
  udpPort: 8_000,
  udpHosts: ['0.0.0.0'],
};

/** What an HTTP request got. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  // Answers are compared as plain data; a test that expects a field and does not find it fails on the comparison.
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

/** An application that listens. */
export interface ServedApi {
  readonly app: INestApplication;
  readonly url: string;
  get(path: string, init?: RequestInit): Promise<Answer>;
  graphql(query: string, variables?: Record<string, unknown>, headers?: Record<string, string>): Promise<Answer>;
  readonly keys: Keys;
  readonly audit: Audit;
  close(): Promise<void>;
}

export interface TestApi extends ServedApi {
  readonly database: TestDatabase;
  readonly pool: pg.Pool;
  readonly prisma: PrismaClient;
  /** The instant the application takes for now; the test may move it. */
  readonly clock: { at: Date };
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const type = response.headers.get('content-type') ?? '';
  const body = (type.includes('json') ? JSON.parse(text) : { text }) as Record<string, unknown>;
  return { status: response.status, type, body, headers: response.headers };
}

/** A process that only answers: it has nothing to tell of its own. */
function notReceiving(startedAt: number): Receiving {
  const none = {
    received: 0,
    answered: 0,
    refusedAddress: 0,
    refusedStopping: 0,
    oversized: 0,
    failed: 0,
    inFlight: 0,
  };
  return new Receiving({
    recent: () => ({ datagrams: [], overwritten: 0, lastId: 0 }),
    receiver: () => ({ startedAt: new Date(startedAt), ...none, sockets: [], fates: [] }),
    replay: { run: () => Promise.resolve(null) },
    probes: { start: () => null, stop: () => null, report: () => null },
  });
}

/** Metrics of an application that receives nothing. */
function unmetered(): Omit<MetricsOptions, 'db' | 'clock'> {
  return { readings: new Readings(), labels: new SourceLabels(), kernelDrops: { read: () => Promise.resolve(null) } };
}

/** What stands before the application. */
export interface ServedDoor {
  readonly trustProxy?: readonly string[] | number;
  readonly corsOrigins?: readonly string[];
  /** 0: unlimited. */
  readonly requestsPerS?: number;
  readonly host?: string;
  /** Where exports find the database; nowhere unless given. */
  readonly databaseUrl?: string;
  /** Whether GraphQL tells its schema; it does unless told otherwise. */
  readonly introspection?: boolean;
  /** Likewise the page /graphiql. */
  readonly graphiql?: boolean;
}

/** Serves what `db` holds as of `now`, on a free port; without limits, proxies and other origins unless given. */
export async function serveApi(db: PrismaClient, now: () => Date, door: ServedDoor = {}): Promise<ServedApi> {
  const clock = { now: (): number => now().getTime() };
  const sourceSettings = new SourceSettings({
    ...{ store: new PgSourceSettingsStore(db), clock, configuredNames: ['office'] },
    follow: () => Promise.resolve(),
  });
  const receiving = notReceiving(clock.now());
  const keyStore = new PgKeyStore(db);
  const [keys, audit] = [new Keys(keyStore, clock), new Audit(keyStore, clock)];
  // As a start does; some tests have no database.
  await keys.required().catch(() => undefined);
  const exports = new Exports(connectionTo(door.databaseUrl ?? 'postgresql://127.0.0.1:1/none'));
  @Module({
    imports: [
      ApiModule.forRootAsync({
        useFactory: () => new Reading(db, clock, CONFIGURED),
        ...{ sourceSettings, receiving, keys, audit, exports, introspection: door.introspection ?? true },
      }),
    ],
    controllers: [HealthController, MetricsController],
    providers: [
      { provide: Health, useFactory: () => new Health(db, clock) },
      { provide: Metrics, useFactory: () => new Metrics({ ...unmetered(), db, clock }) },
    ],
  })
  class TestModule {}
  const app = await NestFactory.create(TestModule, { logger: false });
  const { trustProxy = null, corsOrigins = [], requestsPerS = 0, host = '127.0.0.1' } = door;
  openDoor(app, { gate: new Gate(keys, clock, requestsPerS), trustProxy, corsOrigins });
  serveOpenApi(app);
  if (door.graphiql ?? true) serveGraphiql(app);
  await app.listen(0, host);
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
  return {
    app,
    url,
    get: async (path, init) => answerOf(await fetch(`${url}${path}`, init)),
    ...{ keys, audit },
    graphql: async (query, variables = {}, own = {}) => {
      const headers = { 'content-type': 'application/json', ...own };
      const body = JSON.stringify({ query, variables });
      return answerOf(await fetch(`${url}/graphql`, { method: 'POST', headers, body }));
    },
    close: async () => {
      await app.close();
      await audit.close();
    },
  };
}

/** The application over a database of its own, at minute 0 of the test's day (rows.ts). */
export async function testApi(): Promise<TestApi> {
  const database = await testDatabase();
  const pool = testPool(database);
  await countNothingAhead(pool);
  const prisma = testPrisma(database);
  const clock = { at: time(0) };
  const served = await serveApi(prisma, () => clock.at, { databaseUrl: database.url });
  return {
    ...served,
    database,
    pool,
    prisma,
    clock,
    close: async () => {
      await served.close();
      await prisma.$disconnect();
      await pool.end();
      await database.close();
    },
  };
}
