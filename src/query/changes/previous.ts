/** What changed since the revision before: for a page of changes in one statement. */
import { Prisma } from '../../generated/prisma/client.js';
import { CALL_COLUMNS } from '../calls.js';
import type { CallRow } from '../contract.js';
import { type Reads, rows } from '../sql.js';
import { type Former, FORMER_FIELDS } from './contract.js';

/** A revision whose forerunner is wanted. */
export interface Revision {
  readonly callKey: string;
  readonly at: Date;
  readonly call: CallRow;
}

function same(a: CallRow[keyof CallRow], b: CallRow[keyof CallRow]): boolean {
  return a instanceof Date && b instanceof Date ? a.getTime() === b.getTime() : a === b;
}

/** The fields that differ, with the values they had before. */
export function formerOf(before: CallRow, now: CallRow): Former {
  return Object.fromEntries(
    FORMER_FIELDS.filter((name) => !same(before[name], now[name])).map((name) => [name, before[name]]),
  );
}

/** Receivers whose clocks differ by less find each other's revisions; the narrower, the fewer partitions are looked at. */
const SKEW = Prisma.sql`interval '1 day'`;

/**
 * The revision told before each of these, in their order; null where there is none (any more).
 * @param told which revisions count as told
 */
export async function forerunners(
  db: Reads,
  revisions: readonly Revision[],
  told: Prisma.Sql,
): Promise<readonly (CallRow | null)[]> {
  const later = revisions.flatMap((one, place) => (one.call.revision > 1 ? [{ ...one, place }] : []));
  if (later.length === 0) return revisions.map(() => null);
  const of = <T>(pick: (one: (typeof later)[number]) => T): T[] => later.map(pick);
  const found = await rows<CallRow & { readonly place: number }>(
    db,
    Prisma.sql`
      select asked.place, before.* from unnest(
        ${of(({ place }) => place)}::integer[], ${of(({ callKey }) => callKey)}::uuid[], ${of(({ call }) => call.id)}::uuid[],
        ${of(({ call }) => call.revision)}::integer[], ${of(({ call }) => call.firstSeenAt.toISOString())}::timestamptz[],
        ${of(({ at }) => at.toISOString())}::timestamptz[]
      ) as asked (place, of_key, of_id, of_revision, seen_at, told_at)
      cross join lateral (
        select ${CALL_COLUMNS} from call_change
        where call_key = of_key and id = of_id and revision < of_revision and (${told})
          and at >= seen_at - ${SKEW} and at <= told_at + ${SKEW}
        order by revision desc limit 1
      ) as before`,
  );
  const byPlace = new Map(found.map(({ place, ...call }) => [place, call]));
  return revisions.map((_, place) => byPlace.get(place) ?? null);
}
