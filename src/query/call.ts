/**
 * One call, and what a page of calls is shown with: timelines and gaps, each in one statement however many calls. Each begins
 * with its name, by which a connection keeps it prepared (src/store/statement-name.ts): planning took 4 ms of a call's 7.
 */
import { type PackedEvidence, decodeEvidence, rank, speak, type Spoken } from '../delivery/evidence.js';
import { Prisma } from '../generated/prisma/client.js';
import { serialNamesCall } from '../lifecycle/cut.js';
import { recordIdOf } from '../lifecycle/fold.js';
import { isOfRecord } from '../lifecycle/gap.js';
import { SERIAL_MEANINGS } from '../notification.js';
import { CALL_COLUMNS, GAP_OF_CALL } from './calls.js';
import { type CallRow, GAP, type GapRow, type NotificationRow } from './contract.js';
import { type Reads, columnsOf, rows } from './sql.js';

const SERIALS_NAME_CALLS = SERIAL_MEANINGS.filter(serialNamesCall);

/** An instant as ms since the epoch. */
function ms(instant: string): Prisma.Sql {
  return Prisma.raw(`(extract(epoch from ${instant}) * 1000)::float8`);
}

/** The call with this id; null when there is none. */
export async function readCall(db: Reads, id: string): Promise<CallRow | null> {
  const [call] = await rows<CallRow>(
    db,
    Prisma.sql`/* call */ select ${CALL_COLUMNS} from call where id = ${id}::uuid`,
  );
  return call ?? null;
}

interface EvidenceRow {
  readonly id: string;
  readonly callKey: string;
  readonly evidence: PackedEvidence;
  /** First receipt of the call, and of the next one of its Call ID, in ms. */
  readonly since: number;
  readonly until: number | null;
  /** Where serials name the call: all calls of its Call ID, with their first receipts. */
  readonly calls: readonly (readonly [id: string, since: number])[] | null;
}

/**
 * What one of the calls of a Call ID was made of. They divide it by time of receipt; but where serials name the call they may go on side
 * by side, and divide it by the serials of their openers (docs/truth.md 6).
 */
function shareOf({ id, callKey, since, until, calls }: EvidenceRow, all: readonly Spoken[]): readonly Spoken[] {
  const serials = new Map(calls === null ? [] : all.map((one) => [recordIdOf(callKey, one), one.serial] as const));
  const serial = serials.get(id);
  if (calls === null || serial === undefined)
    return all.filter(({ firstAt }) => firstAt >= since && (until === null || firstAt < until));
  const next = Math.min(...calls.flatMap(([other, at]) => (at > since && serials.get(other) === serial ? [at] : [])));
  return all.filter((one) => one.serial === serial && one.firstAt >= since && one.firstAt < next);
}

/** In order of receipt; `late` when a later state had been received before. */
function timeline(row: EvidenceRow, horizonMs: number): readonly NotificationRow[] {
  let highest = -1;
  const all = speak(decodeEvidence(row.evidence), () => horizonMs);
  return shareOf(row, all).map(({ serial, state, stateRaw, firstAt, lastAt, copies }): NotificationRow => {
    const place = rank(state) ?? highest;
    const late = place < highest;
    highest = Math.max(highest, place);
    return { serial, state, stateRaw, receivedAt: new Date(firstAt), lastReceivedAt: new Date(lastAt), copies, late };
  });
}

/**
 * The notifications of each of these calls, by the call's id. Read from the evidence row, which outlives the raw
 * notifications; calls that share a Call ID share the row.
 * @param horizonMs H, within which copies are one notification
 */
export async function notificationsOf(
  db: Reads,
  ids: readonly string[],
  horizonMs: number,
): Promise<ReadonlyMap<string, readonly NotificationRow[]>> {
  const found = await rows<EvidenceRow>(
    db,
    Prisma.sql`/* call_timelines */
      select call.id, call.call_key as "callKey", call_evidence.evidence, ${ms('call.first_seen_at')} as since,
        (select ${ms('min(later.first_seen_at)')} from call later
         where later.call_key = call.call_key and later.first_seen_at > call.first_seen_at) as until,
        case when source.serial_meaning = any(${SERIALS_NAME_CALLS}) then (
          select json_agg(json_build_array(own.id, ${ms('own.first_seen_at')}))
          from call own where own.call_key = call.call_key) end as calls
      from call join call_evidence on call_evidence.call_key = call.call_key
        left join source on source.key = call.source_key
      where call.id = any(${[...ids]}::uuid[])`,
  );
  const timelines = new Map(found.map((row) => [row.id, timeline(row, horizonMs)]));
  const past = found.filter((row) => timelines.get(row.id)?.length === 0);
  return past.length === 0 ? timelines : new Map([...timelines, ...(await rawTimelines(db, past, horizonMs))]);
}

