/**
 * The changes feed: every revision of every call, in an order in which nothing can appear behind a reader.
 *
 * `tx` is the number of the transaction that wrote a change, or that of the call's change before, whichever is greater. Only
 * changes below the oldest transaction still running are told: of those, all are committed and visible, and whatever is written
 * later is numbered above them. docs/adr/0012-changes-feed.md
 */
import { Prisma } from '../../generated/prisma/client.js';
import { CALL_COLUMNS } from '../calls.js';
import { CALL, type CallRow } from '../contract.js';
import { CursorGone } from '../faults.js';
import type { ValuesOf } from '../parameters.js';
import { type Reads, at, every, rows, utc } from '../sql.js';
import { reasonsAgainst } from './billable.js';
import type { CHANGES_QUERY, ChangeRow } from './contract.js';
import { beforeTx, type Cursor, decodeCursor, encodeCursor, type Place } from './cursor.js';
import { heldBackBy } from './held-back.js';
import { forerunners, formerOf } from './previous.js';

/** How long to wait is not for the database. */
export type ChangesQuery = Omit<ValuesOf<typeof CHANGES_QUERY>, 'wait'>;

/** A page of the feed. */
export interface ChangesPage {
  readonly data: readonly ChangeRow[];
  /** Where the next page begins: always, also when nothing has changed. */
  readonly nextCursor: string;
  /** More is there already: do not wait. */
  readonly more: boolean;
  readonly cursorOf: (row: ChangeRow) => string;
  /** Number below which every change that passes the filter has been told, once there is no more. */
  readonly openTx: string;
  /** Who keeps changes back that are committed, in words; null when nobody does. */
  readonly heldBackBy: string | null;
}

/** Where the feed stands: what is below `openTx` can be told, now and whenever it is read. */
interface Standing {
  readonly openTx: string;
  readonly epoch: number;
  /** What is not told yet was written about then or later. */
  readonly openAt: Date;
  /** Something that is committed has not been told for a while. */
  readonly held: boolean;
  /** The last change that was dropped by age, if any was. */
  readonly floorTx: string | null;
  readonly floorKey: string | null;
  readonly floorId: string | null;
  readonly floorRevision: number | null;
}

interface Found extends CallRow {
  /** Changes after the place were dropped before this was read. */
  readonly overtaken: boolean;
  readonly tx: string | null;
  readonly callKey: string;
  readonly toldAt: Date;
  readonly superseded: boolean;
}

/** A change as it was found: where it stands, and the record. */
interface Told {
  readonly place: Place;
  readonly callKey: string;
  readonly at: Date;
  readonly superseded: boolean;
  readonly call: CallRow;
}

/** Changes that one page looks through for some that pass the filter: all of a year would take minutes. */
export const LOOKED_AT_MAX = 20_000;

/** With the table's name: `order by tx` alone would mean what is selected under that name, which is text. */
const KEY = Prisma.raw(['tx', 'call_key', 'id', 'revision'].map((column) => `call_change.${column}`).join(', '));
const OPEN = Prisma.sql`pg_snapshot_xmin(pg_current_snapshot())::text::bigint + ahead`;

/** As values and not as a part of the statement: only then does the planner see how little is left, and walk the index. */
function keyOf({ tx, callKey, id, revision }: Place): Prisma.Sql {
  return Prisma.sql`(${tx}::bigint, ${callKey}::uuid, ${id}::uuid, ${revision}::integer)`;
}

/** Which revisions are told to a reader who asks for settled records, for the others, or for both. */
function toldTo(settled: boolean | undefined): Prisma.Sql {
  if (settled === undefined) return Prisma.sql`true`;
  return settled ? Prisma.sql`settled or superseded` : Prisma.sql`not settled or superseded`;
}

