/**
 * What one call says about the loss of datagrams in its time (docs/truth.md 12): copies missing between copies, states that
 * arrived inverted, and serials lost. Additive, so that a window's loss is a sum over its calls.
 */
import type { Spoken } from '../delivery/evidence.js';
import type { SourceFacts } from '../delivery/facts.js';
import type { LossSample } from '../notification.js';
import { missingIn, serialHoles } from './missing.js';
import type { Events } from './times.js';

/** Pairs of states further apart than this many intervals cannot arrive inverted: 1 + RETRY of the default schedule. */
export const STATE_PAIR_BINS = 8;

/**
 * Copies of one notification, by the sender's retry schedule: pairs received, and copies missing between them. A machine that is busy
 * reads a copy late far more often than early: less than three quarters of an interval late is none that is missing.
 */
function copies(one: Spoken, intervalMs: number): { pairs: number; missing: number } {
  const expected = Math.floor((one.lastAt - one.firstAt) / intervalMs + 0.25);
  return { pairs: one.copies - 1, missing: Math.max(0, expected - (one.copies - 1)) };
}

/** The sample of one call. Its Ringing and OK (else Bye) are the pair that may arrive inverted. */
export function sampleOf(call: readonly Spoken[], events: Events, facts: SourceFacts): LossSample {
  const { intervalMs } = facts.settings;
  let copyPairs = 0;
  let copiesMissing = 0;
  for (const one of call) {
    const seen = copies(one, intervalMs);
    copyPairs += seen.pairs;
    copiesMissing += seen.missing;
  }
  // Of 180 and 183 the one sent first: the earlier received of the two would come before the OK more often.
  const rang = (events.ringing.find((one) => one.state === '180') ?? events.ringing[0])?.firstAt;
  const next = (events.ok ?? events.bye)?.firstAt;
  const pair = rang !== undefined && next !== undefined;
  const apart = pair ? next - rang : 0;
  const lost =
    facts.meaning === 'per_call'
      ? serialHoles(call, facts)
          .filter((hole) => hole.certainty === 'certain')
          .reduce((sum, hole) => sum + missingIn(hole), 0)
      : 0;
  return {
    copyPairs,
    copiesMissing,
    statePairs: Number(pair),
    statesInverted: Number(pair && apart < 0),
    statePairBin: Math.min(STATE_PAIR_BINS - 1, Math.max(0, Math.floor(apart / intervalMs))),
    serialsSeen: facts.meaning === 'per_call' ? call.length : 0,
    serialsLost: lost,
  };
}
