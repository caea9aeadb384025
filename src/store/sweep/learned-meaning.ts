import type { PrismaClient } from '../../generated/prisma/client.js';
import type { MeaningChange, SweptSource } from '../../ingest/sweep/sweep.ports.js';
import { recorded } from '../sources/source-changes.js';

/**
 * Stores a meaning that was learned or taken back, as a new version, and records what it changed; its predecessor's open
 * gaps between serials are explained with it. False when another receiver was first, or an operator has set the meaning.
 */
export async function setLearnedMeaning(
  prisma: PrismaClient,
  { key, meaningVersion }: SweptSource,
  change: MeaningChange,
): Promise<boolean> {
  const { meaning, serialBase, since } = change;
  const at = new Date(since);
  return prisma.$transaction(async (tx) => {
    const rows = await tx.$queryRaw<unknown[]>`
      select 1 as one from source
      where key = ${key} and meaning_version = ${meaningVersion} and not meaning_pinned for update`;
    if (rows.length === 0) return false;
    await recorded(
      tx,
      key,
      { at: since, by: 'learned' },
      () => tx.$executeRaw`
        update source
        set serial_meaning = ${meaning}, serial_base = ${serialBase}, meaning_version = meaning_version + 1,
          meanings = (coalesce(meanings::jsonb, '[]') || ${JSON.stringify(change)}::jsonb)::json,
          book = null, processed_through = null
        where key = ${key}`,
    );
    await tx.$executeRaw`
      update gap set status = 'explained', closed_at = ${at}
      where source_key = ${key} and kind = 'serial' and call_key is null and status = 'open'`;
    return true;
  });
}