function filterOf({ settled, source }: ChangesQuery): readonly Prisma.Sql[] {
  const conditions: Prisma.Sql[] = [];
  if (settled !== undefined) conditions.push(Prisma.sql`(${toldTo(settled)})`);
  if (source !== undefined) conditions.push(Prisma.sql`source_key = any(${[...source]}::text[])`);
  return conditions;
}

/**
 * Changes after a place were written at most so long before what stands there: as long as no write of ours lasts longer and
 * PostgreSQL's clock is not set back further. Older partitions are not even opened.
 */
const SLACK_MS = 86_400_000;
/** Batches take milliseconds and a sweep seconds at most; what runs longer is somebody's long transaction. */
const HELD_AFTER = Prisma.sql`interval '5 s'`;

/** @param sinceMs what is kept back was written then or later; null: nobody knows */
async function standingOf(db: Reads, sinceMs: number | null): Promise<Standing> {
  const since = sinceMs === null ? [] : [writtenSince(sinceMs)];
  const [standing] = await rows<Standing>(
    db,
    Prisma.sql`
      with open as materialized (select ${OPEN} as tx, epoch from change_base), kept_back as materialized (
        select at from call_change where ${every([...since, Prisma.sql`tx >= (select tx from open)`])} order by call_change.tx limit 1
      )
      select open.tx::text as "openTx", open.epoch, ${utc('coalesce(kept_back.at, clock_timestamp())')} as "openAt",
        coalesce(kept_back.at < clock_timestamp() - ${HELD_AFTER}, false) as held, floor.tx::text as "floorTx",
        floor.call_key as "floorKey", floor.id as "floorId", floor.revision as "floorRevision"
      from open left join kept_back on true left join change_floor as floor on true`,
  );
  if (standing === undefined) throw new Error('change_base has no row');
  return standing;
}

function writtenSince(ms: number): Prisma.Sql {
  return Prisma.sql`at >= ${at(ms - SLACK_MS)}`;
}

/** Where a reader begins who has no cursor: after the last change that was dropped by age. */
function oldest({ floorTx, floorKey, floorId, floorRevision }: Standing): Place {
  if (floorTx === null || floorKey === null || floorId === null || floorRevision === null) return beforeTx('0', 0);
  return { tx: floorTx, callKey: floorKey, id: floorId, revision: floorRevision, at: 0 };
}

/** What stands between a place and the open transactions. */
function within(place: Place, openTx: string): readonly Prisma.Sql[] {
  const since = place.at === 0 ? [] : [writtenSince(place.at)];
  return [...since, Prisma.sql`(${KEY}) > ${keyOf(place)}`, Prisma.sql`tx < ${openTx}::bigint`];
}

/** The last change that a filtered page looks at; null when it looks at all there are. */
async function edgeOf(db: Reads, place: Place, openTx: string): Promise<Place | null> {
  const [edge] = await rows<{ tx: string; callKey: string; id: string; revision: number; at: Date }>(
    db,
    Prisma.sql`
      select tx::text as tx, call_key as "callKey", id, revision, ${utc('at')} as at from call_change
      where ${every(within(place, openTx))} order by ${KEY} offset ${LOOKED_AT_MAX - 1} limit 1`,
  );
  return edge === undefined ? null : { ...edge, at: edge.at.getTime() };
}

/**
 * Changes after a place, and in the same look whether the place has been overtaken: partitions are locked before the
 * statement looks, so that one dropped meanwhile is either read or told of.
 */
function pageStatement(place: Place, conditions: readonly Prisma.Sql[], limit: number): Prisma.Sql {
  return Prisma.sql`
    with page as (
      select tx, call_key as "callKey", ${utc('at')} as "toldAt", superseded, ${CALL_COLUMNS}
      from call_change where ${every(conditions)} order by ${KEY} limit ${limit}
    )
    select exists (select from change_floor where (tx, call_key, id, revision) > ${keyOf(place)}) as overtaken, page.*, page.tx::text as tx
    from (select) as always left join page on true
    order by page.tx, page."callKey", page.id, page.revision`;
}

