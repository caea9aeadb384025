/** The part of a Prisma client these statements need; a plain `pg` client can be wrapped into it too. */
export interface SqlRunner {
  $executeRawUnsafe(sql: string, ...values: unknown[]): PromiseLike<number>;
  $queryRawUnsafe<T>(sql: string, ...values: unknown[]): PromiseLike<T>;
}

/** A table with a partition a day (UTC), named `<table>_20261122`, and one for what fits none, `<table>_default`. */
interface DailyTable {
  /** What picks the partition. */
  readonly instant: string;
  /** What must be written down of rows before they are dropped: statements over `gone`, a table or a query. */
  readonly farewell: ((gone: string) => string) | null;
}

/** A reader whose place is before the last change that was dropped must hear of it (src/query/changes). */
function raiseFloor(gone: string): string {
  const key = ['tx', 'call_key', 'id', 'revision'];
  const of = (table: string): string => key.map((column) => `${table}.${column}`).join(', ');
  return `
    insert into change_floor as stored (${key.join(', ')})
    select ${key.join(', ')} from ${gone} order by ${key.map((column) => `${column} desc`).join(', ')} limit 1
    on conflict (single) do update set ${key.map((column) => `${column} = excluded.${column}`).join(', ')}
      where (${of('stored')}) < (${of('excluded')});`;
}

const DAILY = {
  notification: { instant: 'first_at', farewell: null },
  call_change: { instant: 'at', farewell: raiseFloor },
} as const satisfies Readonly<Record<string, DailyTable>>;

export type DailyTableName = keyof typeof DAILY;
export const DAILY_TABLES = Object.keys(DAILY) as readonly DailyTableName[];

const DAY_MS = 86_400_000;
/** Partitions one call makes at most: more is a wrong clock, and those rows wait in the default partition. */
const DAYS_MAX = 1_000;
/** DDL waits behind long reads and holds up whoever comes after it; it gives way after this and is tried again later. */
const LOCK_TIMEOUT_MS = 2_000;

/**
 * Makes the daily partitions of a table that cover [from, to] and are missing, and returns how many it made.
 * Rows of those days that wait in the default partition move along. Safe to call from several receivers at once: the
 * lock on the parent lets one make a partition, and the others find it made.
 *
 * @param from first instant to cover, ms since the epoch
 * @param to last instant to cover, ms since the epoch
 * @throws the database's error, 55P03 among them when a long transaction is in the way; nothing is lost meanwhile.
 */
export async function ensurePartitions(
  db: SqlRunner,
  table: DailyTableName,
  from: number,
  to: number,
): Promise<number> {
  const days = daysOf(from, to);
  const present = new Set(await partitionNames(db, table));
  const missing = days.filter((day) => !present.has(nameOf(table, day)));
  for (const day of missing) await db.$executeRawUnsafe(createStatement(table, day));
  return missing.length;
}

/**
 * Drops the partitions of days that ended before `before` (ms since the epoch), and the rows of the default partition
 * that old. Returns the names of the partitions dropped.
 */
export async function dropPartitions(db: SqlRunner, table: DailyTableName, before: number): Promise<string[]> {
  const limit = nameOf(table, Math.floor(before / DAY_MS) * DAY_MS);
  const expired = (await partitionNames(db, table)).filter((name) => name < limit);
  const { instant, farewell }: DailyTable = DAILY[table];
  for (const name of expired) await db.$executeRawUnsafe(dropStatement(table, name, farewell));
  const old = `${instant} < '${new Date(before).toISOString()}'`;
  const drop = `delete from ${table}_default where ${old}`;
  if (farewell === null) await db.$executeRawUnsafe(drop);
  else await db.$executeRawUnsafe(guarded(`${farewell(`${table}_default where ${old}`)} ${drop};`));
  return expired;
}

/** First instants of the UTC days that touch [from, to]. */
function daysOf(from: number, to: number): number[] {
  const days: number[] = [];
  const first = Math.floor(from / DAY_MS) * DAY_MS;
  for (let day = first; day <= to && days.length < DAYS_MAX; day += DAY_MS) days.push(day);
  return days;
}

/** `notification_20261122`: fixed width, so that names sort as days do. */
function nameOf(table: DailyTableName, day: number): string {
  return `${table}_${new Date(day).toISOString().slice(0, 10).replaceAll('-', '')}`;
}

async function partitionNames(db: SqlRunner, table: DailyTableName): Promise<string[]> {
  const rows = await db.$queryRawUnsafe<{ name: string }[]>(
    `select child.relname::text as name from pg_inherits
     join pg_class child on child.oid = inhrelid
     where inhparent = '${table}'::regclass and child.relname ~ '^${table}_\\d{8}$' order by 1`,
  );
  return rows.map((row) => row.name);
}

/**
 * One statement, hence one transaction. The partition is filled before it is attached, under locks taken in the order a
 * writer takes them (parent, then default partition), so that no row slips into the default in between. The parent's
 * lock mode lets writers of other days go on.
 */
function createStatement(table: DailyTableName, day: number): string {
  const name = nameOf(table, day);
  const { instant } = DAILY[table];
  const [from, to] = [new Date(day).toISOString(), new Date(day + DAY_MS).toISOString()];
  return guarded(`
    lock table only ${table} in share update exclusive mode;
    if to_regclass('${name}') is not null then return; end if;
    lock table ${table}_default in access exclusive mode;
    create table ${name} (like ${table} including defaults including constraints);
    with waiting as (
      delete from ${table}_default where ${instant} >= '${from}' and ${instant} < '${to}' returning *
    ) insert into ${name} select * from waiting;
    execute $ddl$alter table ${table} attach partition ${name} for values from ('${from}') to ('${to}')$ddl$;
  `);
}

/** Dropping takes the parent's lock anyway; taken first, another receiver finds the partition gone and not half gone. */
function dropStatement(table: DailyTableName, name: string, farewell: DailyTable['farewell']): string {
  return guarded(`
    lock table only ${table} in access exclusive mode;
    if to_regclass('${name}') is null then return; end if;
    ${farewell?.(name) ?? ''}
    execute 'drop table ${name}';
  `);
}

function guarded(body: string): string {
  return `do $body$ begin
    perform set_config('lock_timeout', '${String(LOCK_TIMEOUT_MS)}', true);
    ${body}
  end $body$`;
}
