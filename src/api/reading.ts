/** What both edges ask: one place that adds `asOf` and the state of the feed to whatever is read. */
import type { Access } from '../access/access.js';
import { shownRow, shownRows, shownText } from '../access/mask.js';
import type { Clock } from '../clock.js';
import { type ActivePage, readActive } from '../query/active.js';
import { readAdmitted } from '../query/admission.js';
import { AUDIT_QUERY, type AuditRow, readAudit } from '../query/audit.js';
import { gapsOf, notificationsOf, readCall } from '../query/call.js';
import { type CallsPage, readCalls } from '../query/calls.js';
import { type ChangesPage, newestTx, readChanges } from '../query/changes/changes.js';
import { type ChangeRow, CHANGES_QUERY } from '../query/changes/contract.js';
import type {
  CallRow,
  FeedRow,
  GapRow,
  NotificationRow,
  QuarantinedRow,
  SettingsRow,
  SourceChangeRow,
  SourceRow,
} from '../query/contract.js';
import { BadParameters } from '../query/faults.js';
import { readFeed } from '../query/feed.js';
import {
  ACTIVE_QUERY,
  CALLS_QUERY,
  GAPS_QUERY,
  QUARANTINE_QUERY,
  SOURCE_CHANGES_QUERY,
  SOURCES_QUERY,
} from '../query/filters.js';
import { readGaps } from '../query/gaps.js';
import type { Page } from '../query/page.js';
import { readParameters } from '../query/parameters.js';
import { readQuarantine } from '../query/quarantine.js';
import { readSettings } from '../query/settings.js';
import { lastChangesOf, readSourceChanges } from '../query/source-changes.js';
import { readSource, readSources } from '../query/sources.js';
import { STATISTICS_QUERY, type StatisticsRow } from '../query/statistics/contract.js';
import { periodOf, readStatistics } from '../query/statistics/read.js';
import type { Reads } from '../query/sql.js';
import { horizonMs } from '../notification.js';

/** A request's parameters as they came: texts from REST, typed values from GraphQL. */
export type Raw = Readonly<Record<string, unknown>>;

/** What every list says besides its rows. */
export interface Told {
  /** Everything acknowledged before this instant is in the answer. */
  readonly asOf: Date;
  readonly feed: readonly FeedRow[];
}

/** What this process was configured with; the settings all receivers share are in the database, once there are any. */
export type Configured = Omit<SettingsRow, 'horizonMs'>;

export type ChangesAnswer = ChangesPage & Told;

export interface CallDetail extends CallRow {
  readonly notifications: readonly NotificationRow[];
  readonly gaps: readonly GapRow[];
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** As PostgreSQL spells it. */
function uuidOf(id: string): string {
  if (!UUID.test(id)) throw new BadParameters([{ parameter: 'id', reason: 'must be a uuid' }]);
  return id.toLowerCase();
}

interface Period {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly source?: readonly string[] | undefined;
}

/**
 * Every method throws ReadUnavailable when the database does not answer, BadParameters for a faulty request, and Forbidden for
 * one that `access` may not make; what it may not see is left out, or masked.
 */
export class Reading {
  constructor(
    private readonly db: Reads,
    private readonly clock: Clock,
    private readonly configured: Configured,
    /** What the receiver of this process measured of its acks to a source; see `ackP99Ms` of the contract. */
    private readonly ackP99Ms: (sourceKey: string) => number | null = () => null,
    /** Notifications by source that were acknowledged from the spool and are not in the database yet. */
    private readonly spooled: () => ReadonlyMap<string, number> = () => new Map(),
  ) {}

  async calls(raw: Raw, access: Access): Promise<CallsPage & Told> {
    const query = readAdmitted(access, CALLS_QUERY, raw);
    return shownPage(access, await this.told(query, () => readCalls(this.db, query)));
  }

  /** The feed is told for as long as a call shown here can have been open: the longest stale limit. */
  async activeCalls(raw: Raw, access: Access): Promise<ActivePage & Told> {
    const query = readAdmitted(access, ACTIVE_QUERY, raw);
    const { staleRingingMs, staleAnsweredMs } = await this.settings();
    const from = query.from ?? this.clock.now() - Math.max(staleRingingMs, staleAnsweredMs);
    return shownPage(access, await this.told({ ...query, from }, (asOf) => readActive(this.db, query, asOf)));
  }

  /**
   * A page of the changes feed; who keeps it back is told with every source, since it concerns them all. `wait` is the caller's.
   * @throws CursorGone
   */
  async changes(raw: Raw, access: Access): Promise<ChangesAnswer> {
    const query = readAdmitted(access, CHANGES_QUERY, raw);
    const told = await this.told({ source: query.source }, () => readChanges(this.db, query));
    const answer = { ...told, data: told.data.map((change) => shownChange(access, change)) };
    const { heldBackBy } = answer;
    if (heldBackBy === null) return answer;
    const feed = answer.feed.map((row): FeedRow => ({ ...row, status: 'impaired', heldBackBy }));
    return { ...answer, feed };
  }

  /** Number of the last change that can be told. */
  newestChangeTx(): Promise<string> {
    return newestTx(this.db, this.clock.now());
  }

  async gaps(raw: Raw, access: Access): Promise<Page<GapRow> & Told> {
    const query = readAdmitted(access, GAPS_QUERY, raw);
    return this.told(query, () => readGaps(this.db, query));
  }

