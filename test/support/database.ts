import { randomUUID } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from '../../src/generated/prisma/client.js';
import { adminQuery, testCluster, withDatabase } from './cluster.js';

/** A database of a test's own. */
export interface TestDatabase {
  readonly url: string;
  /** Drops it; connections still open after 5 s are cut. */
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

/**
 * Has the server's sessions in this database begin with a clock elsewhere, and gives a URL that asks for something else of its
 * sessions: what DATABASE_URL may be.
 */
export async function elsewhere(database: TestDatabase): Promise<string> {
  const url = new URL(database.url);
  await adminQuery(database.url, `alter database ${url.pathname.slice(1)} set timezone = 'Europe/Berlin'`);
  url.searchParams.set('options', '-c work_mem=5MB -c timezone=Asia/Tokyo');
  return url.href;
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
    close: () => drop(adminUrl, name),
  };
}

/** PostgreSQL itself waits 5 s for connections that are closing; only then is it told to cut what is left. */
async function drop(adminUrl: string, name: string): Promise<void> {
  try {
    await adminQuery(adminUrl, `drop database if exists ${name}`);
  } catch (error) {
    if ((error as { code?: string }).code !== '55006') throw error;
    await adminQuery(adminUrl, `drop database if exists ${name} with (force)`);
  }
}
