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
