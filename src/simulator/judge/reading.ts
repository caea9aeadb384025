/** What the judge reads of the public contract: calls with their timelines, gaps, settings. Instants become ms since the epoch. */
import { z } from 'zod';
import {
  CALL_STATES,
  DISPOSITION_BASES,
  DISPOSITIONS,
  END_PROVENANCES,
  GAP_CERTAINTIES,
  GAP_KINDS,
  GAP_STATUSES,
} from '../../notification.js';

const instant = z.iso.datetime().transform((text) => Date.parse(text));
const instantOrNull = instant.nullable();
const textOrNull = z.string().nullable();
const ms = z.number().int().nullable();

export const ledgerNotification = z.object({
  serial: z.string(),
  state: z.string(),
  receivedAt: instant,
  copies: z.number().int(),
});
export type LedgerNotification = z.output<typeof ledgerNotification>;

export const ledgerCall = z.object({
  id: z.string(),
  source: z.string(),
  callId: z.string(),
  state: z.enum(CALL_STATES),
  disposition: z.enum(DISPOSITIONS).nullable(),
  dispositionBasis: z.enum(DISPOSITION_BASES).nullable(),
  callerNumber: textOrNull,
  calleeNumber: textOrNull,
  forwardNumber: textOrNull,
  menuId: textOrNull,
  menuName: textOrNull,
  firstSeenAt: instant,
  ringingAt: instantOrNull,
  ringingAtEarliest: instantOrNull,
  answeredAt: instantOrNull,
  answeredAtEarliest: instantOrNull,
  endedAt: instantOrNull,
  endedAtEarliest: instantOrNull,
  presumedEndedAt: instantOrNull,
  endProvenance: z.enum(END_PROVENANCES).nullable(),
  ringMs: ms,
  ringMsMin: ms,
  ringMsMax: ms,
  talkMs: ms,
  talkMsMin: ms,
  talkMsMax: ms,
  settled: z.boolean(),
  notificationCount: z.number().int(),
});

/** A record as listed. */
export type ListedCall = z.output<typeof ledgerCall>;
/** A record with its timeline. */
export type LedgerCall = ListedCall & { readonly notifications: readonly LedgerNotification[] };

export const callTimeline = z.object({ notifications: z.array(ledgerNotification) });

export const ledgerGap = z.object({
  id: z.string(),
  source: z.string(),
  kind: z.enum(GAP_KINDS),
  certainty: z.enum(GAP_CERTAINTIES),
  status: z.enum(GAP_STATUSES),
  callId: textOrNull,
  fromSerial: textOrNull,
  toSerial: textOrNull,
  from: instant,
  to: instantOrNull,
  openedAt: instant,
  deadlineAt: instantOrNull,
  estimatedLost: z.number().nullable(),
});
export type LedgerGap = z.output<typeof ledgerGap>;

export const ledgerSource = z.object({ key: z.string(), addresses: z.array(z.string()) });

export const receiverSettings = z.object({
  retry: z.number().int(),
  intervalMs: z.number(),
  marginMs: z.number(),
  horizonMs: z.number(),
  staleRingingMs: z.number(),
  staleAnsweredMs: z.number(),
  lossWindowMs: z.number(),
});
export type ReceiverSettings = z.output<typeof receiverSettings>;

/** A page of a list: `from`/`limit`/`cursor` walk it. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    data: z.array(item),
    page: z.object({ nextCursor: z.string().nullable() }),
    asOf: instant,
  });
}

/** Everything the judge is given of the ledger, read at one time. */
export interface Reading {
  readonly asOf: number;
  readonly calls: readonly LedgerCall[];
  readonly gaps: readonly LedgerGap[];
}
