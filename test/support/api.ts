/** The reading application over real HTTP on a database of its own. */
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type pg from 'pg';
import { ApiModule } from '../../src/api/api.module.js';
import { type Configured, Reading } from '../../src/api/reading.js';
import { serveOpenApi } from '../../src/api/rest/openapi.js';
import type { PrismaClient } from '../../src/generated/prisma/client.js';
import { Health } from '../../src/ops/health.js';
import { HealthController } from '../../src/ops/health.controller.js';
import { type TestDatabase, testDatabase, testPool, testPrisma } from './database.js';
import { time } from './rows.js';

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

export interface TestApi {
  readonly app: INestApplication;
  readonly url: string;
  readonly database: TestDatabase;
  readonly pool: pg.Pool;
  readonly prisma: PrismaClient;
  /** The instant the application takes for now; the test may move it. */
  readonly clock: { at: Date };
  get(path: string, init?: RequestInit): Promise<Answer>;
  graphql(query: string, variables?: Record<string, unknown>): Promise<Answer>;
  close(): Promise<void>;
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const type = response.headers.get('content-type') ?? '';
  const body = (type.includes('json') ? JSON.parse(text) : { text }) as Record<string, unknown>;
  return { status: response.status, type, body, headers: response.headers };
}

/** Starts the application at minute 0 of the test's day (rows.ts) on a free port. */
export async function testApi(): Promise<TestApi> {
  const database = await testDatabase();
  const pool = testPool(database);
  const prisma = testPrisma(database);
  const clock = { at: time(0) };
  const now = { now: (): number => clock.at.getTime() };
  @Module({
    imports: [ApiModule.forRootAsync({ useFactory: () => new Reading(prisma, now, CONFIGURED) })],
    controllers: [HealthController],
    providers: [{ provide: Health, useFactory: () => new Health(prisma, now) }],
  })
  class TestModule {}
  const app = await NestFactory.create(TestModule, { logger: false });
  serveOpenApi(app);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  const url = `http://127.0.0.1:${String(port)}`;
  return {
    app,
    url,
    database,
    pool,
    prisma,
    clock,
    get: async (path, init) => answerOf(await fetch(`${url}${path}`, init)),
    graphql: async (query, variables = {}) =>
      answerOf(
        await fetch(`${url}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query, variables }),
        }),
      ),
    close: async () => {
      await app.close();
      await prisma.$disconnect();
      await pool.end();
      await database.close();
    },
  };
}
