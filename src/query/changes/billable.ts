/** Whether a revision can be charged: decided from the revision alone, so that it says the same whenever it is read. */
import type { CallRow } from '../contract.js';
import type { BillableReason } from './contract.js';

/** What the decision rests on. */
export type Billed = Pick<CallRow, 'settled' | 'state' | 'disposition' | 'endProvenance' | 'talkMs' | 'conflict'>;

/**
 * Why a revision is not billable; nothing when it is. A gap is no reason of its own: what it may hide of a call shows as an
 * unknown disposition or a presumed end. Nor is `late`: talkMs is what is charged, its bounds are for disputes.
 */
export function reasonsAgainst(call: Billed, superseded: boolean): readonly BillableReason[] {
  const reasons: BillableReason[] = [];
  if (superseded) reasons.push('superseded');
  if (!call.settled) reasons.push('not_settled');
  if (call.disposition === 'not_answered') reasons.push('not_answered');
  if (call.disposition === 'unknown') reasons.push('disposition_unknown');
  if (call.endProvenance === 'presumed') reasons.push('end_presumed');
  const isOver = call.disposition === 'answered' && call.endProvenance === 'reported';
  if (isOver && call.talkMs === null) reasons.push('talk_unknown');
  if (call.conflict) reasons.push('conflict');
  return reasons;
}
