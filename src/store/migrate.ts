import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { connectWithin, type Waiting } from './connect.js';

/** Prisma's schema engine takes this advisory lock too, so that its CLI and a starting receiver never migrate at once. */
const MIGRATION_LOCK = 72_707_369;
const MIGRATIONS = fileURLToPath(new URL('../../prisma/migrations', import.meta.url));

/** Prisma's own table, as its CLI creates it: `prisma migrate status` reads what we write. */
const TABLE = `create table if not exists _prisma_migrations (
  id varchar(36) primary key not null,
  checksum varchar(64) not null,
  finished_at timestamptz,
  migration_name varchar(255) not null,
  logs text,
  rolled_back_at timestamptz,
  started_at timestamptz not null default now(),
  applied_steps_count integer not null default 0
)`;

/** What tests vary, and what a command says. */
export interface MigrateOptions extends Waiting {
  /** Folder of `<name>/migration.sql` folders, applied in the order of their names. */
  readonly folder?: string;
}

interface Migration {
  readonly name: string;
  readonly sql: string;
}

interface Row {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished_at: Date | null;
  readonly started_at: Date;
}

/**
 * Brings the database to the schema of this program, and returns the names of the migrations it applied. Receivers that
 * start together wait for each other; the later ones find nothing to do.
 *
 * Each migration runs in one transaction together with its row in `_prisma_migrations`: a killed start leaves nothing
 * half done. One that fails is recorded, and stops every later start until somebody has looked.
 *
 * @throws Error with a sentence for the operator: the database is away, a migration failed now or earlier, an applied
 *   migration was edited, or the database was migrated by a newer program. No message holds the connection string.
 */
export async function migrate(url: string, options: MigrateOptions = {}): Promise<string[]> {
  const migrations = await readMigrations(options.folder ?? MIGRATIONS);
  return locked(url, options, async (client) => {
    const pending = unapplied(migrations, await readRows(client));
    for (const migration of pending) await apply(client, migration);
    return pending.map((migration) => migration.name);
  });
}

/**
 * Marks a migration that failed as rolled back, so that the next start tries it again; for `ringledger migrate --retry`.
 *
 * @returns false when no failed migration has that name.
 */
export async function forgetFailure(url: string, name: string, options: MigrateOptions = {}): Promise<boolean> {
  return locked(url, options, async (client) => {
    const { rowCount } = await client.query(
      `update _prisma_migrations set rolled_back_at = now()
       where migration_name = $1 and finished_at is null and rolled_back_at is null`,
      [name],
    );
    return rowCount !== null && rowCount > 0;
  });
}

async function locked<T>(url: string, waiting: Waiting, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await connectWithin(url, waiting);
  try {
    // Ends with the connection, so that a killed migration holds nobody up.
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await client.query(TABLE);
    return await work(client);
  } finally {
    await client.end();
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return Promise.all(
    names.sort().map(async (name) => ({ name, sql: await readFile(join(folder, name, 'migration.sql'), 'utf8') })),
  );
}

async function readRows(client: pg.Client): Promise<Row[]> {
  const { rows } = await client.query<Row>(
    `select migration_name, checksum, finished_at, started_at from _prisma_migrations
     where rolled_back_at is null order by started_at`,
  );
  return rows;
}

/** Which migrations are left to apply; refuses histories that are not a beginning of ours. */
function unapplied(migrations: readonly Migration[], rows: readonly Row[]): Migration[] {
  const ours = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const row of rows) {
    const migration = ours.get(row.migration_name);
    if (row.finished_at === null) {
      throw new Error(
        `The migration ${row.migration_name} failed on ${row.started_at.toISOString()} and nothing of it was kept. ` +
          'Read its words in the column logs of _prisma_migrations, mend the cause, then run: ' +
          `ringledger migrate --retry ${row.migration_name}`,
      );
    }
    if (migration === undefined) {
      throw new Error(
        `The database was migrated by another version of Ringledger: ${row.migration_name} is not known here. ` +
          'Start the version that wrote it, or a newer one.',
      );
    }
    if (!matches(migration.sql, row.checksum)) {
      throw new Error(
        `The migration ${row.migration_name} was edited after it was applied here. Restore its file as it was released; ` +
          'a change of the schema goes into a migration of its own.',
      );
    }
  }
  const applied = new Set(rows.map((row) => row.migration_name));
  return migrations.filter((migration) => !applied.has(migration.name));
}

async function apply(client: pg.Client, { name, sql }: Migration): Promise<void> {
  const id = randomUUID();
  try {
    await client.query('begin');
    await client.query(
      `insert into _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
       values ($1, $2, $3, clock_timestamp(), 1)`,
      [id, checksum(sql), name],
    );
    await client.query(sql);
    await client.query('commit');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    await recordFailure(client, { id, name, sql, reason });
    throw new Error(
      `The migration ${name} failed and nothing of it was kept: ${reason}. ` +
        `Mend the cause, then run: ringledger migrate --retry ${name}`,
      { cause: error },
    );
  }
}

interface Failure extends Migration {
  readonly id: string;
  readonly reason: string;
}

async function recordFailure(client: pg.Client, { id, name, sql, reason }: Failure): Promise<void> {
  try {
    await client.query('rollback');
    await client.query('insert into _prisma_migrations (id, checksum, migration_name, logs) values ($1, $2, $3, $4)', [
      id,
      checksum(sql),
      name,
      reason,
    ]);
  } catch (error) {
    throw new Error(`The database went away during the migration ${name}; nothing of it was kept. Start again.`, {
      cause: error,
    });
  }
}

const checksum = (sql: string): string => createHash('sha256').update(sql, 'utf8').digest('hex');

/** Whether a file is the one that was applied, whatever line ends a checkout gave it since. */
function matches(sql: string, sum: string): boolean {
  const lf = sql.replaceAll('\r\n', '\n');
  return checksum(lf) === sum || checksum(lf.replaceAll('\n', '\r\n')) === sum;
}