  /** Bytes are clear numbers. */
  async quarantine(raw: Raw, access: Access): Promise<Page<QuarantinedRow> & Told> {
    const query = readAdmitted(access, QUARANTINE_QUERY, raw);
    const page = await this.told(query, () => readQuarantine(this.db, query));
    if (access.can('numbers:clear')) return page;
    return { ...page, data: page.data.map((row) => ({ ...row, bytesBase64: null })) };
  }

  async sources(raw: Raw, access: Access): Promise<Page<SourceRow> & Told> {
    const query = { ...readAdmitted(access, SOURCES_QUERY, raw), source: access.among(undefined) };
    const settings = await this.settings();
    const page = await this.told({ source: query.source }, (asOf) => readSources(this.db, query, settings, asOf));
    return { ...page, data: page.data.map((row) => this.timed(row)) };
  }

  /** Null when there is no such source. */
  async source(key: string, access: Access): Promise<SourceRow | null> {
    // PostgreSQL keeps no NUL in a text, so no key has one.
    if (key.includes('\0') || !access.sees(key)) return null;
    const row = await readSource(this.db, key, await this.settings(), this.clock.now());
    return row === null ? null : this.timed(row);
  }

  /** Counts of calls by bucket and group; not a page: all of its rows. */
  async statistics(raw: Raw, access: Access): Promise<{ readonly data: readonly StatisticsRow[] } & Told> {
    const query = readAdmitted(access, STATISTICS_QUERY, raw);
    const settings = await this.settings();
    const period = periodOf(query, this.clock.now());
    return this.told({ ...query, ...period }, (asOf) =>
      readStatistics(this.db, { ...query, ...period }, settings, asOf),
    );
  }

  /** What was changed of one source; null when there is no such source. */
  async sourceChanges(key: string, raw: Raw, access: Access): Promise<(Page<SourceChangeRow> & Told) | null> {
    const query = readAdmitted(access, SOURCE_CHANGES_QUERY, raw);
    if ((await this.source(key, access)) === null) return null;
    return this.told({ source: [key] }, () => readSourceChanges(this.db, key, query));
  }

  /** The last changes of each of these sources, which may be seen, in the order of their keys. */
  async lastChanges(keys: readonly string[], limit: number): Promise<readonly (readonly SourceChangeRow[])[]> {
    const found = await lastChangesOf(this.db, keys, limit);
    return keys.map((key) => found.get(key) ?? []);
  }

  /** Null when there is no such call. */
  async call(id: string, access: Access): Promise<CallRow | null> {
    const call = await readCall(this.db, uuidOf(id));
    return call === null || !access.sees(call.source) ? null : shownRow(access, call);
  }

  /** A call with its timeline and gaps; null when there is no such call. */
  async callDetail(id: string, access: Access): Promise<CallDetail | null> {
    // Side by side, since each waits for PostgreSQL longer than it works: what may not be seen is thrown away.
    const ids = [uuidOf(id)];
    const [call, [notifications], [gaps]] = await Promise.all([
      this.call(id, access),
      this.notifications(ids, access),
      this.callGaps(ids),
    ]);
    return call === null ? null : { ...call, notifications: notifications ?? [], gaps: gaps ?? [] };
  }

  /** The timelines of calls that may be seen, in the order of their ids. A state nobody knows is free text. */
  async notifications(ids: readonly string[], access: Access): Promise<readonly (readonly NotificationRow[])[]> {
    const found = await notificationsOf(this.db, ids, (await this.settings()).horizonMs);
    const shown = (row: NotificationRow): NotificationRow => ({
      ...row,
      ...{ state: shownText(access, row.state), stateRaw: shownText(access, row.stateRaw) },
    });
    return ids.map((id) => (found.get(id) ?? []).map(shown));
  }

  /** The gaps of calls that may be seen, in the order of their ids. */
  async callGaps(ids: readonly string[]): Promise<readonly (readonly GapRow[])[]> {
    const found = await gapsOf(this.db, ids);
    return ids.map((id) => found.get(id) ?? []);
  }

  /** The audit trail; for administrators. */
  audit(raw: Raw): Promise<Page<AuditRow>> {
    return readAudit(this.db, readParameters(AUDIT_QUERY, raw));
  }

  /** The settings in force now, and this receiver's limits. */
  async settings(): Promise<SettingsRow> {
    const shared = await readSettings(this.db, this.clock.now());
    const inForce = { ...this.configured, ...shared };
    return { ...inForce, horizonMs: horizonMs(inForce) };
  }

  private timed(row: SourceRow): SourceRow {
    return { ...row, ackP99Ms: this.ackP99Ms(row.key) };
  }

  /** The instant is taken before the read, so that the read can only show more than was known then. */
  private async told<P>(period: Period, read: (asOf: number) => Promise<P>): Promise<P & Told> {
    const asOf = this.clock.now();
    const asked = { from: period.from ?? null, to: period.to ?? null, sources: period.source ?? null };
    // Before the read too: what drains meanwhile may be in the answer, and is only called missing.
    const spooled = this.spooled();
    const [page, feed] = await Promise.all([read(asOf), readFeed(this.db, asked, asOf, spooled)]);
    return { ...page, asOf: new Date(asOf), feed };
  }
}

/** A page of calls with their numbers as they may be seen. */
function shownPage<P extends { readonly data: readonly CallRow[] }>(access: Access, page: P): P {
  return { ...page, data: shownRows(access, page.data) };
}

function shownChange(access: Access, change: ChangeRow): ChangeRow {
  const { previous, call } = change;
  return {
    ...change,
    previous: previous === null ? null : shownRow(access, previous),
    call: shownRow(access, call),
  };
}
