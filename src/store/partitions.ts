/** The part of a Prisma client these statements need; a plain `pg` client can be wrapped into it too. */
export interface SqlRunner {
  $executeRawUnsafe(sql: string): PromiseLike<number>;
  $queryRawUnsafe<T>(sql: string): PromiseLike<T>;
}

const DAY_MS = 86_400_000;
/** Partitions one call makes at most: more is a wrong clock, and those rows wait in the default partition. */
const DAYS_MAX = 1_000;
/** DDL waits behind long reads and holds up whoever comes after it; it gives way after this and is tried again later. */
const LOCK_TIMEOUT_MS = 2_000;

/**
 * Makes the daily partitions of `notification` that cover [from, to] and are missing, and returns how many it made.
 * Rows of those days that wait in the default partition move along. Safe to call from several receivers at once: the
 * lock on the parent lets one make a partition, and the others find it made.
 *
 * @param from first instant to cover, ms since the epoch
 * @param to last instant to cover, ms since the epoch
 * @throws the database's error, 55P03 among them when a long transaction is in the way; nothing is lost meanwhile.
 */
export async function ensurePartitions(db: SqlRunner, from: number, to: number): Promise<number> {
  const days = daysOf(from, to);
  const present = new Set(await partitionNames(db));
  const missing = days.filter((day) => !present.has(nameOf(day)));
  for (const day of missing) await db.$executeRawUnsafe(createStatement(day));
  return missing.length;
}

/**
 * Drops the partitions of days that ended before `before` (ms since the epoch), and the rows of the default partition
 * that old. Returns the names of the partitions dropped.
 */
export async function dropPartitions(db: SqlRunner, before: number): Promise<string[]> {
  const limit = nameOf(Math.floor(before / DAY_MS) * DAY_MS);
  const expired = (await partitionNames(db)).filter((name) => name < limit);
  for (const name of expired) await db.$executeRawUnsafe(guarded(`execute 'drop table if exists ${name}';`));
  await db.$executeRawUnsafe(`delete from notification_default where first_at < '${new Date(before).toISOString()}'`);
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
function nameOf(day: number): string {
  return `notification_${new Date(day).toISOString().slice(0, 10).replaceAll('-', '')}`;
}

async function partitionNames(db: SqlRunner): Promise<string[]> {
  const rows = await db.$queryRawUnsafe<{ name: string }[]>(
    `select child.relname::text as name from pg_inherits
     join pg_class child on child.oid = inhrelid
     where inhparent = 'notification'::regclass and child.relname ~ '^notification_\\d{8}$' order by 1`,
  );
  return rows.map((row) => row.name);
}

/**
 * One statement, hence one transaction. The partition is filled before it is attached, under locks taken in the order a
 * writer takes them (parent, then default partition), so that no row slips into the default in between. The parent's
 * lock mode lets writers of other days go on.
 */
function createStatement(day: number): string {
  const name = nameOf(day);
  const [from, to] = [new Date(day).toISOString(), new Date(day + DAY_MS).toISOString()];
  return guarded(`
    lock table only notification in share update exclusive mode;
    if to_regclass('${name}') is not null then return; end if;
    lock table notification_default in access exclusive mode;
    create table ${name} (like notification including defaults including constraints);
    with waiting as (
      delete from notification_default where first_at >= '${from}' and first_at < '${to}' returning *
    ) insert into ${name} select * from waiting;
    execute $ddl$alter table notification attach partition ${name} for values from ('${from}') to ('${to}')$ddl$;
  `);
}

function guarded(body: string): string {
  return `do $body$ begin
    perform set_config('lock_timeout', '${String(LOCK_TIMEOUT_MS)}', true);
    ${body}
  end $body$`;
}
