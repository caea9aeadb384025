/**
 * Watches the ack objective and says what it sees once: when acks to a source begin to come late, when patience runs out,
 * and when that is over. Every look is also the clock of "recent" (src/metrics/ack-objective.ts).
 */
import type { Clock } from '../clock.js';
import type { AckObjective } from '../metrics/ack-objective.js';
import { lateAcks, spentBudget } from '../metrics/ack-words.js';

export interface AckWatchOptions {
  readonly objective: AckObjective;
  readonly clock: Clock;
  /** Receipt of the oldest notification that is not answered yet; `now` when there is none. */
  readonly oldestInHand: (now: number) => number;
  readonly log: { warn(message: string, context: string): void; log(message: string, context: string): void };
}

/** A patience of 19 s is seen running out at 5 s steps. */
const LOOK_MS = 5_000;
const LOOKS_A_TURN = 12;
const BUDGET = '';

export class AckWatch {
  private timer: NodeJS.Timeout | null = null;
  private looks = 0;
  /** What was said and is not over: labels of sources, and '' for the patience. */
  private readonly said = new Set<string>();

  constructor(private readonly options: AckWatchOptions) {}

  start(): void {
    this.timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
  }

  /** What is left of the patience of who waits longest, in ms. */
  lossBudgetMs(): number {
    const { objective, clock, oldestInHand } = this.options;
    const now = clock.now();
    return objective.lossBudgetMs(now, oldestInHand(now));
  }

  /** What is wrong with acks now, in sentences; empty when nothing is. */
  problems(): readonly string[] {
    return [...this.current().values()];
  }

  /** Tells what began and what is over since the last look. */
  look(): void {
    const { log, objective } = this.options;
    const current = this.current();
    for (const [about, sentence] of current) if (!this.said.has(about)) log.warn(sentence, 'Acks');
    for (const about of this.said) if (!current.has(about)) log.log(over(about), 'Acks');
    this.said.clear();
    for (const about of current.keys()) this.said.add(about);
    this.looks += 1;
    if (this.looks % LOOKS_A_TURN === 0) objective.turn();
  }

  private current(): ReadonlyMap<string, string> {
    const { objective } = this.options;
    const spent = spentBudget(objective, this.lossBudgetMs());
    return new Map([...lateAcks(objective), ...(spent === null ? [] : [[BUDGET, spent] as const])]);
  }
}

function over(about: string): string {
  return about === BUDGET
    ? 'Notifications are acknowledged in good time again.'
    : `Acks to ${about} have been in time again for some minutes.`;
}
