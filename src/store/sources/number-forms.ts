/**
 * Reads the numbers of sources in E.164, beside the receiver and never on its path.
 *
 * For each source that has rules: at first the numbers of all its calls, in the order of history; from then on those of the changes
 * that were committed since (as the changes feed tells them, so that none is passed over). Rules that are set anew void what was
 * read: `PgSourceSettingsStore` deletes it, and a write under older rules finds their version gone.
 */
import type { NumberRules } from '../../sources/ports.js';
import type { PrismaClient } from '../../generated/prisma/client.js';

/** A source's rules, and which setting of them these are. */
interface Ruled {
  readonly key: string;
  readonly rules: NumberRules;
  readonly version: number;
  /** Null: not all calls of the source have been looked at. */
  readonly through: bigint | null;
}

/** A number in E.164; null: the rules make none of it. */
export type ReadNumber = (rules: NumberRules, number: string) => string | null;

type Db = Pick<PrismaClient, '$queryRawUnsafe' | '$executeRawUnsafe'>;

/** Rows looked at in one statement: 20,000 take 0.1 s. One transaction may hold more, so a page may end within it. */
const ROWS_MAX = 20_000;

const RULED = `
select key, number_rules as rules, number_rules_version as version, numbers_through as through
from source where number_rules is not null order by key`;

/** Below it everything is committed, and whatever is written later is numbered above: docs/adr/0012-changes-feed.md. */
const OPEN = `select pg_snapshot_xmin(pg_current_snapshot())::text::bigint + ahead as open from change_base`;

const HISTORY = `
select first_seen_at::text as at, id::text, caller_number as caller, callee_number as callee from call
where source_key = $1 and (first_seen_at, id) > ($2::timestamptz, $3::uuid) order by first_seen_at, id limit $4::integer`;

const CHANGES = `
select tx, call_key::text as key, id::text, revision, caller_number as caller, callee_number as callee from call_change
where (tx, call_key, id, revision) > ($2::bigint, $3::uuid, $4::uuid, $5::integer) and tx < $6::bigint and source_key = $1
order by tx, call_key, id, revision limit $7::integer`;

/** Under a lock on the source, which whoever sets its rules takes too; what is known already changes nothing. */
const KEEP = `
with ruled as materialized (
  select key from source where key = $1 and number_rules_version = $2::integer for share
)
insert into number_form (of_source, of_number, e164)
select key, of_number, e164 from ruled, unnest($3::text[], $4::text[]) as sent (of_number, e164)
order by of_number on conflict (of_source, of_number) do nothing`;

const ADVANCE = `
update source set numbers_through = greatest(numbers_through, $3::bigint)
where key = $1 and number_rules_version = $2::integer`;

const NIL = '00000000-0000-0000-0000-000000000000';

interface Numbers {
  readonly caller: string | null;
  readonly callee: string | null;
}

/**
 * Reads what has come since the last time. Safe to call from several receivers at once.
 * @param signal ends it after the statement under way
 */
export async function readNumbers(db: Db, read: ReadNumber, signal?: AbortSignal): Promise<void> {
  for (const ruled of await db.$queryRawUnsafe<Ruled[]>(RULED)) {
    const [{ open } = { open: 0n }] = await db.$queryRawUnsafe<{ open: bigint }[]>(OPEN);
    if (signal?.aborted === true) return;
    const { key, version, through } = ruled;
    if (through !== null) await follow(db, ruled, { from: through, open }, read, signal);
    else if (await readHistory(db, ruled, read, signal)) await db.$executeRawUnsafe(ADVANCE, key, version, open - 1n);
  }
}

/** Every call there is, from the first; false when it was ended before the last. */
async function readHistory(db: Db, ruled: Ruled, read: ReadNumber, signal?: AbortSignal): Promise<boolean> {
  let place = { at: '-infinity', id: NIL };
  for (;;) {
    if (signal?.aborted === true) return false;
    const asked = [ruled.key, place.at, place.id, ROWS_MAX];
    const rows = await db.$queryRawUnsafe<(Numbers & { at: string; id: string })[]>(HISTORY, ...asked);
    await keep(db, ruled, rows, read);
    const last = rows.at(-1);
    if (last === undefined || rows.length < ROWS_MAX) return true;
    place = last;
  }
}

async function follow(
  db: Db,
  ruled: Ruled,
  { from, open }: { readonly from: bigint; readonly open: bigint },
  read: ReadNumber,
  signal?: AbortSignal,
): Promise<void> {
  let place = { tx: from + 1n, key: NIL, id: NIL, revision: -1 };
  for (;;) {
    const asked = [ruled.key, place.tx, place.key, place.id, place.revision, open, ROWS_MAX];
    const rows = await db.$queryRawUnsafe<(Numbers & typeof place)[]>(CHANGES, ...asked);
    await keep(db, ruled, rows, read);
    const last = rows.length < ROWS_MAX ? undefined : rows.at(-1);
    // The last transaction may go on behind the limit.
    const through = last === undefined ? open - 1n : last.tx - 1n;
    if (through > from) await db.$executeRawUnsafe(ADVANCE, ruled.key, ruled.version, through);
    if (last === undefined || signal?.aborted === true) return;
    place = last;
  }
}

async function keep(db: Db, { key, rules, version }: Ruled, rows: readonly Numbers[], read: ReadNumber): Promise<void> {
  const numbers = new Set(rows.flatMap(({ caller, callee }) => [caller, callee]).filter((one) => one !== null));
  const forms = [...numbers].flatMap((number) => {
    const e164 = read(rules, number);
    return e164 === null ? [] : [{ number, e164 }];
  });
  if (forms.length === 0) return;
  const columns = [forms.map(({ number }) => number), forms.map(({ e164 }) => e164)];
  await db.$executeRawUnsafe(KEEP, key, version, ...columns);
}

/** How long a call with a number that was never seen before is without its E.164 form, at most, and what an idle receiver asks. */
const EVERY_MS = 1_000;

export interface NumberKeeper {
  /** Resolves when the statement under way has ended. */
  stop(): Promise<void>;
}

/**
 * Keeps reading them, every second.
 * @param isAway whether the database is known to be away: then it rests
 * @param onFault told of a round that failed; the next one goes on where it stopped
 */
export function keepNumbers(
  db: Db,
  read: ReadNumber,
  isAway: () => boolean,
  onFault: (error: unknown) => void,
): NumberKeeper {
  const stopping = new AbortController();
  let round: Promise<void> | null = null;
  const begin = async (): Promise<void> => {
    try {
      if (!isAway()) await readNumbers(db, read, stopping.signal);
    } catch (error) {
      if (!stopping.signal.aborted) onFault(error);
    }
  };
  const run = (): Promise<void> => (round ??= begin().finally(() => (round = null)));
  const timer = setInterval(() => void run(), EVERY_MS);
  return {
    stop: async () => {
      stopping.abort();
      clearInterval(timer);
      await round;
    },
  };
}
