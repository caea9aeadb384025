/** What is happening: `GET /calls/active`. */
import { Prisma } from '../generated/prisma/client.js';
import { type ActiveQuery, callConditions, callPage } from './calls.js';
import type { CallRow } from './contract.js';
import type { Page } from './page.js';
import { type Reads, at, every, rows } from './sql.js';

export interface ActivePage extends Page<CallRow> {
  /** All calls that meet the filter, on this page or not. */
  readonly count: number;
}

/**
 * Calls neither ended nor, at `asOf`, presumed ended, even where the sweep has not yet written so.
 * `not settled` follows from `not ended`; saying it keeps the read in the small partition.
 */
export async function readActive(db: Reads, query: ActiveQuery, asOf: number): Promise<ActivePage> {
  const active = [
    Prisma.sql`not settled`,
    Prisma.sql`state <> 'ended'`,
    Prisma.sql`(stale_at is null or stale_at > ${at(asOf)})`,
  ];
  const page = await callPage(db, query, 'active', active);
  // A first page that holds everything counts itself, so that data and count agree however calls come and go.
  if (query.cursor === undefined && page.nextCursor === null) return { ...page, count: page.data.length };
  const counted = await rows<{ readonly count: number }>(
    db,
    Prisma.sql`select count(*)::int as count from call where ${every([...callConditions(query), ...active])}`,
  );
  return { ...page, count: counted[0]?.count ?? 0 };
}
