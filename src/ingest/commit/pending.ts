/** An arrival on its way through group commit, and the batch it is committed in. */
import { callKeyOf } from '../../lifecycle/keys.js';
import type { Arrival } from '../../notification.js';
import type { Keyed } from './batch.js';
import type { SpoolPlace } from '../spool/inventory.js';
import type { Submission } from './submission.js';

export interface Pending extends Keyed {
  /** When it was handed in, ms on the monotonic clock of the process. */
  readonly since: number;
  readonly answer: (submission: Submission) => void;
  answered: boolean;
  /** Resolves when it is known whether the spool took it; at once while nobody asked. */
  keeping: Promise<void>;
  /** Where it is kept while its commit is under way. */
  place: SpoolPlace | null;
}

export interface Flight {
  readonly batch: readonly Pending[];
  /** Its arrivals come from the spool: they never go there again. */
  readonly draining: boolean;
  /** It has taken longer than the spool waits for. */
  overdue: boolean;
}

const NOT_ASKED = Promise.resolve();

export function pendingOf(arrival: Arrival, answer: (submission: Submission) => void): Pending {
  const callKey = callKeyOf(arrival.sourceKey, arrival.report.callId);
  return { arrival, callKey, answer, since: performance.now(), answered: false, keeping: NOT_ASKED, place: null };
}

/** Receipt of the oldest of them, else `now`. */
export function oldestStamp(now: number, batches: readonly (readonly Pending[])[]): number {
  let oldest = now;
  for (const batch of batches) for (const { arrival } of batch) oldest = Math.min(oldest, arrival.stamp.at);
  return oldest;
}

/** Answers, once. */
export function settle(pending: Pending, submission: Submission): void {
  if (pending.answered) return;
  pending.answered = true;
  pending.answer(submission);
}
