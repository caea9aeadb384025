/** Which reads a connection keeps prepared: planning a call's statements took 4 ms of its 7 in PostgreSQL. */
import { gapsOf, notificationsOf, readCall } from '../../src/query/call.js';
import { readFeed } from '../../src/query/feed.js';
import { readSettings } from '../../src/query/settings.js';
import { Database } from '../../src/store/database.js';
import { type TestDatabase, testDatabase } from '../support/database.js';

const ID = '3f2f4c7e-0d5c-5a0e-8f59-0c5d33a4c0de';

let on: TestDatabase;
let database: Database;

beforeAll(async () => {
  on = await testDatabase();
  database = new Database({ url: on.url, connectionsMax: 1 });
  await database.connect();
});

afterAll(async () => {
  await database.disconnect();
  await on.close();
});

test('the statements of a call, of the settings and of the feed are kept by name, one for each shape of a feed', async () => {
  const db = database.client;
  await readCall(db, ID);
  await gapsOf(db, [ID]);
  await notificationsOf(db, [ID], 19_000);
  await readSettings(db, 0);
  await readFeed(db, { from: null, to: null, sources: null }, 0);
  await readFeed(db, { from: 0, to: 1, sources: ['ivr'] }, 0);
  await readFeed(db, { from: 0, to: 2, sources: ['ivr'] }, 0);
  const kept = await db.$queryRaw<{ name: string }[]>`select name from pg_prepared_statements where name <> ''`;
  expect(kept.map(({ name }) => name).sort()).toEqual([
    ...['call', 'call_gaps', 'call_timelines', 'feed', 'feed_from_to_of', 'settings'],
  ]);
});
