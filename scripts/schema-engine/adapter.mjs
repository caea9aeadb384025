/**
 * The way from the WebAssembly engine to PostgreSQL: `@prisma/adapter-pg`, made for queries, with what migrations ask of
 * it mended from outside.
 *
 * 1. The catalog's type "char" (oid 18) has no mapping in it (prisma/orm#27403): it is presented as text.
 * 2. Its executeScript splits at every `;`, also inside a `$$` body: a script goes out as one simple query instead.
 * 3. It cannot make the shadow database that migrations are replayed in.
 */
import { randomUUID } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { besideDatabase } from './commands.mjs';

const OID_CHAR = 18;
const OID_TEXT = 25;
/** `ColumnTypeEnum.Character` of driver-adapter-utils. */
const CHARACTER = 6;
/** Put before the name of a "char" column on its way through the adapter, to be known again behind it. */
const MARK = '\u0001char\u0001';

/** The factory the engine takes, for the database of a connection string; nothing connects before the engine does. */
export function adapterFactory(url) {
  return bindMigrationAwareSqlAdapterFactory({
    provider: 'postgres',
    adapterName: '@prisma/adapter-pg',
    connect: () => connect(url),
    connectToShadowDb: () => connectToShadow(url),
  });
}

async function connect(url) {
  const target = new URL(url);
  // A Prisma parameter that PostgreSQL does not know.
  const schema = target.searchParams.get('schema') ?? undefined;
  target.searchParams.delete('schema');
  const pool = new CatalogPool({ connectionString: target.toString(), max: 2 });
  return mended(await new PrismaPg(pool, { schema, disposeExternalPool: true }).connect());
}

async function connectToShadow(url) {
  const name = `prisma_migrate_shadow_db_${randomUUID()}`;
  await besideDatabase(url, (client) => client.query(`create database "${name}"`));
  const shadow = new URL(url);
  shadow.pathname = `/${name}`;
  const adapter = await connect(shadow.toString());
  const dispose = adapter.dispose.bind(adapter);
  adapter.dispose = async () => {
    await dispose();
    await besideDatabase(url, (client) => client.query(`drop database "${name}"`));
  };
  return adapter;
}

/** Mends faults 1 and 2 in a queryable, and in the transactions it starts. */
function mended(queryable) {
  const queryRaw = queryable.queryRaw.bind(queryable);
  queryable.queryRaw = async (query) => unmarked(await queryRaw(query));
  if (queryable.executeScript) {
    queryable.executeScript = async (script) => {
      await queryable.client.query(script);
    };
  }
  if (queryable.startTransaction) {
    const start = queryable.startTransaction.bind(queryable);
    queryable.startTransaction = async (...args) => mended(await start(...args));
  }
  return queryable;
}

function unmarked(result) {
  result.columnNames.forEach((name, index) => {
    if (!name.startsWith(MARK)) return;
    result.columnNames[index] = name.slice(MARK.length);
    result.columnTypes[index] = CHARACTER;
  });
  return result;
}

/** A pool whose results call "char" columns text, with the mark, before the adapter looks at them. */
class CatalogPool extends pg.Pool {
  #mended = new WeakSet();

  query(...args) {
    return marking(super.query.bind(this))(...args);
  }

  async connect(...args) {
    if (args.length > 0) return super.connect(...args);
    const client = await super.connect();
    if (!this.#mended.has(client)) {
      client.query = marking(client.query.bind(client));
      this.#mended.add(client);
    }
    return client;
  }
}

function marking(query) {
  return (...args) => {
    const answer = query(...args);
    return typeof answer?.then === 'function' ? answer.then(marked) : answer;
  };
}

function marked(result) {
  for (const field of result?.fields ?? []) {
    if (field.dataTypeID !== OID_CHAR) continue;
    field.dataTypeID = OID_TEXT;
    field.name = MARK + field.name;
  }
  return result;
}
