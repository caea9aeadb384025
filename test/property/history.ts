/**
 * Random true histories of calls, and what of them reaches a receiver: each notification is tried 1 + RETRY times, any
 * try may be lost, each is delayed by less than the margin, and the receive loop may stand still for a while.
 */
import fc from 'fast-check';
import { newestFirst, NO_HABITS, noFacts, type SourceFacts } from '../../src/delivery/facts.js';
import type { Arrival, SerialMeaning, WireState } from '../../src/notification.js';
import { arrival, IN_THE_END, SETTINGS } from './ledger.js';

/** One notification as its sender knows it. */
export interface Sent {
  readonly state: WireState;
  readonly at: number;
  readonly serial: string;
  /** When its copies were received; empty: lost for good. */
  readonly received: readonly { readonly at: number; readonly idleMs: number }[];
}

/** One call as it was. */
export interface TrueCall {
  readonly sent: readonly Sent[];
  readonly rangAt: number | null;
  readonly answeredAt: number | null;
  readonly endAt: number;
}

export interface History {
  readonly meaning: SerialMeaning;
  readonly call: TrueCall;
  readonly arrivals: readonly Arrival[];
  readonly facts: SourceFacts;
}

interface Event {
  readonly state: WireState;
  readonly at: number;
}

const RINGS = ['180', '183', 'both', 'ringing', 'none'] as const;

const events = fc
  .record({
    rings: fc.constantFrom(...RINGS),
    answered: fc.boolean(),
    sendsBye: fc.boolean(),
    start: fc.integer({ min: 100_000, max: 200_000 }),
    ringMs: fc.oneof(fc.integer({ min: 1, max: 4000 }), fc.integer({ min: 1, max: 250_000 })),
    talkMs: fc.oneof(fc.integer({ min: 1, max: 4000 }), fc.integer({ min: 1, max: 3_000_000 })),
    second: fc.double({ min: 0.1, max: 0.9, noNaN: true }),
  })
  .map(({ rings, answered, sendsBye, start, ringMs, talkMs, second }) => {
    const codes: Event[] =
      rings === 'none'
        ? []
        : rings === 'both'
          ? [
              { state: '180', at: start },
              { state: '183', at: Math.floor(start + ringMs * second) },
            ]
          : [{ state: rings, at: start }];
    const rang = codes.length > 0;
    const answeredAt = answered ? (rang ? start + ringMs : start) : null;
    const endAt = answeredAt === null ? (rang ? start + ringMs : start) : answeredAt + talkMs;
    const ok: Event[] = answeredAt === null ? [] : [{ state: 'ok', at: answeredAt }];
    // A failed leg may end without a word, if it said anything before.
    const bye: Event[] = answered || sendsBye || !rang ? [{ state: 'bye', at: endAt }] : [];
    return { all: [...codes, ...ok, ...bye], rangAt: rang ? start : null, answeredAt, endAt };
  });

/** Which tries arrive, how late each, and how long it then waited for the receive loop. */
const delivery = fc.array(
  fc.record({
    arrives: fc.boolean(),
    delayMs: fc.integer({ min: 0, max: SETTINGS.marginMs - 1 }),
    waitedMs: fc.oneof(
      { weight: 9, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 25_000 }) },
    ),
    idleOverMs: fc.integer({ min: 0, max: 500 }),
  }),
  { minLength: 7, maxLength: 7 },
);

const lossy = fc.oneof({ weight: 3, arbitrary: delivery }, { weight: 1, arbitrary: fc.constant([]) });

function serialOf(meaning: SerialMeaning, index: number): string {
  switch (meaning) {
    case 'per_call':
      return String(index + 1);
    case 'per_source':
      return String(1000 + 7 * index);
    case 'constant':
    case 'call_number':
      return '77';
    case 'opaque':
    case 'unknown':
      return `s${String(9 - index)}`;
  }
}

/** A source whose other calls arrive without loss: what is lost of this one is what its book finds missing. */
function factsOf(meaning: SerialMeaning, sent: readonly Sent[]): SourceFacts {
  const highest = Math.max(...sent.map(({ serial }) => Number(serial)));
  const holes =
    meaning === 'per_source'
      ? sent
          .filter(({ received }) => received.length === 0)
          .map(({ serial, at }) => ({
            from: BigInt(serial),
            to: BigInt(serial),
            sentFrom: at - 25_000,
            sentTo: at + 25_000,
          }))
      : [];
  if (meaning === 'per_source' && !Number.isFinite(highest)) throw new Error('serials of a source are numbers');
  return {
    ...noFacts('ivr', SETTINGS),
    meaning,
    through: IN_THE_END,
    holes: newestFirst(holes),
    // 0.6^7 = 0.028: nobody may infer anything.
    lossWindows: [{ from: -1e10, to: 2e10, p: 0.6, pMean: 0.6, habits: NO_HABITS, rhythm: null }],
  };
}

/** One call under a Call ID of its own, of which at least one notification arrives. */
export function historyOf(meanings: readonly SerialMeaning[]): fc.Arbitrary<History> {
  return fc
    .tuple(fc.constantFrom(...meanings), events, fc.array(lossy, { minLength: 4, maxLength: 4 }))
    .map(([meaning, { all, rangAt, answeredAt, endAt }, tries]): History => {
      const sent = all.map(({ state, at }, index): Sent => {
        const received = (tries[index] ?? []).flatMap(({ arrives, delayMs, waitedMs, idleOverMs }, k) =>
          arrives
            ? [
                {
                  at: at + k * SETTINGS.intervalMs + delayMs + waitedMs,
                  idleMs: waitedMs === 0 ? 0 : waitedMs + idleOverMs,
                },
              ]
            : [],
        );
        return { state, at, serial: serialOf(meaning, index), received };
      });
      const arrivals = sent.flatMap(({ state, serial, received }) =>
        received.map(({ at, idleMs }) => arrival(at, serial, state, { idleMs })),
      );
      return { meaning, call: { sent, rangAt, answeredAt, endAt }, arrivals, facts: factsOf(meaning, sent) };
    })
    .filter(({ arrivals }) => arrivals.length > 0);
}
