/**
 * The alarm `ack_path`: said once when what copies tell of a source's acks turns bad or bad in another way, and once when it is
 * over (src/delivery/ack-health.ts). Too few notifications to tell change nothing.
 */
import { ackSentence, diagnoseAcks, type AckDiagnosis, type CopyCount } from '../../delivery/ack-health.js';
import type { Span } from '../../delivery/facts.js';
import { horizonMs, type Settings } from '../../notification.js';

/** What the alarm asks of storage. */
export interface CopyStore {
  /** How often notifications of each source came that were first received in a span: of each the newest, at most `limit`. */
  copies(span: Span, intervalMs: number, limit: number): Promise<ReadonlyMap<string, readonly CopyCount[]>>;
}

export interface AckAlarmOptions {
  readonly store: CopyStore;
  readonly settings: Settings;
  readonly clock: { now(): number };
  readonly log: { warn(message: string, context: string): void; log(message: string, context: string): void };
  readonly onFault: (error: unknown) => void;
}

/** 200 notifications are enough to tell, and few enough that an alarm is over minutes after its cause is. */
const NEWEST = 200;
const LATELY_MS = 600_000;
/** A sender needs H to show what it does; looking more often shows nothing sooner. */
const LOOK_EVERY_MS = 10_000;

const FINE: readonly AckDiagnosis[] = ['understood', 'unknown'];

export class AckAlarm {
  /** What was said last of a source. */
  private readonly said = new Map<string, AckDiagnosis>();
  private timer: NodeJS.Timeout | null = null;
  private looking: Promise<void> | null = null;

  constructor(private readonly options: AckAlarmOptions) {}

  start(): void {
    this.timer ??= setInterval(() => {
      this.looking ??= this.look()
        .catch(this.options.onFault)
        .finally(() => (this.looking = null));
    }, LOOK_EVERY_MS).unref();
  }

  /** Resolves when no look is under way. */
  async stop(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    await this.looking;
  }

  /** Alarms that are not over, as sentences. */
  problems(): readonly string[] {
    return [...this.said].filter(([, one]) => !FINE.includes(one)).map(([source, one]) => alarm(source, one));
  }

  async look(): Promise<void> {
    const { store, settings, clock, log } = this.options;
    const now = clock.now();
    // Younger ones may still be sent again.
    const span = { from: now - LATELY_MS, to: now - horizonMs(settings) };
    for (const [source, counts] of await store.copies(span, settings.intervalMs, NEWEST)) {
      const { diagnosis } = diagnoseAcks(counts, settings.retry);
      const before = this.said.get(source) ?? 'understood';
      if (diagnosis === 'unknown' || diagnosis === before) continue;
      this.said.set(source, diagnosis);
      if (FINE.includes(diagnosis)) log.log(`Alarm ack_path of ${source} is over. ${ackSentence(diagnosis)}`, 'Acks');
      else log.warn(alarm(source, diagnosis), 'Acks');
    }
  }
}

function alarm(source: string, diagnosis: AckDiagnosis): string {
  return `Alarm ack_path of ${source} (${diagnosis}). ${ackSentence(diagnosis)}`;
}
