import type { PrismaClient } from '../../generated/prisma/client.js';

/** Of some keys of sources, those that none has, in the order given. */
export async function unheard(prisma: PrismaClient, keys: readonly string[]): Promise<readonly string[]> {
  const rows = await prisma.$queryRaw<{ readonly key: string }[]>`
    select key from unnest(${[...keys]}::text[]) with ordinality as asked (key, place)
    where not exists (select from source where source.key = asked.key) order by place`;
  return rows.map(({ key }) => key);
}
