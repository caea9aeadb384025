/** Metrics at a scrape: what the process counts, and what the ledger holds when PostgreSQL says so in time. */
import type { Registry } from 'prom-client';
import { type Clock, within } from '../clock.js';
import type { Readings, Sample } from '../metrics/readings.js';
import type { SourceLabels } from '../metrics/source-labels.js';
import { readTotals, type Total, type TotalsClient } from '../query/totals.js';
import { registryOf } from './exposition.js';

export interface MetricsOptions {
  readonly readings: Readings;
  readonly labels: SourceLabels;
  readonly db: TotalsClient;
  readonly clock: Clock;
  /** Drops by port; null where the kernel does not tell. */
  readonly kernelDrops: { read(): Promise<ReadonlyMap<number, number> | null> };
}

/** Scrapes closer than this share one query. */
const FRESH_MS = 5_000;
/** What a scrape waits for PostgreSQL, and PostgreSQL works on it: Prometheus gives a scrape 10 s. */
const LIMIT_MS = 1_500;

export class Metrics {
  private readonly registry: Registry;
  /** Null while PostgreSQL does not answer: what it would say is absent then. */
  private totals: readonly Total[] | null = null;
  private drops: ReadonlyMap<number, number> | null = null;
  private askedAt = Number.NEGATIVE_INFINITY;
  private asking: Promise<void> | null = null;

  constructor(private readonly options: MetricsOptions) {
    this.declare();
    this.registry = registryOf(options.readings);
  }

  /** The text a scrape gets; never rejects because of the database. */
  async scrape(): Promise<string> {
    const [drops] = await Promise.all([this.options.kernelDrops.read(), this.refresh()]);
    this.drops = drops;
    return this.registry.metrics();
  }

  /** One query at a time and not more often than it pays; a scrape does not wait for a slow one. */
  private async refresh(): Promise<void> {
    const now = this.options.clock.now();
    if (this.asking === null && now - this.askedAt >= FRESH_MS) {
      this.askedAt = now;
      this.asking = this.ask(now).finally(() => (this.asking = null));
    }
    // It never fails itself: what comes too late is not known.
    if (this.asking !== null) await within(this.asking, LIMIT_MS).catch(() => (this.totals = null));
  }

  private async ask(now: number): Promise<void> {
    try {
      this.totals = await readTotals(this.options.db, now, LIMIT_MS);
    } catch {
      // Said by ringledger_database_up; whoever writes and reads logs the reason.
      this.totals = null;
    }
  }

  private declare(): void {
    const { readings, clock } = this.options;
    readings.read('ringledger_kernel_drops_total', () =>
      this.drops === null ? null : [...this.drops].map(([port, value]) => ({ labels: { port: String(port) }, value })),
    );
    readings.read('ringledger_database_up', () => (this.totals === null ? 0 : 1));
    readings.read('ringledger_gaps', () =>
      this.known('gaps', ({ first, second, third }) => ({ kind: first, certainty: second, status: third })),
    );
    readings.read('ringledger_active_calls', () => this.known('active', () => ({})));
    readings.read('ringledger_quarantine_rows', () => this.known('quarantine', () => ({})));
    readings.read('ringledger_sources', () => this.known('sources', () => ({})));
    readings.read('ringledger_source_last_heard_timestamp_seconds', () => this.heard());
    readings.read('ringledger_ledger_lag_seconds', () => {
      const [durable] = this.known('durable', () => ({})) ?? [];
      return durable === undefined ? null : Math.max(0, clock.now() / 1000 - durable.value);
    });
  }

  private known(what: Total['what'], labelsOf: (total: Total) => Sample['labels']): readonly Sample[] | null {
    const own = this.totals?.filter((total) => total.what === what) ?? null;
    return own === null ? null : own.map((total) => ({ labels: labelsOf(total), value: total.value }));
  }

  /** Sources that share the label `other` have no time of their own: their silence is in `feed` and in the gap ledger. */
  private heard(): readonly Sample[] | null {
    const { labels } = this.options;
    const isOwn = ({ first }: Total): boolean => labels.of(first) === first;
    const own = this.totals?.filter((total) => total.what === 'heard' && isOwn(total)) ?? null;
    return own === null ? null : own.map(({ first, value }) => ({ labels: { source: first }, value }));
  }
}
