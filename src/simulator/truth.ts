import type { CallContent, PlannedNotification } from './sender/plan.js';

/** What the sender knows of one notification once the run is over. Instants in ms since the Unix epoch. */
export interface SentNotification extends PlannedNotification {
  /** The moment of the event: the first send, by the machine's clock. Null when the run was broken off before it. */
  readonly sentAt: number | null;
  /** Datagrams handed to the link, 1 to 1 + RETRY. */
  readonly sends: number;
  /** Copies that the link let through to the receiver's address. None: no receiver could know of it by itself. */
  readonly delivered: number;
  /** A response to this very notification reached the sender's host, whether or not the link then lost it: the receiver acked it. */
  readonly answered: boolean;
  /** The sender took a response for this notification's. */
  readonly acked: boolean;
}

/** One call as it truly was. */
export interface TrueCall extends CallContent {
  readonly call: number;
  readonly source: number;
  readonly callId: string;
  /** When it was over, said or not. */
  readonly endAt: number;
  readonly notifications: readonly SentNotification[];
}

/** How the sender's side went, over all notifications. */
export interface SenderCounts {
  readonly notifications: number;
  readonly sends: number;
  /** Responses that reached the sender's host. */
  readonly responses: number;
  /** Responses to something no longer waited for: the answers to copies. */
  readonly lateResponses: number;
  /** Responses that are no ack in the codec spoken. */
  readonly unreadableResponses: number;
  /** Readable acks for something never sent, or sent from another port. */
  readonly foreignResponses: number;
  /** Notifications given up after 1 + RETRY sends without a response. */
  readonly givenUp: number;
}

/** Identity of a notification within its source, as the response names it. */
export function ackKey(callId: string, serial: string): string {
  return `${callId}\n${serial}`;
}
