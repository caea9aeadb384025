/**
 * The changes feed: every revision of every call, in an order in which nothing can appear behind a reader.
 *
 * `tx` is the number of the transaction that wrote a change, or that of the call's change before, whichever is greater. Only
 * changes below the oldest transaction still running are told: of those, all are committed and visible, and whatever is written
 * later is numbered above them. docs/adr/0011-changes-feed.md
 */
import { Prisma } from '../../generated/prisma/client.js';
import { CALL_COLUMNS } from '../calls.js';
import { CALL, type CallRow } from '../contract.js';
import { CursorGone } from '../faults.js';
import type { ValuesOf } from '../parameters.js';
import { type Reads, every, rows, utc } from '../sql.js';
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

/** What the statement says besides changes: on every row, and on one row without a change when there is none. */
interface Standing {
  readonly openTx: string;
  readonly epoch: number;
  readonly overtaken: boolean;
  readonly heldSince: Date | null;
  /** Place of the last change looked at, when the filter ended the page and not the feed. */
  readonly edgeTx: string | null;
  readonly edgeKey: string | null;
  readonly edgeId: string | null;
  readonly edgeRevision: number | null;
}

interface Found extends CallRow, Standing {
  readonly tx: string | null;
  readonly callKey: string;
  readonly at: Date;
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

/** Changes that one page looks through for some that pass the filter: 20,000 take 30 ms, all of a year minutes. */
const LOOKED_AT_MAX = 20_000;

const NIL = Prisma.sql`'00000000-0000-0000-0000-000000000000'::uuid`;
const KEY = Prisma.sql`tx, call_key, id, revision`;
const OPEN = Prisma.sql`pg_snapshot_xmin(pg_current_snapshot())::text::bigint + ahead`;

/** Reads a place from a part of the statement, in a form that bounds an index. */
function placeOf(part: string): Prisma.Sql {
  const columns = ['tx', 'call_key', 'id', 'revision'].map((column) => `(select ${column} from ${part})`);
  return Prisma.raw(`(${columns.join(', ')})`);
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

/** Starts after `place`; where that is null, after the last change that was dropped by age. */
function statement(place: Place | null, filter: readonly Prisma.Sql[], limit: number): Prisma.Sql {
  const given = place === null ? null : [place.tx, place.callKey, place.id, place.revision];
  const [tx = null, callKey = null, id = null, revision = null] = given ?? [];
  const within = [Prisma.sql`(${KEY}) > ${placeOf('start')}`, Prisma.sql`tx < (select tx from open)`];
  const unseen = Prisma.sql`select ${KEY} from call_change where ${every(within)} order by ${KEY}`;
  const edge =
    filter.length === 0
      ? Prisma.sql`select tx, call_key, id, revision from start where false`
      : Prisma.sql`${unseen} offset ${LOOKED_AT_MAX - 1} limit 1`;
  const upTo = filter.length === 0 ? [] : [Prisma.sql`(${KEY}) <= ${placeOf('reach')}`];
  return Prisma.sql`
    with open as materialized (select ${OPEN} as tx, epoch from change_base), start as materialized (
      select coalesce(${tx}::bigint, floor.tx, 0) as tx, coalesce(${callKey}::uuid, floor.call_key, ${NIL}) as call_key,
        coalesce(${id}::uuid, floor.id, ${NIL}) as id, coalesce(${revision}::integer, floor.revision, 0) as revision,
        coalesce((floor.tx, floor.call_key, floor.id, floor.revision) > (${tx}::bigint, ${callKey}::uuid, ${id}::uuid,
          ${revision}::integer), false) as overtaken
      from (select) as one left join change_floor as floor on true
    ), edge as materialized (${edge}), reach as materialized (
      select ${KEY} from edge union all
      select tx, ${NIL}, ${NIL}, 0 from open where not exists (select from edge)
    ), page as (
      select tx, call_key as "callKey", ${utc('at')} as at, superseded, ${CALL_COLUMNS}
      from call_change where ${every([...within, ...upTo, ...filter])} order by ${KEY} limit ${limit}
    )
    select open.tx::text as "openTx", open.epoch, start.overtaken, edge.tx::text as "edgeTx", edge.call_key as "edgeKey",
      edge.id as "edgeId", edge.revision as "edgeRevision", page.*, page.tx::text as tx,
      (select ${utc('at')} from call_change where tx >= open.tx order by ${KEY} limit 1) as "heldSince"
    from open cross join start left join edge on true left join page on true
    order by page.tx, page."callKey", page.id, page.revision`;
}

const CALL_FIELDS = Object.keys(CALL) as readonly (keyof CallRow)[];

/** Says "from now on", whatever is there already. */
const NOW = 'now';

/**
 * A page of changes that the filter lets through.
 * @param asOf instant of the question, ms since the epoch
 * @throws BadParameters a cursor of another query
 * @throws CursorGone changes after the cursor are no longer there
 */
export async function readChanges(db: Reads, query: ChangesQuery, asOf: number): Promise<ChangesPage> {
  const { after, limit, settled, source } = query;
  const question = { settled, source };
  const fromNow = after === NOW;
  const cursor = after === undefined || fromNow ? null : decodeCursor(after, question);
  const filter = fromNow ? [] : filterOf(query);
  const found = await rows<Found>(db, statement(cursor?.place ?? null, filter, fromNow ? 0 : limit));
  const [standing] = found;
  if (standing === undefined) throw new Error('change_base has no row');
  checkKept(cursor, standing);
  const told = found.flatMap(toldOf);
  const { epoch, openTx, heldSince } = standing;
  const { place, more } = fromNow ? { place: beforeTx(openTx), more: false } : nextPlace(told, standing, limit);
  const data = await changesOf(db, told, toldTo(settled));
  const places = new Map(data.map((row, index) => [row, told[index]?.place ?? place]));
  return {
    data,
    nextCursor: encodeCursor({ epoch, place }, question),
    more,
    cursorOf: (row) => encodeCursor({ epoch, place: places.get(row) ?? place }, question),
    openTx,
    heldBackBy: await heldBackBy(db, heldSince, asOf),
  };
}

/** @throws CursorGone */
function checkKept(cursor: Cursor | null, { epoch, overtaken, openTx }: Standing): void {
  if (cursor === null) return;
  if (cursor.epoch !== epoch || BigInt(cursor.place.tx) > BigInt(openTx)) throw new CursorGone('restored');
  if (overtaken) throw new CursorGone('dropped');
}

function toldOf({ tx, callKey, at, superseded, ...rest }: Found): readonly Told[] {
  if (tx === null) return [];
  const call = Object.fromEntries(CALL_FIELDS.map((name) => [name, rest[name]])) as unknown as CallRow;
  return [{ place: { tx, callKey, id: call.id, revision: call.revision }, callKey, at, superseded, call }];
}

function nextPlace(told: readonly Told[], standing: Standing, limit: number): { place: Place; more: boolean } {
  const last = told.at(-1);
  if (last !== undefined && told.length === limit) return { place: last.place, more: true };
  const { edgeTx, edgeKey, edgeId, edgeRevision } = standing;
  if (edgeTx === null || edgeKey === null || edgeId === null || edgeRevision === null) {
    return { place: beforeTx(standing.openTx), more: false };
  }
  return { place: { tx: edgeTx, callKey: edgeKey, id: edgeId, revision: edgeRevision }, more: true };
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

/** The number of the last change that can be told; '0' when there is none. */
export async function newestTx(db: Reads): Promise<string> {
  const [newest] = await rows<{ readonly tx: string }>(
    db,
    Prisma.sql`select tx::text as tx from call_change where tx < (select ${OPEN} from change_base) order by tx desc limit 1`,
  );
  return newest?.tx ?? '0';
}
