/** What becomes of an arrival that is handed in to be stored. */
import type { ArrivalOutcome } from '../../delivery/evidence.js';

/** Why an arrival was not stored; none of these is acked. */
export const REFUSALS = ['queue_full', 'stopping', 'unavailable', 'rejected', 'spool_full', 'spool_failed'] as const;
export type Refusal = (typeof REFUSALS)[number];

/**
 * Stored in PostgreSQL, as what it turned out to be there; or `spooled`: synced on this machine's disk, acked, and in
 * flight until its drain tells what it is.
 */
export type Submission =
  | { readonly stored: true; readonly outcome: ArrivalOutcome | 'spooled' }
  | { readonly stored: false; readonly reason: Refusal };
