/**
 * One call, and what a page of calls is shown with: timelines and gaps, each in one statement however many calls. Each begins
 * with its name, by which a connection keeps it prepared (src/store/statement-name.ts): planning took 4 ms of a call's 7.
 */
import { type PackedEvidence, decodeEvidence, rank, speak } from '../delivery/evidence.js';
import { Prisma } from '../generated/prisma/client.js';
import { CALL_COLUMNS, GAP_OF_CALL } from './calls.js';
import { type CallRow, GAP, type GapRow, type NotificationRow } from './contract.js';
import { type Reads, columnsOf, rows, utc } from './sql.js';

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
  readonly since: Date;
  readonly until: Date | null;
  readonly evidence: PackedEvidence;
}

/** In order of receipt; `late` when a later state had been received before. */
function timeline({ since, until, evidence }: EvidenceRow, horizonMs: number): readonly NotificationRow[] {
  let highest = -1;
  return speak(decodeEvidence(evidence), horizonMs)
    .filter(({ firstAt }) => firstAt >= since.getTime() && (until === null || firstAt < until.getTime()))
    .map(({ serial, state, stateRaw, firstAt, lastAt, copies }): NotificationRow => {
      const place = rank(state) ?? highest;
      const late = place < highest;
      highest = Math.max(highest, place);
      return { serial, state, stateRaw, receivedAt: new Date(firstAt), lastReceivedAt: new Date(lastAt), copies, late };
    });
}

/**
 * The notifications of each of these calls, by the call's id. Read from the evidence row, which outlives the raw
 * notifications; calls that share a Call ID share the row and divide it by time of receipt (docs/truth.md 6).
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
      select call.id, ${utc('call.first_seen_at')} as since, call_evidence.evidence,
        (select ${utc('min(later.first_seen_at)')} from call later
         where later.call_key = call.call_key and later.first_seen_at > call.first_seen_at) as until
      from call join call_evidence on call_evidence.call_key = call.call_key
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

/**
 * The gaps of each of these calls, whatever became of them, by the call's id; and those of its source that are open or lost
 * and cover its time: an outage or a hole of serials says what may be missing of the call as well.
 */
export async function gapsOf(db: Reads, ids: readonly string[]): Promise<ReadonlyMap<string, readonly GapRow[]>> {
  const found = await rows<GapRow & { readonly owner: string }>(
    db,
    Prisma.sql`/* call_gaps */
      select call.id as owner, gap.id, gap.source_key as "source", gap.call_id as "callId", ${GAP_COLUMNS_QUALIFIED}
      from call join gap on ${GAP_OF_CALL}
      where call.id = any(${[...ids]}::uuid[])
      union all
      select call.id as owner, gap.id, gap.source_key as "source", gap.call_id as "callId", ${GAP_COLUMNS_QUALIFIED}
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
  for (const { owner, ...gap } of found) {
    const list = gaps.get(owner);
    if (list === undefined) gaps.set(owner, [gap]);
    else list.push(gap);
  }
  return gaps;
}
