/** What is wrong, in words an operator can act on. */
import type { Access } from '../access/access.js';
import { type Clock, TimedOut, within } from '../clock.js';
import type { SpoolState } from '../ingest/spool/standby.js';
import { ReadUnavailable } from '../query/faults.js';
import { hasPartIndex } from '../query/part-index.js';
import { type Receivers, readReceivers } from '../query/receivers.js';
import type { Reads } from '../query/sql.js';

export interface Readiness {
  readonly status: 'ready' | 'not_ready';
  /** Sentences; empty when nothing is wrong, and for strangers. */
  readonly problems: readonly string[];
  /** What stands by for PostgreSQL, in this process; null where nothing does, and for strangers. */
  readonly spool: SpoolState | null;
  /** open: no key has been made, so whoever is on this machine may read; keys: who asks shows one. */
  readonly access: 'open' | 'keys';
  readonly asOf: Date;
}

/** Probes wait a few seconds; a database that hangs is away. */
const PATIENCE_MS = 2_000;

const NO_PART_INDEX =
  'Numbers are looked for by part (*5551*), and texts by q, without an index, so that every call is read: PostgreSQL had no pg_trgm ' +
  'when the schema was made. README, "When something is wrong", has what to run once it has.';

function lagging({ running, heldBackBy, heldSince }: Receivers): readonly string[] {
  if (running === 0)
    return ['No receiver runs: reports are not received, and their senders give up after their last retry.'];
  if (heldBackBy === null || heldSince === null) return [];
  const since = heldSince.toISOString();
  return [
    `Receiver ${heldBackBy} has stored nothing that came after ${since}: no later call settles until it does or is retired.`,
  ];
}

export class Health {
  constructor(
    private readonly db: Reads,
    private readonly clock: Clock,
    /** What the receiving half of this process finds wrong with itself, in sentences. */
    private readonly receiving: () => readonly string[] = () => [],
    private readonly spool: () => SpoolState | null = () => null,
  ) {}

  /** Not ready only when nothing can be answered: a receiver that lags impairs the answers, and they say so themselves. */
  async check(access: Access): Promise<Readiness> {
    const readiness = await this.state(access);
    const known = access.holder.local || access.holder.kind === 'key';
    return known ? readiness : { ...readiness, problems: [], spool: null };
  }

  private async state({ holder }: Access): Promise<Readiness> {
    const access = holder.kind === 'open' ? 'open' : 'keys';
    const now = this.clock.now();
    const asOf = new Date(now);
    const spool = this.spool();
    try {
      const problems = [...(await within(this.impairments(now), PATIENCE_MS)), ...this.receiving()];
      return { status: 'ready', problems, spool, access, asOf };
    } catch (error) {
      if (!(error instanceof ReadUnavailable || error instanceof TimedOut)) throw error;
      const away =
        'PostgreSQL does not answer: nothing can be read until it does. Check that it runs and DATABASE_URL names it.';
      return { status: 'not_ready', problems: [away, ...this.receiving()], spool, access, asOf };
    }
  }

  private async impairments(now: number): Promise<readonly string[]> {
    const [receivers, partIndex] = await Promise.all([readReceivers(this.db, now), hasPartIndex(this.db)]);
    return [...lagging(receivers), ...(partIndex ? [] : [NO_PART_INDEX])];
  }
}
