/** The sweep's side of the ledger in PostgreSQL: set-based statements, each idempotent or compare-and-set. */
import type { Book, Received } from '../../delivery/book.js';
import type { Span } from '../../delivery/facts.js';
import type { Mature, SampledSerial } from '../../delivery/meaning.js';
import type { WindowRhythm } from '../../delivery/rhythm.js';
import type { WindowSample } from '../../delivery/window.js';
import type { PrismaClient } from '../../generated/prisma/client.js';
import type {
  AloneFor,
  Beat,
  ClosedWindow,
  DueKey,
  DueSpan,
  FeedFacts,
  MeaningChange,
  Overflow,
  OverflowKnown,
  SweepStore,
  SweptSource,
} from '../../ingest/sweep.ports.js';
import type { Gap, SerialMeaning, WireState } from '../../notification.js';
import { beat, declareOutage, declareOverflow, stopped } from './beats.js';
import { declareQuarantine, dueSpans, expireHoles, hasSilence, openSilences, upsertGaps } from './gaps.js';
import { rhythms, setSilentAfter, windowRhythm } from './rhythm.js';
import { setLearnedMeaning } from './learned-meaning.js';
import { feedFacts, windowSample } from './sweep.facts.js';
import { settle } from './sweep.settle.js';

/** A serial that is a number. */
const DECIMAL = /^\d{1,38}$/;

const EPOCH_MS = '(extract(epoch from first_at) * 1000)::bigint';

function instant(ms: number): Date {
  return new Date(ms);
}

function msOf(date: Date | null): number | null {
  return date === null ? null : date.getTime();
}

export class PgSweepStore implements SweepStore {
  constructor(private readonly prisma: PrismaClient) {}

  beat(receiverId: string, now: number, durableThrough: number): Promise<Beat> {
    return beat(this.prisma, receiverId, now, durableThrough);
  }

  stopped(receiverId: string, now: number, servedUntil: number): Promise<void> {
    return stopped(this.prisma, receiverId, now, servedUntil);
  }

  declareOutage(receiverId: string, span: Span, gap: (sourceKey: string) => Gap): Promise<void> {
    return declareOutage(this.prisma, receiverId, span, gap);
  }

  declareOverflow(
    receiverId: string,
    overflows: readonly Overflow[],
    gaps: (known: OverflowKnown) => readonly Gap[],
  ): Promise<void> {
    return declareOverflow(this.prisma, receiverId, overflows, gaps);
  }

  async sources(): Promise<readonly SweptSource[]> {
    const rows = await this.prisma.$queryRaw<
      {
        key: string;
        serial_meaning: SerialMeaning;
        serial_base: number;
        meaning_pinned: boolean;
        meaning_version: number;
        last_heard_at: Date | null;
        book: Book | null;
        processed_through: Date | null;
        folded_version: number;
        silent_after_ms: bigint | null;
      }[]
    >`select key, serial_meaning, serial_base, meaning_pinned, meaning_version, last_heard_at, book, processed_through,
        folded_version, silent_after_ms
      from source`;
    return rows.map((row) => ({
      key: row.key,
      meaning: row.serial_meaning,
      serialBase: row.serial_base,
      pinned: row.meaning_pinned,
      meaningVersion: row.meaning_version,
      lastHeardAt: msOf(row.last_heard_at),
      book: row.book,
      processedThrough: msOf(row.processed_through),
      foldedVersion: row.folded_version,
      silentAfterMs: row.silent_after_ms === null ? null : Number(row.silent_after_ms),
    }));
  }

  feedFacts(since: number): Promise<FeedFacts> {
    return feedFacts(this.prisma, since);
  }

