/** What the parts of the ledger's contract share: the ledger under test, and what is written into it. */
import { callKeyOf } from '../../src/lifecycle/keys.js';
import { noFacts } from '../../src/delivery/facts.js';
import { assemble } from '../../src/ingest/assemble/assemble.js';
import {
  type LedgerStore,
  NOTHING_STORED,
  type QuarantinedDatagram,
  type QuarantineStore,
} from '../../src/ingest/ports.js';
import type { DueKey, SweepStore, SweptSource } from '../../src/ingest/sweep/sweep.ports.js';
import type { Arrival, Gap, SerialMeaning, WireState } from '../../src/notification.js';
import { arrival, EPOCH, keyOf, SETTINGS } from '../support/arrivals.js';

/** A ledger with nothing in it, and what a reader sees of it. */
export interface Stores {
  readonly store: LedgerStore & QuarantineStore & SweepStore;
  addSource(key: string): Promise<void>;
  /** Sets a meaning as an operator does. */
  pin(key: string): Promise<void>;
  /** Call ID, state, whether settled, revision; in order of Call IDs. */
  calls(): Promise<readonly (readonly [string, string, boolean, number])[]>;
  /** Call ID, revision, state, and `settled` or `superseded` where it is; in the order in which a reader is told. */
  changes(): Promise<readonly (readonly [string, number, string, string])[]>;
  /** Detail, status and instant of closing after {@link EPOCH}, in order of details. */
  gaps(): Promise<readonly (readonly [string, string, number | null])[]>;
  /** Detail, status and estimate, in order of details. */
  estimates(): Promise<readonly (readonly [string, string, number | null])[]>;
  /** Detail and copies, the oldest first. */
  quarantined(): Promise<readonly (readonly [string, number])[]>;
}

export const SOURCE = '127.0.0.1';
export const [ONE, OTHER] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'] as const;
/** H of the sender's defaults. */
export const H = 19_000;

let stores: Stores | null = null;

/** The ledger of this test. */
export function ledger(): Stores {
  if (stores === null) throw new Error('no ledger was opened');
  return stores;
}

export function useLedger(opened: Stores): void {
  stores = opened;
}

export function commit(...arrivals: readonly Arrival[]): Promise<void> {
  return commitUnder('unknown', ...arrivals);
}

/** Commits what was received while serials had this meaning. */
export async function commitUnder(meaning: SerialMeaning, ...arrivals: readonly Arrival[]): Promise<void> {
  const keys = [...new Map(arrivals.map((one) => [keyOf(one).callKey, keyOf(one)])).values()];
  await ledger().store.commit(keys, (stored) =>
    keys.map((key) => {
      const own = arrivals.filter((one) => keyOf(one).callKey === key.callKey);
      const known = stored.get(key.callKey) ?? NOTHING_STORED;
      return assemble(key, known, own, { ...noFacts(key.sourceKey, SETTINGS), meaning }, EPOCH).change;
    }),
  );
}

export function life(callId: string, at: number, ...states: readonly WireState[]): readonly Arrival[] {
  return states.map((state, index) => arrival(callId, String(index + 1), state, at + index * 1_000));
}

export function gap(detail: string, over: Partial<Gap> = {}): Gap {
  const id = callKeyOf('gap', detail);
  const none = { callKey: null, callId: null, fromSerial: null, toSerial: null, estimatedLost: null, closedAt: null };
  const span = { from: EPOCH, to: EPOCH + 1_000, openedAt: EPOCH + 1_000, deadlineAt: EPOCH + 20_000 };
  return {
    id,
    sourceKey: SOURCE,
    kind: 'serial',
    certainty: 'certain',
    status: 'open',
    detail,
    ...none,
    ...span,
    ...over,
  };
}

export function datagram(detail: string, at: number, over: Partial<QuarantinedDatagram> = {}): QuarantinedDatagram {
  const times = { receivedAt: EPOCH + at, lastReceivedAt: EPOCH + at, copies: 1 };
  const rest = {
    sourceKey: SOURCE,
    address: SOURCE,
    reason: 'fields',
    bytes: Buffer.from(detail),
    length: detail.length,
  };
  return { id: callKeyOf('quarantine', detail), detail, ...times, ...rest, ...over };
}

export async function source(): Promise<SweptSource> {
  const found = (await ledger().store.sources()).find(({ key }) => key === SOURCE);
  if (found === undefined) throw new Error('the source is not there');
  return found;
}

export function callIds(due: readonly DueKey[]): readonly string[] {
  return due.map(({ key }) => key.callId).sort();
}
