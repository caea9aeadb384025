import { randomUUID } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from '../../src/generated/prisma/client.js';
import { adminQuery, testCluster, withDatabase } from './cluster.js';

/** A database of a test's own. */
export interface TestDatabase {
  readonly url: string;
  /** Drops it, whoever is still connected. */
  close(): Promise<void>;
}

/** A fresh, migrated database: a copy of a migrated template, made on the one cluster of the test run. */
export async function testDatabase(): Promise<TestDatabase> {
  const { adminUrl, template } = await testCluster();
  return create(adminUrl, `template ${template}`);
}

/** An empty database, for tests of the migrations themselves. */
export async function emptyDatabase(): Promise<TestDatabase> {
  const { adminUrl } = await testCluster();
  return create(adminUrl, 'template template0');
}

/** A Prisma client on a test database; call `$disconnect` before closing the database. */
export function testPrisma(database: TestDatabase, connectionsMax = 4): PrismaClient {
  return new PrismaClient({ adapter: new PrismaPg({ connectionString: database.url, max: connectionsMax }) });
}

/** A plain `pg` pool on a test database; call `end` before closing the database. */
export function testPool(database: TestDatabase, connectionsMax = 4): pg.Pool {
  return new pg.Pool({ connectionString: database.url, max: connectionsMax });
}

async function create(adminUrl: string, from: string): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await adminQuery(adminUrl, `create database ${name} ${from}`);
  return {
    url: withDatabase(adminUrl, name),
    close: () => adminQuery(adminUrl, `drop database if exists ${name} with (force)`),
  };
}
