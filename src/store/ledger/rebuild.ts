/** What a rebuild reads of the ledger in PostgreSQL. */
import { newestFirst } from '../../delivery/facts.js';
import type { PrismaClient } from '../../generated/prisma/client.js';
import type { RawKey, RebuildStore, RebuiltSource, Standing } from '../../ingest/rebuild/rebuild.ports.js';
import type { FeedFacts, MeaningChange } from '../../ingest/sweep/sweep.ports.js';
import { type CallRecord, type Notification, RECEIVER_GONE_MS, type WireState } from '../../notification.js';
import { sentRows } from './ledger-sql.js';
import { CALL_COLUMNS, callRow, rowArray, sinceBase } from './rows.js';
import { feedFacts } from '../sweep/sweep.facts.js';

/** Columns that count writes, or say when something was written: two rows that differ only there are equal. */
const EXEMPT = new Set(['revision', 'updated_at']);
const COMPARED = CALL_COLUMNS.filter((column) => !EXEMPT.has(column));

interface RawRow {
  readonly callKey: string;
  readonly sourceKey: string;
  readonly callId: string;
  readonly version: number | null;
  readonly raw: readonly (readonly [string, WireState, string, number, number, number, number, ...(string | null)[]])[];
}

export class PgRebuildStore implements RebuildStore {
  constructor(private readonly prisma: PrismaClient) {}

  feedFacts(since: number): Promise<FeedFacts> {
    return feedFacts(this.prisma, since);
  }

  /** As of W: the least that receivers which are alive have stored; when none is, all that was. */
  async sources(): Promise<readonly RebuiltSource[]> {
    const alive = new Date(Date.now() - RECEIVER_GONE_MS);
    const rows = await this.prisma.$queryRaw<
      { key: string; meanings: MeaningChange[] | null; through: Date | null; gaps: string }[]
    >`
      select key, meanings,
        case when serial_meaning in ('per_source', 'call_number') then processed_through
          else (select coalesce(min(durable_through) filter (where stopped_at is null and beat_at > ${alive}), max(durable_through))
            from receiver) end as through,
        coalesce((
          select json_agg(json_build_array(from_serial, to_serial,
            (extract(epoch from from_at) * 1000)::bigint, (extract(epoch from to_at) * 1000)::bigint,
            (extract(epoch from opened_at) * 1000)::bigint) order by opened_at)
          from gap
          where source_key = source.key and kind = 'serial' and call_key is null and status in ('open', 'lost')
        ), '[]')::text as gaps
      from source`;
    return rows.map(({ key, meanings, through, gaps }) => {
      const found = JSON.parse(gaps) as [string, string | null, number, number, number][];
      const closed = found.filter(([, to]) => to !== null);
      return {
        key,
        meanings: meanings ?? [],
        through: through === null ? Number.NEGATIVE_INFINITY : through.getTime(),
        holes: newestFirst(
          closed.map(([from, to, sentFrom, sentTo]) => {
            return { from: BigInt(from), to: BigInt(to ?? from), sentFrom, sentTo };
          }),
        ),
        epochs: found.filter(([, to]) => to === null).map(([, , , , openedAt]) => openedAt),
      };
    });
  }

  async oldestRawAt(): Promise<number | null> {
    const [row] = await this.prisma.$queryRaw<{ oldest: Date | null }[]>`
      select min((regexp_match(pg_get_expr(relpartbound, oid), 'FROM \\(''([^'']+)'))[1]::timestamptz) as oldest
      from pg_class where oid in (select inhrelid from pg_inherits where inhparent = 'notification'::regclass)`;
    return row?.oldest?.getTime() ?? null;
  }

  /** Raw rows and the version they stand beside, read in one statement: a receiver that writes meanwhile is noticed. */
  async page(after: string | null, limit: number): Promise<readonly RawKey[]> {
    const [answer] = await this.prisma.$queryRaw<{ found: string }[]>`
      with keys as (
        select distinct call_key from notification
        where call_key > ${after ?? '00000000-0000-0000-0000-000000000000'}::uuid
        order by call_key limit ${limit}
      )
      select coalesce(json_agg(one order by one ->> 'callKey'), '[]')::text as found from (
        select json_build_object(
          'callKey', n.call_key, 'sourceKey', min(n.source_key), 'callId', min(n.call_id), 'version', min(e.version),
          'raw', json_agg(json_build_array(n.serial, n.state, n.state_raw,
            (extract(epoch from n.first_at) * 1000)::bigint, (extract(epoch from n.last_at) * 1000)::bigint,
            n.copies, n.idle_ms, n.caller_number, n.callee_number, n.forward_number, n.menu_id, n.menu_name))
        ) as one
        from keys join notification as n using (call_key) left join call_evidence as e using (call_key)
        group by n.call_key
      ) as pages`;
    return (JSON.parse(answer?.found ?? '[]') as RawRow[]).map(({ callKey, sourceKey, callId, version, raw }) => ({
      key: { callKey, sourceKey, callId },
      version: version ?? 0,
      raw: raw.map(notificationOf),
    }));
  }

  async compare(
    keys: readonly string[],
    records: readonly { readonly callKey: string; readonly record: CallRecord }[],
  ): Promise<Standing> {
    const since = sinceBase(0);
    const sent = records.map(({ callKey, record }) =>
      callRow(callKey, { record, place: 'either', revised: false }, 0, since),
    );
    const found = await this.prisma.$queryRawUnsafe<{ call_key: string; id: string; fault: string }[]>(
      `select coalesce(sent.call_key, stored.call_key) as call_key, coalesce(sent.id, stored.id) as id,
         case when stored.id is null then 'missing' when sent.id is null then 'stray' else 'different' end as fault
       from (${sentRows('call', '$1', "'epoch'")}) as sent
       full join (select * from call where call_key = any ($2::uuid[])) as stored
         on stored.call_key = sent.call_key and stored.id = sent.id
       where (${COMPARED.map((column) => `stored.${column}`).join(', ')})
         is distinct from (${COMPARED.map((column) => `sent.${column}`).join(', ')})`,
      rowArray(sent),
      keys,
    );
    const amiss = new Map<string, 'missing' | 'different'>();
    const stray = new Map<string, Set<string>>();
    for (const { call_key, id, fault } of found) {
      if (fault === 'stray') stray.set(call_key, (stray.get(call_key) ?? new Set()).add(id));
      else amiss.set(id, fault === 'missing' ? 'missing' : 'different');
    }
    return { amiss, stray };
  }
}

function notificationOf([
  serial,
  state,
  stateRaw,
  firstAt,
  lastAt,
  copies,
  idleMs,
  ...content
]: RawRow['raw'][number]): Notification {
  const [callerNumber = null, calleeNumber = null, forwardNumber = null, menuId = null, menuName = null] = content;
  return {
    serial,
    state,
    stateRaw,
    firstAt,
    lastAt,
    copies,
    idleMs,
    content: { callerNumber, calleeNumber, forwardNumber, menuId, menuName },
  };
}
