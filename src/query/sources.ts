/** The IVRs: `GET /sources`. */
import { Prisma } from '../generated/prisma/client.js';
import { type CopyCount, diagnoseAcks } from '../delivery/ack-health.js';
import { horizonMs, type Settings } from '../notification.js';
import { type AckHealth, SOURCE, type SourceRow } from './contract.js';
import { readFeed } from './feed.js';
import type { SOURCES_QUERY } from './filters.js';
import { type Order, type Page, decodeCursor, encodeCursor, pageOf, pageStatement } from './page.js';
import type { ValuesOf } from './parameters.js';
import { type Reads, at, columnsOf, rows } from './sql.js';

/** Copies tell how acks do only once retries are over, and only if they are recent and enough. */
const SAMPLE_MAX = 1000;
const SAMPLE_AGE_MS = 86_400_000;
/** With a tenth of datagrams lost each way a notification takes 1.1 copies, with four tenths 1.7. */
const OK_BELOW_COPIES = 1.5;

const JUDGED = ['feed', 'ackHealth', 'ackDiagnosis', 'copiesPerNotification'] as const;
type StoredSource = Omit<SourceRow, (typeof JUDGED)[number]>;

const COLUMNS = columnsOf(SOURCE, JUDGED);

const BY_KEY: Order<StoredSource> = {
  name: 'sources',
  descending: false,
  key: Prisma.sql`key`,
  outputKey: Prisma.sql`key`,
  type: 'text',
  nulls: 'never',
  tie: { column: Prisma.sql`key`, type: 'text' },
  valueOf: (row) => row.key,
  idOf: (row) => row.key,
};

function ackHealthOf(copies: number | null, retry: number): AckHealth {
  if (copies === null) return 'unknown';
  if (copies < OK_BELOW_COPIES) return 'ok';
  return copies >= (1 + retry) / 2 ? 'failing' : 'degraded';
}

/**
 * How often each source's last notifications whose retries are over came, and how far apart first and last were. Copies from
 * before it was read or answered as now say nothing of its acks: what was replayed from quarantine was never answered.
 */
async function copiesOf(
  db: Reads,
  keys: readonly string[],
  settings: Settings,
  asOf: number,
): Promise<ReadonlyMap<string, readonly CopyCount[]>> {
  const found = await rows<CopyCount & { readonly key: string }>(
    db,
    Prisma.sql`
      select asked.key, recent.copies, recent.intervals, count(*)::int as notifications
      from unnest(${[...keys]}::text[]) as asked(key) cross join lateral (
        select copies, round(extract(epoch from last_at - first_at) * 1000 / ${settings.intervalMs})::int as intervals
        from notification
        where source_key = asked.key
          and first_at >= ${at(asOf - SAMPLE_AGE_MS)} and first_at < ${at(asOf - horizonMs(settings))}
          and first_at >= coalesce((select max(changed.at) from source_change changed
            where changed.source_key = asked.key and field in ('codec', 'charset', 'ackForm')), '-infinity')
        order by first_at desc limit ${SAMPLE_MAX}) recent
      group by asked.key, recent.copies, recent.intervals`,
  );
  const counts = new Map<string, CopyCount[]>();
  for (const { key, ...one } of found) counts.set(key, [...(counts.get(key) ?? []), one]);
  return counts;
}

async function described(
  db: Reads,
  stored: readonly StoredSource[],
  settings: Settings,
  asOf: number,
): Promise<readonly SourceRow[]> {
  const keys = stored.map(({ key }) => key);
  const [copies, feed] = await Promise.all([
    copiesOf(db, keys, settings, asOf),
    readFeed(db, { from: null, to: null, sources: keys }, asOf),
  ]);
  const statuses = new Map(feed.map(({ source, status }) => [source, status]));
  return stored.map((source) => {
    const { diagnosis, copies: copiesPerNotification } = diagnoseAcks(copies.get(source.key) ?? [], settings.retry);
    const ackHealth = ackHealthOf(copiesPerNotification, settings.retry);
    const feedStatus = statuses.get(source.key) ?? 'never';
    return { ...source, feed: feedStatus, ackHealth, ackDiagnosis: diagnosis, copiesPerNotification };
  });
}

/** A page of sources in order of their keys; of those in `source`, where that is given. */
export async function readSources(
  db: Reads,
  query: ValuesOf<typeof SOURCES_QUERY> & { readonly source?: readonly string[] | undefined },
  settings: Settings,
  asOf: number,
): Promise<Page<SourceRow>> {
  const { limit, cursor, source } = query;
  const position = cursor === undefined ? null : decodeCursor(BY_KEY, {}, cursor);
  const from = Prisma.sql`source`;
  const where = source === undefined ? [] : [Prisma.sql`key = any(${[...source]}::text[])`];
  const statement = pageStatement({ columns: COLUMNS, from, where, order: BY_KEY, position, limit });
  const { data, nextCursor } = pageOf(await rows<StoredSource>(db, statement), limit, BY_KEY, {});
  const cursorOf = (row: SourceRow): string => encodeCursor(BY_KEY, {}, row);
  return { data: await described(db, data, settings, asOf), nextCursor, cursorOf };
}

/** The source with this key; null when there is none. */
export async function readSource(db: Reads, key: string, settings: Settings, asOf: number): Promise<SourceRow | null> {
  const stored = await rows<StoredSource>(db, Prisma.sql`select ${COLUMNS} from source where key = ${key}`);
  const [source] = await described(db, stored, settings, asOf);
  return source ?? null;
}