const CALL_FIELDS = Object.keys(CALL) as readonly (keyof CallRow)[];

/** Says "from now on", whatever is there already. */
const NOW = 'now';

/**
 * A page of changes that the filter lets through.
 * @throws BadParameters a cursor of another query
 * @throws CursorGone changes after the cursor are no longer there
 */
export async function readChanges(db: Reads, query: ChangesQuery): Promise<ChangesPage> {
  const { after, limit, settled, source } = query;
  const question = { settled, source };
  const cursor = after === undefined || after === NOW ? null : decodeCursor(after, question);
  const standing = await standingOf(db, cursor?.place.at ?? null);
  const { epoch, openTx, openAt, held } = standing;
  const end = beforeTx(openTx, openAt.getTime());
  checkEpoch(cursor, standing);
  const from = after === NOW ? end : (cursor?.place ?? oldest(standing));
  const filter = filterOf(query);
  const edge = filter.length === 0 ? null : await edgeOf(db, from, openTx);
  const upTo = edge === null ? [] : [Prisma.sql`(${KEY}) <= ${keyOf(edge)}`];
  const found = await rows<Found>(db, pageStatement(from, [...within(from, openTx), ...upTo, ...filter], limit));
  if (found.some(({ overtaken }) => overtaken)) throw new CursorGone('dropped');
  const told = found.flatMap(toldOf);
  const last = told.length === limit ? told.at(-1)?.place : undefined;
  const place = last ?? edge ?? end;
  // By name and not by object: who shows a change may write it anew.
  const places = new Map(told.map((one) => [nameOf(one.call), one.place]));
  return {
    data: await changesOf(db, told, toldTo(settled)),
    nextCursor: encodeCursor({ epoch, place }, question),
    more: place !== end,
    cursorOf: (row) => encodeCursor({ epoch, place: places.get(nameOf(row)) ?? place }, question),
    openTx,
    heldBackBy: held ? await heldBackBy(db, openAt) : null,
  };
}

function nameOf({ id, revision }: Pick<ChangeRow, 'id' | 'revision'>): string {
  return `${id} ${String(revision)}`;
}

/** @throws CursorGone */
function checkEpoch(cursor: Cursor | null, { epoch, openTx }: Standing): void {
  if (cursor === null) return;
  if (cursor.epoch !== epoch || BigInt(cursor.place.tx) > BigInt(openTx)) throw new CursorGone('restored');
}

function toldOf({ tx, callKey, toldAt, superseded, ...rest }: Found): readonly Told[] {
  if (tx === null) return [];
  const call = Object.fromEntries(CALL_FIELDS.map((name) => [name, rest[name]])) as unknown as CallRow;
  const place = { tx, callKey, id: call.id, revision: call.revision, at: toldAt.getTime() };
  return [{ place, callKey, at: toldAt, superseded, call }];
}

async function changesOf(db: Reads, told: readonly Told[], which: Prisma.Sql): Promise<readonly ChangeRow[]> {
  const before = await forerunners(db, told, which);
  return told.map(({ superseded, call }, index) => {
    const { id, revision } = call;
    const reasons = reasonsAgainst(call, superseded);
    const former = before[index] ?? null;
    const previous = former === null ? null : formerOf(former, call);
    return { id, revision, superseded, billable: reasons.length === 0, reasons, previous, call };
  });
}

/**
 * The number of the last change that can be told; '0' when there is none of the last two days.
 * @param now ms since the epoch
 */
export async function newestTx(db: Reads, now: number): Promise<string> {
  const [newest] = await rows<{ readonly tx: string }>(
    db,
    Prisma.sql`
      select tx::text as tx from call_change
      where tx < (select ${OPEN} from change_base) and at >= ${at(now - 2 * SLACK_MS)} order by call_change.tx desc limit 1`,
  );
  return newest?.tx ?? '0';
}
