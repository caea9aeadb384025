/**
 * An application that starts the embedded PostgreSQL of `argv[2]`, commits one row and then waits to be killed. It runs
 * from `dist`, as the product does, because a test cannot kill the process it runs in.
 */
import pg from 'pg';
import { startEmbedded } from '../../dist/store/embedded/embedded.js';

const embedded = await startEmbedded(process.argv[2]);
const client = new pg.Client({ connectionString: embedded.url });
await client.connect();
await client.query('create table if not exists mark (n integer)');
await client.query('insert into mark values (1)');
console.log(JSON.stringify({ url: embedded.url, owner: embedded.owner }));
setInterval(() => undefined, 60_000);
