/**
 * What the copies of a source's notifications, and the time between them, say about the way our acks take back to it.
 *
 * Every copy was acked. A sender that understood the first ack sends one copy; loss of acks, delay of acks and acks that are
 * not understood each leave another pattern:
 *
 *   not_understood   half or more ran through all tries at INTERVAL: no ack ever stopped them. The acks go to a wrong place, or
 *                    the sender does not read them
 *   late             they stop early, all after about as many copies: the ack that stops them comes a fixed time after the
 *                    send. Copies are spread far less than chance would spread them
 *   lost             they stop early, after 1, 2, 3 ... copies as chance has it: each ack is lost with b = 1 - 1 / copies
 *   understood       about one copy
 *
 * Chance: acks lost with b leave copies k with probability (1 - b) b^(k - 1), mean m = 1 / (1 - b), variance m (m - 1).
 * Loss of the notifications themselves hides copies and never adds any.
 */

/** Notifications with so many copies, of which the first and the last came so many intervals apart. */
export interface CopyCount {
  readonly copies: number;
  readonly intervals: number;
  readonly notifications: number;
}

export const ACK_DIAGNOSES = ['understood', 'lost', 'late', 'not_understood', 'unknown'] as const;
export type AckDiagnosis = (typeof ACK_DIAGNOSES)[number];

export interface AckFinding {
  readonly diagnosis: AckDiagnosis;
  /** Mean copies of a notification; null without any. */
  readonly copies: number | null;
  /** Share of notifications that came until the last try. */
  readonly ranThrough: number;
}

/** Notifications that must have had all their retries before a pattern is spoken of. */
const NEEDED = 20;
/** With a tenth of the acks lost a notification takes 1.1 copies, with a third 1.5. */
const UNDERSTOOD_BELOW_COPIES = 1.5;
const NOT_UNDERSTOOD_SHARE = 0.5;
/** Of the variance that chance would give. Of 20 notifications whose acks are lost by chance fewer than 1 in 100 show less. */
const LATE_BELOW_SPREAD = 0.3;

function meanOf(counts: readonly CopyCount[], of: (one: CopyCount) => number): number {
  const all = counts.reduce((sum, { notifications }) => sum + notifications, 0);
  return counts.reduce((sum, one) => sum + of(one) * one.notifications, 0) / all;
}

/** Judges the notifications of a source whose retries are over, against the sender's schedule. */
export function diagnoseAcks(counts: readonly CopyCount[], retry: number): AckFinding {
  const all = counts.reduce((sum, { notifications }) => sum + notifications, 0);
  if (all === 0) return { diagnosis: 'unknown', copies: null, ranThrough: 0 };
  const copies = meanOf(counts, (one) => one.copies);
  const ranThrough = retry === 0 ? 0 : meanOf(counts, ({ intervals }) => Number(intervals >= retry));
  const finding = (diagnosis: AckDiagnosis): AckFinding => ({ diagnosis, copies, ranThrough });
  if (all < NEEDED) return finding('unknown');
  if (ranThrough >= NOT_UNDERSTOOD_SHARE) return finding('not_understood');
  if (copies < UNDERSTOOD_BELOW_COPIES) return finding('understood');
  const variance = meanOf(counts, (one) => (one.copies - copies) ** 2);
  return finding(variance < LATE_BELOW_SPREAD * copies * (copies - 1) ? 'late' : 'lost');
}

const SENTENCES: Record<AckDiagnosis, string> = {
  understood: 'The source takes our acks.',
  lost:
    'Some acks do not reach the source: copies stop after one, two, three or more, as chance has it. ' +
    'Look at packet loss on the way back to it.',
  late: 'Our acks come late: the source sends again before each. Look at what delays commits here, and at the delay of the path.',
  not_understood:
    'The source does not take our acks: it sends each notification until its last try. Look at the firewall for what leaves ' +
    'this host towards it, at the address acks leave from (UDP_HOST), and at the form of the ack.',
  unknown: 'Too few notifications to tell.',
};

/** What an operator is told. */
export function ackSentence(diagnosis: AckDiagnosis): string {
  return SENTENCES[diagnosis];
}
