import { Database } from '../../src/store/database.js';
import { testDatabase, testPool, testPrisma } from '../support/database.js';

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