/** Past calls of a Call ID used again, which the evidence row has let go of: from the raw notifications, while those are kept. */
async function rawTimelines(
  db: Reads,
  past: readonly EvidenceRow[],
  horizonMs: number,
): Promise<ReadonlyMap<string, readonly NotificationRow[]>> {
  const found = await rows<{ readonly id: string; readonly raw: PackedEvidence['n'] }>(
    db,
    Prisma.sql`
      select call.id, json_agg(json_build_array(raw.serial, raw.state, raw.state_raw,
        (extract(epoch from raw.first_at) * 1000)::bigint, (extract(epoch from raw.last_at) * 1000)::bigint,
        raw.copies, raw.idle_ms, 0)) as raw
      from call join notification as raw on raw.call_key = call.call_key and raw.first_at >= call.first_seen_at
      where call.id = any(${past.map(({ id }) => id)}::uuid[])
      group by call.id`,
  );
  const bounds = new Map(past.map((row) => [row.id, row]));
  return new Map(
    found.flatMap(({ id, raw }) => {
      const row = bounds.get(id);
      return row === undefined ? [] : [[id, timeline({ ...row, evidence: { c: [[]], n: raw } }, horizonMs)] as const];
    }),
  );
}

const GAP_COLUMNS_QUALIFIED = columnsOf(GAP, ['id', 'source', 'callId']);

/** How long before a call a span of time may have begun that still covers it; a longer one is open, and the feed tells of it. */
const SPAN_MAX = Prisma.sql`interval '1 day'`;
/** Gaps of the source told with one call. */
const SPANS_MOST = 20;

interface Owned {
  readonly owner: string;
  readonly callKey: string;
  /** It is the call's by time. */
  readonly inTime: boolean;
  /** Where serials name the call: the calls of its Call ID. */
  readonly calls: readonly string[] | null;
}

/**
 * The gaps of each of these calls, whatever became of them, by the call's id; and those of its source that are open or lost
 * and cover its time: an outage or a hole of serials says what may be missing of the call as well. Calls of one Call ID divide its gaps
 * by time; where serials name the call each has those that bear its name.
 */
export async function gapsOf(db: Reads, ids: readonly string[]): Promise<ReadonlyMap<string, readonly GapRow[]>> {
  const found = await rows<GapRow & Owned>(
    db,
    Prisma.sql`/* call_gaps */
      select call.id as owner, gap.id, gap.source_key as "source", gap.call_id as "callId", call.call_key as "callKey",
        ${GAP_OF_CALL} as "inTime", beside.calls, ${GAP_COLUMNS_QUALIFIED}
      from call left join lateral (
        select json_agg(own.id) as calls from source join call own on own.call_key = call.call_key
        where source.key = call.source_key and source.serial_meaning = any(${SERIALS_NAME_CALLS})
      ) as beside on true
        join gap on gap.ledger_key = call.call_key and (beside.calls is not null or ${GAP_OF_CALL})
      where call.id = any(${[...ids]}::uuid[])
      union all
      select call.id as owner, gap.id, gap.source_key as "source", gap.call_id as "callId", null, true, null, ${GAP_COLUMNS_QUALIFIED}
      from call cross join lateral (
        select * from gap
        where gap.source_key = call.source_key and status in ('open', 'lost') and gap.call_key is null
          and from_at >= call.first_seen_at - ${SPAN_MAX}
          and from_at < coalesce(call.ended_at, call.presumed_ended_at, 'infinity'::timestamptz)
          and (to_at is null or to_at >= call.first_seen_at)
        order by from_at desc limit ${SPANS_MOST}
      ) as gap
      where call.id = any(${[...ids]}::uuid[])
      order by "from", id`,
  );
  const gaps = new Map<string, GapRow[]>();
  for (const { owner, callKey, inTime, calls, ...gap } of found) {
    const named = calls?.find((id) => isOfRecord(gap, callKey, id));
    if (named === undefined ? !inTime : named !== owner) continue;
    const list = gaps.get(owner);
    if (list === undefined) gaps.set(owner, [gap]);
    else list.push(gap);
  }
  return gaps;
}
