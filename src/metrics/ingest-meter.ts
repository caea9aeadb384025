/**
 * What the receive path measures, in plain arrays without labels to hash: 0.14 us a notification (`node
 * scripts/meter-cost.mjs`, on a machine with a load of 13), where a notification costs 40 us or more in all.
 */
import type { AckObjective } from './ack-objective.js';
import { Histogram } from './histogram.js';
import type { Readings } from './readings.js';
import { METRICS } from './table.js';

/** Fates of a further copy: the ack of the first was judged already. */
const REPEATED = 'duplicate';
const REFUSED = 'refused';

export class IngestMeter {
  private readonly wait = new Histogram(METRICS.ringledger_receive_wait_seconds.bounds);
  private readonly parse = new Histogram(METRICS.ringledger_parse_seconds.bounds);
  private readonly commit = new Histogram(METRICS.ringledger_commit_seconds.bounds);
  private readonly commitCalls = new Histogram(METRICS.ringledger_commit_calls.bounds);
  private dropped = 0;

  constructor(readonly objective: AckObjective) {}

  /** A datagram was read and admitted; it waited in the kernel at most so long. */
  received(waitMs: number): void {
    this.wait.observe(waitMs / 1000);
  }

  /** The bytes of one were read as a report, or could not be. */
  parsed(tookMs: number): void {
    this.parse.observe(tookMs / 1000);
  }

  /** A batch was committed. */
  committed(tookMs: number, calls: number): void {
    this.commit.observe(tookMs / 1000);
    this.commitCalls.observe(calls);
  }

  /** An ack was handed over; `fate` is what became of its datagram. */
  acked(source: string | null, fate: string | null, waitMs: number, tookMs: number): void {
    this.objective.acked(source ?? '', fate === REPEATED, waitMs, tookMs);
  }

  /** A datagram gets no ack. */
  unanswered(fate: string | null, receivedAt: number): void {
    if (fate === REFUSED) this.objective.refused(receivedAt);
  }

  /** Rows left quarantine to make room. */
  quarantineDropped(rows: number): void {
    this.dropped += rows;
  }

  /** Says where the histograms and the objective are read. */
  register(readings: Readings): void {
    const one = (histogram: Histogram) => () => [{ labels: {}, histogram }];
    readings.readHistogram('ringledger_receive_wait_seconds', one(this.wait));
    readings.readHistogram('ringledger_parse_seconds', one(this.parse));
    readings.readHistogram('ringledger_commit_seconds', one(this.commit));
    readings.readHistogram('ringledger_commit_calls', one(this.commitCalls));
    readings.read('ringledger_quarantine_dropped_total', () => this.dropped);
    const { objective } = this;
    readings.readHistogram('ringledger_ack_seconds', () =>
      objective.sources().map(({ label, took }) => ({ labels: { source: label }, histogram: took })),
    );
    readings.read('ringledger_acks_late_total', () =>
      objective.sources().map(({ label, late }) => ({ labels: { source: label }, value: late })),
    );
    readings.read('ringledger_retries_caused_total', () =>
      objective.sources().map(({ label, retriesCaused }) => ({ labels: { source: label }, value: retriesCaused })),
    );
    readings.read('ringledger_retry_interval_seconds', () => objective.settings.intervalMs / 1000);
    readings.read('ringledger_retry_horizon_seconds', () => objective.horizonMs / 1000);
  }
}
