/**
 * The ack objective. A sender waits INTERVAL for an ack, then tries again, RETRY times; a notification not acknowledged by
 * then is lost. So an ack slower than INTERVAL makes the sender repeat itself, and one slower than H comes too late:
 *
 *   late        a first ack that took longer than INTERVAL, kernel wait included; it caused floor(took / INTERVAL) tries
 *   budget      H less the age of the oldest notification received and not acknowledged: what is left of patience
 *
 * "Recent" is the last {@link RECENT_TURNS} turns and the one under way; `turn` is called once a minute.
 */
import { horizonMs, type Settings } from '../notification.js';
import { countOf, Histogram, quantileOf } from './histogram.js';
import type { SourceLabels } from './source-labels.js';
import { METRICS } from './table.js';

export type AckSettings = Pick<Settings, 'retry' | 'intervalMs' | 'marginMs'>;

/** How acks to one source did lately. */
export interface RecentAcks {
  readonly acks: number;
  /** First acks slower than INTERVAL, and the tries they caused. */
  readonly late: number;
  readonly retriesCaused: number;
  /** 99 of 100 acks took at most so long; null without acks. */
  readonly p99Ms: number | null;
}

/** Counts of one source since the start. */
interface SourceAcks {
  readonly label: string;
  readonly took: Histogram;
  late: number;
  retriesCaused: number;
  /** What they were at the end of the last turns, oldest first. */
  readonly turns: Turn[];
}

interface Turn {
  readonly counts: Float64Array;
  readonly late: number;
  readonly retriesCaused: number;
}

/** Turns that count as recent: 5 minutes, long enough for a 99th percentile at one call a second. */
const RECENT_TURNS = 5;

export class AckObjective {
  readonly horizonMs: number;
  /** Upper ends of buckets, in s: those of the table and one at each try of the sender. */
  private readonly bounds: readonly number[];
  private readonly byLabel = new Map<string, SourceAcks>();
  private readonly byKey = new Map<string, SourceAcks>();
  /** First and last receipt of what was refused since the last ack; null when nothing was. */
  private refusing: { readonly from: number; to: number } | null = null;

  constructor(
    readonly settings: AckSettings,
    private readonly labels: SourceLabels,
  ) {
    const { retry, intervalMs } = settings;
    const tries = Array.from({ length: retry }, (_, index) => ((index + 1) * intervalMs) / 1000);
    this.bounds = [...new Set([...METRICS.ringledger_ack_seconds.bounds, ...tries])].sort((a, b) => a - b);
    this.horizonMs = horizonMs(settings);
  }

  /**
   * Notes an ack.
   * @param repeated it answers a further copy: its first copy's ack is judged, this one is only timed
   * @param waitedMs how long the datagram may have waited in the kernel
   * @param tookMs from reading it to handing over the ack
   */
  acked(sourceKey: string, repeated: boolean, waitedMs: number, tookMs: number): void {
    const source = this.byKey.get(sourceKey) ?? this.open(sourceKey);
    source.took.observe(tookMs / 1000);
    this.refusing = null;
    const { intervalMs, retry } = this.settings;
    if (repeated || waitedMs + tookMs <= intervalMs) return;
    source.late += 1;
    source.retriesCaused += Math.min(retry, Math.floor((waitedMs + tookMs) / intervalMs));
  }

  /** Notes a notification that was refused: its sender's patience runs until some copy of it is acknowledged. */
  refused(receivedAt: number): void {
    if (this.refusing === null) this.refusing = { from: receivedAt, to: receivedAt };
    else this.refusing.to = receivedAt;
  }

  /**
   * What is left of the patience of the sender that has waited longest, in ms, from 0 to H.
   * @param oldestInHand receipt of the oldest notification under way; `now` when there is none
   */
  lossBudgetMs(now: number, oldestInHand: number): number {
    const { refusing } = this;
    // Nothing refused for longer than INTERVAL and the margin: whoever waited has been heard again, or has given up.
    const stillTried = refusing !== null && now - refusing.to <= this.settings.intervalMs + this.settings.marginMs;
    const oldest = stillTried ? Math.min(refusing.from, oldestInHand) : oldestInHand;
    return Math.min(this.horizonMs, Math.max(0, this.horizonMs - (now - oldest)));
  }

  /** Ends a turn; call it once a minute. */
  turn(): void {
    for (const { took, late, retriesCaused, turns } of this.byLabel.values()) {
      turns.push({ counts: took.snapshot(), late, retriesCaused });
      if (turns.length > RECENT_TURNS + 1) turns.shift();
    }
  }

  /** How acks did lately, by label of the source. */
  recent(): ReadonlyMap<string, RecentAcks> {
    return new Map([...this.byLabel].map(([label, source]) => [label, this.recentOf(source)]));
  }

  /** The 99th percentile of recent acks to a source, in ms; null without any, and for sources that share a label. */
  p99Ms(sourceKey: string): number | null {
    const source = this.byLabel.get(sourceKey);
    return source === undefined ? null : this.recentOf(source).p99Ms;
  }

  /** The counts since the start, by label. */
  sources(): readonly Pick<SourceAcks, 'label' | 'took' | 'late' | 'retriesCaused'>[] {
    return [...this.byLabel.values()];
  }

  private recentOf({ took, late, retriesCaused, turns }: SourceAcks): RecentAcks {
    // Until there are more turns than count, everything since the start is recent.
    const oldest = turns.length > RECENT_TURNS ? turns[0] : undefined;
    const counts = took.snapshot().map((count, bucket) => count - (oldest?.counts[bucket] ?? 0));
    const p99 = quantileOf(this.bounds, counts, 0.99);
    return {
      acks: countOf(counts),
      late: late - (oldest?.late ?? 0),
      retriesCaused: retriesCaused - (oldest?.retriesCaused ?? 0),
      p99Ms: p99 === null ? null : Math.ceil(p99 * 1000),
    };
  }

  private open(sourceKey: string): SourceAcks {
    const label = this.labels.of(sourceKey);
    const source = this.byLabel.get(label) ?? {
      ...{ label, took: new Histogram(this.bounds), late: 0, retriesCaused: 0, turns: [] },
    };
    this.byLabel.set(label, source);
    this.byKey.set(sourceKey, source);
    return source;
  }
}