  async received(
    sourceKey: string,
    span: { readonly after: number | null; readonly through: number },
    alone: AloneFor | null,
    limit: number,
  ): Promise<readonly Received[]> {
    const seconds = ({ ringingMs, laterMs }: AloneFor): string =>
      `case when taken.state in ('ringing', '180', '183') then ${String(ringingMs / 1000)} else ${String(laterMs / 1000)} end`;
    // The serial is kept from the index: with it there PostgreSQL 18 skips through all sources by time instead of looking up the Call ID, and of
    // 28,000 notifications compared each with all that came before it, for minutes.
    const counts =
      alone === null
        ? 'true'
        : `not exists (select 1 from notification as before where before.call_key = taken.call_key
             and before.serial || '' = taken.serial and before.first_at < taken.first_at
             and before.first_at > taken.first_at - make_interval(secs => ${seconds(alone)}))`;
    const rows = await this.asOneText<[string, number, boolean]>(
      `json_build_array(serial, ${EPOCH_MS}, ${counts}) order by first_at`,
      `where source_key = $1 and first_at > $2 and first_at <= $3 order by first_at limit $4`,
      [sourceKey, instant(span.after ?? 0), instant(span.through), limit],
    );
    return rows.map(([serial, firstAt, counted]) => ({
      serial: DECIMAL.test(serial) ? BigInt(serial) : null,
      firstAt,
      counts: counted,
    }));
  }

  async recent(sourceKey: string, through: number, limit: number): Promise<readonly SampledSerial[]> {
    const rows = await this.asOneText<[string, string, WireState, number]>(
      `json_build_array(call_key, serial, state, ${EPOCH_MS})`,
      `where source_key = $1 and first_at <= $2 order by first_at desc limit $3`,
      [sourceKey, instant(through), limit],
    );
    return rows.map(([callKey, serial, state, firstAt]) => ({ callKey, serial, state, firstAt }));
  }

  async mature(
    sourceKey: string,
    through: number,
    horizonMs: number,
    { calls, notifications }: { readonly calls: number; readonly notifications: number },
  ): Promise<Mature> {
    const ofCalls = await this.asOneText<[string, string, WireState, number]>(
      `json_build_array(call_key, serial, state, ${EPOCH_MS})`,
      `join (
         select call_key, min(first_seen_at) as begun_at from (
           select call_key, first_seen_at from call where source_key = $1 and first_seen_at <= $2
           order by first_seen_at desc limit $3) as newest
         group by call_key) as begun using (call_key)
       where first_at >= begun_at and first_at <= $4`,
      [sourceKey, instant(through - horizonMs), calls, instant(through)],
    );
    const stream = await this.asOneText<[string, number]>(
      `json_build_array(serial, ${EPOCH_MS})`,
      `where source_key = $1 and first_at <= $2 order by first_at desc limit $3`,
      [sourceKey, instant(through), notifications],
    );
    return {
      calls: ofCalls.map(([callKey, serial, state, firstAt]) => ({ callKey, serial, state, firstAt })),
      stream: stream.map(([serial, firstAt]) => ({ serial, firstAt })),
    };
  }

  /** Raw rows as one text: Prisma decodes results value by value, 30 us a row against 1 us. */
  private async asOneText<Row>(row: string, which: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const [answer] = await this.prisma.$queryRawUnsafe<{ found: string }[]>(
      `select coalesce(json_agg(${row}), '[]')::text as found
       from (select call_key, serial, state, first_at from notification ${which}) as taken`,
      ...values,
    );
    return JSON.parse(answer?.found ?? '[]') as Row[];
  }

  async saveBook(source: SweptSource, book: Book, through: number, gaps: readonly Gap[]): Promise<boolean> {
    const before = source.processedThrough === null ? null : instant(source.processedThrough);
    return this.prisma.$transaction(async (tx) => {
      const moved = await tx.$executeRaw`
        update source set book = ${JSON.stringify(book)}::json, processed_through = ${instant(through)}
        where key = ${source.key} and meaning_version = ${source.meaningVersion}
          and processed_through is not distinct from ${before}::timestamptz`;
      if (moved === 0) return false;
      if (gaps.length > 0) await upsertGaps(tx, gaps);
      return true;
    });
  }

  setMeaning(source: SweptSource, change: MeaningChange): Promise<boolean> {
    return setLearnedMeaning(this.prisma, source, change);
  }

  windowSample(sourceKey: string, window: Span): Promise<WindowSample> {
    return windowSample(this.prisma, sourceKey, window);
  }

  windowRhythm(sourceKey: string, window: Span): Promise<WindowRhythm | null> {
    return windowRhythm(this.prisma, sourceKey, window);
  }

