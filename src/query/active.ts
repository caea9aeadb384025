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
 * The condition that a call is active at an instant: neither ended nor presumed ended, even where the sweep has not yet written so. A call
 * has an instant of being stale until it has ended (src/lifecycle/fold.ts), so that one index answers. `not settled` follows; saying it
 * keeps the read in the small partition.
 */
export function activeAt(asOf: number): Prisma.Sql {
  return Prisma.sql`not settled and stale_at > ${at(asOf)}`;
}

/** Calls that are active at `asOf`. */
export async function readActive(db: Reads, query: ActiveQuery, asOf: number): Promise<ActivePage> {
  const active = [activeAt(asOf)];
  const [page, counted] = await Promise.all([
    callPage(db, query, 'active', active),
    rows<{ readonly count: number }>(
      db,
      Prisma.sql`select count(*)::int as count from call where ${every([...callConditions(query), ...active])}`,
    ),
  ]);
  // A first page that holds everything counts itself, so that data and count agree however calls come and go.
  const whole = query.cursor === undefined && page.nextCursor === null;
  return { ...page, count: whole ? page.data.length : (counted[0]?.count ?? 0) };
}
