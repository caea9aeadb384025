/**
 * What becomes of a post: the datagrams' way (docs/truth.md), with an answer the switch understands.
 *
 *   read    -> stored, or stored before            -> 200, retCode 0: only now, so that answered means durable (law 1)
 *           -> refused: no room, no database        -> 503, retCode 1: nothing of it is kept
 *   unread  -> quarantined with its bytes           -> 400, or 413 when it is too long, retCode 2
 *           -> quarantine has no room, no database  -> 503, retCode 1
 */
import type { Clock } from '../../clock.js';
import type { Fate, Tally } from '../../metrics.js';
import type { Arrival } from '../../notification.js';
import type { SourceRegistry } from '../../sources/registry.js';
import { parseTwin } from '../../wire/twin.js';
import type { GroupCommit } from '../commit/group-commit.js';
import type { Quarantine, Unstorable } from '../quarantine.js';
import type { TwinAnswer, TwinPost } from './listener.js';

export interface TwinIntakeOptions {
  readonly groupCommit: Pick<GroupCommit, 'submit'>;
  readonly quarantine: Pick<Quarantine, 'keep'>;
  readonly sources: Pick<SourceRegistry, 'resolveTwin' | 'heard'>;
  readonly tally: Pick<Tally, 'add'>;
  readonly clock: Clock;
}

const STORED: TwinAnswer = { status: 200, retCode: 0, detail: null };
const TRY_AGAIN: TwinAnswer = { status: 503, retCode: 1, detail: 'not stored: no room or no database' };
const OVERSIZED = 'The post is longer than TWIN_MAX_BODY_BYTES; its first bytes are kept.';

export class TwinIntake {
  constructor(private readonly options: TwinIntakeOptions) {}

  /** Stores a post, or keeps it in quarantine; resolves with the answer to give. Never rejects. */
  async take(post: TwinPost): Promise<TwinAnswer> {
    const { sources, clock, tally } = this.options;
    const { address, name, body, length } = post;
    const sourceKey = sources.resolveTwin(address, name);
    if (sourceKey === null) {
      tally.add('', 'refused', 'sources_full');
      return TRY_AGAIN;
    }
    const receivedAt = clock.now();
    sources.heard(sourceKey, receivedAt);
    const unstorable = { receivedAt, sourceKey, address, bytes: body, length };
    if (post.oversized) return this.keep({ ...unstorable, reason: 'oversized', detail: OVERSIZED }, 413);
    const parsed = parseTwin(body);
    if (!parsed.ok) return this.keep({ ...unstorable, reason: parsed.reason, detail: parsed.detail }, 400);
    // A post says itself when its event happened, so how long it waited to be read is nothing to the record.
    return this.store(
      { sourceKey, report: parsed.report, stamp: { at: receivedAt, idleMs: 0 }, payload: body },
      address,
    );
  }

  private async store(arrival: Arrival, address: string): Promise<TwinAnswer> {
    const submission = await this.options.groupCommit.submit(arrival);
    const { sourceKey, stamp, payload } = arrival;
    if (submission.stored) {
      // What was synced in the spool is counted when its drain tells what it is.
      if (submission.outcome !== 'spooled') this.count(sourceKey, submission.outcome);
      return STORED;
    }
    if (submission.reason !== 'rejected') {
      this.count(sourceKey, 'refused', submission.reason);
      return TRY_AGAIN;
    }
    const detail = 'PostgreSQL refused the values of this post.';
    const { length } = payload;
    return this.keep(
      { receivedAt: stamp.at, sourceKey, address, bytes: payload, length, reason: 'rejected', detail },
      400,
    );
  }

  private async keep(unstorable: Unstorable, status: 400 | 413): Promise<TwinAnswer> {
    const { sourceKey, reason, detail } = unstorable;
    const outcome = await this.options.quarantine.keep(unstorable);
    if (outcome !== 'quarantined') {
      this.count(sourceKey, 'refused', outcome);
      return TRY_AGAIN;
    }
    this.count(sourceKey, outcome, reason);
    return { status, retCode: 2, detail };
  }

  private count(sourceKey: string, fate: Fate, reason = ''): void {
    this.options.tally.add(sourceKey, fate, reason);
  }
}