  rhythms(sourceKey: string, since: number): Promise<readonly WindowRhythm[]> {
    return rhythms(this.prisma, sourceKey, since);
  }

  setSilentAfter(sourceKey: string, silentAfterMs: number | null): Promise<void> {
    return setSilentAfter(this.prisma, sourceKey, silentAfterMs);
  }

  async setFolded(sourceKey: string, meaningVersion: number): Promise<void> {
    await this.prisma.$executeRaw`
      update source set folded_version = greatest(folded_version, ${meaningVersion}) where key = ${sourceKey}`;
  }

  async firstReceivedAt(sourceKey: string): Promise<number | null> {
    const rows = await this.prisma.$queryRaw<{ first_at: Date }[]>`
      select first_at from notification where source_key = ${sourceKey} order by first_at limit 1`;
    return msOf(rows[0]?.first_at ?? null);
  }

  async closeWindow(sourceKey: string, window: ClosedWindow): Promise<void> {
    await this.prisma.$executeRaw`
      insert into loss_window (source_key, start_at, end_at, sample, habits, p, rhythm)
      values (${sourceKey}, ${instant(window.from)}, ${instant(window.to)}, ${JSON.stringify(window.sample)}::json,
        ${JSON.stringify(window.habits)}::json, ${window.p}, nullif(${JSON.stringify(window.rhythm)}, 'null')::json)
      on conflict (source_key, start_at) do nothing`;
  }

  settle(through: number, now: number, limit: number): Promise<number> {
    return settle(this.prisma, through, now, limit);
  }

  dueCalls(through: number, limit: number): Promise<readonly DueKey[]> {
    return this.due(
      `select call_key, source_key, call_id, id from call_unsettled
       where settle_after <= $1 and awaits_facts order by settle_after limit $2`,
      instant(through),
      limit,
    );
  }

  staleCalls(through: number, limit: number): Promise<readonly DueKey[]> {
    return this.due(
      `select call_key, source_key, call_id, id from call_unsettled where stale_at < $1 limit $2`,
      instant(through),
      limit,
    );
  }

  callsOf(sourceKey: string, settledToo: boolean, after: string | null, limit: number): Promise<readonly DueKey[]> {
    const table = settledToo ? 'call' : 'call_unsettled';
    return this.due(
      `select call_key, source_key, call_id, id from ${table}
       where source_key = $1 and call_key in (
         select distinct call_key from ${table} where source_key = $1 and call_key > $2::uuid order by call_key limit $3)
       order by call_key`,
      sourceKey,
      after ?? '00000000-0000-0000-0000-000000000000',
      limit,
    );
  }

  private async due(sql: string, ...values: readonly unknown[]): Promise<readonly DueKey[]> {
    const rows = await this.prisma.$queryRawUnsafe<
      { call_key: string; source_key: string; call_id: string; id: string }[]
    >(sql, ...values);
    const keys = new Map<string, { key: DueKey['key']; ids: string[] }>();
    for (const row of rows) {
      const key = { callKey: row.call_key, sourceKey: row.source_key, callId: row.call_id };
      const known = keys.get(row.call_key) ?? { key, ids: [] };
      known.ids.push(row.id);
      keys.set(row.call_key, known);
    }
    return [...keys.values()];
  }

  expireHoles(through: number): Promise<void> {
    return expireHoles(this.prisma, through);
  }

  dueSpans(through: number, horizonMs: number, limit: number): Promise<readonly DueSpan[]> {
    return dueSpans(this.prisma, through, horizonMs, limit);
  }

  openSilences(): Promise<readonly Gap[]> {
    return openSilences(this.prisma);
  }

  hasSilence(sourceKey: string, span: Span): Promise<boolean> {
    return hasSilence(this.prisma, sourceKey, span);
  }

  async putGaps(gaps: readonly Gap[]): Promise<void> {
    await upsertGaps(this.prisma, gaps);
  }

  declareQuarantine(since: number, gap: (sourceKey: string, span: Span, count: number) => Gap): Promise<void> {
    return declareQuarantine(this.prisma, since, gap);
  }
}
