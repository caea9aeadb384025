/** Whether numbers are found by part, and texts by `q`, through an index: it needs pg_trgm, which not every PostgreSQL has. */
import { Prisma } from '../generated/prisma/client.js';
import { type Reads, rows } from './sql.js';

/** Absent where the migration found no pg_trgm; not valid while or after somebody builds it anew. */
export function partIndexStatement(): Prisma.Sql {
  return Prisma.sql`
    select exists (
      select from pg_index where indexrelid = to_regclass('call_settled_part_idx') and indisvalid) as "there"`;
}

export async function hasPartIndex(db: Reads): Promise<boolean> {
  const [found] = await rows<{ there: boolean }>(db, partIndexStatement());
  return found?.there ?? false;
}
