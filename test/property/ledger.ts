/**
 * What the property tests share: a ledger of one Call ID kept in memory, and random arrivals and facts.
 */
import fc from 'fast-check';
import { newestFirst, NO_HABITS, noFacts, type SourceFacts } from '../../src/delivery/facts.js';
import { callKeyOf } from '../../src/lifecycle/keys.js';
import { assemble, refold } from '../../src/ingest/assemble/assemble.js';
import { NOTHING_STORED, type KeyChange, type KeyRef, type StoredKey } from '../../src/ingest/ports.js';
import { decodeEvidence, type PackedEvidence } from '../../src/delivery/evidence.js';
import {
  SERIAL_MEANINGS,
  type Arrival,
  type CallRecord,
  type Gap,
  type Settings,
  type WireState,
} from '../../src/notification.js';

// Whoever only asks whether a property fails, and not how, need not wait for the smallest counterexample.
fc.configureGlobal({ endOnFailure: process.env.FAST_CHECK_SHRINK === '0' });

export const SETTINGS: Settings = {
  retry: 6,
  intervalMs: 3000,
  marginMs: 1000,
  staleRingingMs: 300_000,
  staleAnsweredMs: 14_400_000,
  lossWindowMs: 300_000,
};

/** H of {@link SETTINGS}. */
export const H = 19_000;
/** Every deadline, stale limit and window of a test lies before it. */
export const IN_THE_END = 1e10;

export const KEY: KeyRef = { callKey: callKeyOf('ivr', 'c1'), sourceKey: 'ivr', callId: 'c1' };

/** The rows of one Call ID, written as a store writes them. */
export class MapLedger {
  private stored: StoredKey = NOTHING_STORED;
  readonly records = new Map<string, CallRecord>();
  readonly gaps = new Map<string, Gap>();
  readonly superseded: string[] = [];

  /** Writes a batch under the facts its receiver has. */
  add(arrivals: readonly Arrival[], facts: SourceFacts): void {
    this.write(assemble(KEY, this.stored, arrivals, facts, facts.through).change);
  }

  refold(facts: SourceFacts): void {
    const change = refold(KEY, this.stored, facts, facts.through, 'all');
    if (change !== null) this.write(change);
  }

  private write(change: KeyChange): void {
    for (const id of change.superseded) this.records.delete(id);
    this.superseded.push(...change.superseded);
    for (const { record } of change.calls) this.records.set(record.id, record);
    for (const gap of change.gaps) this.gaps.set(gap.id, gap);
    const document = JSON.parse(JSON.stringify(change.document)) as PackedEvidence & Pick<StoredKey, 'calls'>;
    this.stored = { version: this.stored.version + 1, notifications: decodeEvidence(document), calls: document.calls };
  }

  /** What law 2 promises to be the same: records without what counts copies, and gaps that are open or lost. */
  promised(): unknown {
    const records = [...this.records.values()].map(({ duplicateCount, lossSample, ...record }) => record);
    const gaps = [...this.gaps.values()].filter(({ status }) => status === 'open' || status === 'lost');
    return { records: records.sort(byId), gaps: gaps.sort(byId) };
  }
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}

const STATES: readonly WireState[] = ['ringing', '180', '183', 'ok', 'bye', 'other:Hold'];

export function arrival(
  at: number,
  serial: string,
  state: WireState,
  over: { idleMs?: number; caller?: string } = {},
): Arrival {
  return {
    sourceKey: 'ivr',
    payload: new Uint8Array(),
    stamp: { at, idleMs: over.idleMs ?? 0 },
    report: {
      callId: 'c1',
      serial,
      state,
      stateRaw: state,
      callerNumber: over.caller ?? '441632960001',
      calleeNumber: '441632960002',
      forwardNumber: null,
      menuId: '3',
      menuName: null,
    },
  };
}

/** Any arrivals at all, dense enough that copies, conflicts, inversions and reuse of the Call ID all happen. */
export const anyArrivals = fc.array(
  fc
    .record({
      at: fc.oneof(
        fc.integer({ min: 0, max: 60_000 }),
        fc.integer({ min: 0, max: 20 }).map((n) => n * H),
        fc.integer({ min: 0, max: 2e7 }),
      ),
      serial: fc.oneof(fc.integer({ min: 1, max: 6 }).map(String), fc.constantFrom('70000', 'x', '77')),
      state: fc.constantFrom(...STATES),
      caller: fc.constantFrom('441632960001', '441632960001', '441632960009'),
      idleMs: fc.oneof(
        { weight: 4, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 30_000 }) },
      ),
    })
    .map(({ at, serial, state, caller, idleMs }) => arrival(at, serial, state, { caller, idleMs })),
  { minLength: 1, maxLength: 14 },
);

const instant = fc.integer({ min: 0, max: 100_000 });
const span = fc.tuple(instant, fc.integer({ min: 1, max: 30_000 })).map(([from, ms]) => ({ from, to: from + ms }));

/** No change of settings, or one: from what was longer or shorter to what they are. */
const anyVersions = fc.option(
  fc.record({ since: instant, retry: fc.constantFrom(2, 6), staleRingingMs: fc.constantFrom(20_000, 600_000) }),
  { nil: null },
);

/** Any facts of a source, as they are in the end. */
export const anyFacts: fc.Arbitrary<SourceFacts> = fc
  .record({
    meaning: fc.constantFrom(...SERIAL_MEANINGS),
    p: fc.constantFrom(null, 0, 0.1, 0.4),
    outages: fc.array(span, { maxLength: 2 }),
    quarantinedAt: fc.array(instant, { maxLength: 1 }),
    epochs: fc.array(instant, { maxLength: 1 }),
    holes: fc.array(fc.record({ serial: fc.integer({ min: 1, max: 6 }), sent: span }), { maxLength: 2 }),
    unansweredByeRatio: fc.constantFrom(null, 0, 0.7, 1),
    answerRatio: fc.constantFrom(null, 0, 0.6, 1),
    change: anyVersions,
  })
  .map(({ p, holes, answerRatio, unansweredByeRatio, change, ...facts }) => ({
    ...noFacts('ivr', SETTINGS),
    ...facts,
    versions:
      change === null
        ? []
        : [
            {
              since: Number.NEGATIVE_INFINITY,
              settings: { ...SETTINGS, retry: change.retry, staleRingingMs: change.staleRingingMs },
            },
            { since: change.since, settings: SETTINGS },
          ],
    through: IN_THE_END,
    lossWindows: [
      {
        from: -2e10,
        to: -1e10,
        p: 0,
        pMean: 0,
        habits: { ringingRatio: 0.98, answerRatio, unansweredByeRatio },
        rhythm: null,
      },
      ...(p === null ? [] : [{ from: -1e10, to: 2e10, p, pMean: p, habits: NO_HABITS, rhythm: null }]),
    ],
    holes: newestFirst(
      holes.map(({ serial, sent }) => ({
        from: BigInt(serial),
        to: BigInt(serial),
        sentFrom: sent.from,
        sentTo: sent.to,
      })),
    ),
  }));
