import { Database } from '../../src/store/database.js';
import { elsewhere, testDatabase, testPool, testPrisma } from '../support/database.js';

test('a test database is migrated, empty and its own', async () => {
  const [one, two] = await Promise.all([testDatabase(), testDatabase()]);
  const prisma = testPrisma(one);
  const pool = testPool(two);
  try {
    await prisma.source.create({ data: { key: 'a', name: 'a', addresses: [], createdAt: new Date() } });
    expect(await prisma.source.count()).toBe(1);
    expect((await pool.query('select from source')).rowCount).toBe(0);
  } finally {
    await prisma.$disconnect();
    await pool.end();
    await Promise.all([one.close(), two.close()]);
  }
});

test('PostgreSQL ends by itself a statement whose connection was given up', async () => {
  const own = await testDatabase();
  const database = new Database({ url: own.url, connectionsMax: 1 });
  try {
    // pg gives up after 30 s; a backend that computes notices that nobody is there only when it is done.
    expect(await database.client.$queryRaw`select current_setting('statement_timeout') as timeout`).toEqual([
      { timeout: '35s' },
    ]);
  } finally {
    await database.disconnect();
    await own.close();
  }
});

test('a DATABASE_URL with options of its own shifts no instant and lifts no limit, and what it asks is kept', async () => {
  const own = await testDatabase();
  const database = new Database({ url: await elsewhere(own), connectionsMax: 1 });
  const at = new Date('2026-01-15T12:00:00.000Z');
  try {
    await database.client.source.create({ data: { key: 'a', name: 'a', addresses: [], createdAt: at } });
    expect((await database.client.source.findFirst())?.createdAt).toEqual(at);
    const [session] = await database.client.$queryRaw<object[]>`
      select created_at as at, current_setting('timezone') as timezone, current_setting('work_mem') as memory,
        current_setting('statement_timeout') as timeout from source`;
    expect(session).toEqual({ at, timezone: 'UTC', memory: '5MB', timeout: '35s' });
  } finally {
    await database.disconnect();
    await own.close();
  }
});
