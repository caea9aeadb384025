/** The sweep's side of the ledger in PostgreSQL: set-based statements, each idempotent or compare-and-set. */
import type { Book, Received } from '../../delivery/book.js';
import type { Outage, Span } from '../../delivery/facts.js';
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
  LastSigns,
  MeaningChange,
  Overflow,
  OverflowKnown,
  SweepStore,
  SweptSource,
} from '../../ingest/sweep/sweep.ports.js';
import type { Gap, SerialMeaning, Settings } from '../../notification.js';
import { beat, declareOutage, declareOverflow, lastSigns, stopped } from './beats.js';
import { declareQuarantine, dueSpans, expireHoles, hasSilence, openSilences, reviseSpans, upsertGaps } from './gaps.js';
import { mature, received, recent } from './heard.js';
import { rhythms, setSilentAfter, windowRhythm } from './rhythm.js';
import { setLearnedMeaning } from './learned-meaning.js';
import { feedFacts } from './sweep.facts.js';
import { settle } from './sweep.settle.js';
import { windowSample } from './window-sample.js';

function instant(ms: number): Date {
  return new Date(ms);
}

function msOf(date: Date | null): number | null {
  return date === null ? null : date.getTime();
}

export class PgSweepStore implements SweepStore {
  constructor(private readonly prisma: PrismaClient) {}

  lastSigns(receiverId: string, now: number): Promise<LastSigns> {
    return lastSigns(this.prisma, receiverId, now);
  }

  beat(receiverId: string, now: number, durableThrough: number): Promise<Beat> {
    return beat(this.prisma, receiverId, now, durableThrough);
  }

  stopped(receiverId: string, now: number, servedUntil: number | null): Promise<void> {
    return stopped(this.prisma, receiverId, now, servedUntil);
  }

  declareOutage(receiverId: string, span: Outage, gap: (sourceKey: string) => Gap): Promise<void> {
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

  received(
    sourceKey: string,
    span: { readonly after: number | null; readonly through: number },
    alone: AloneFor | null,
    limit: number,
  ): Promise<readonly Received[]> {
    return received(this.prisma, sourceKey, span, alone, limit);
  }

  recent(sourceKey: string, through: number, limit: number): Promise<readonly SampledSerial[]> {
    return recent(this.prisma, sourceKey, through, limit);
  }

  mature(
    sourceKey: string,
    through: number,
    horizonMs: number,
    most: { readonly calls: number; readonly notifications: number },
  ): Promise<Mature> {
    return mature(this.prisma, sourceKey, through, horizonMs, most);
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

  windowSample(sourceKey: string, window: Span, deaf: readonly Span[], settings: Settings): Promise<WindowSample> {
    return windowSample(this.prisma, sourceKey, window, deaf, settings);
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
      insert into loss_window (source_key, start_at, end_at, sample, habits, p, p_mean, rhythm)
      values (${sourceKey}, ${instant(window.from)}, ${instant(window.to)}, ${JSON.stringify(window.sample)}::json,
        ${JSON.stringify(window.habits)}::json, ${window.p}, ${window.pMean}, nullif(${JSON.stringify(window.rhythm)}, 'null')::json)
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

  reviseSpans(since: number, horizonMs: number): Promise<void> {
    return reviseSpans(this.prisma, since, horizonMs);
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
