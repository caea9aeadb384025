/**
 * Against the truth, which the sender alone knows: whatever is lost, delayed or read late, no record says what was not,
 * every bound holds what was, and every notification that did not come is declared or could not be known (laws 4, 5).
 */
import fc from 'fast-check';
import { SERIAL_MEANINGS, type CallRecord, type Gap } from '../../src/notification.js';
import { historyOf, type History, type Sent } from './history.js';
import { H, MapLedger } from './ledger.js';

interface Seen {
  readonly record: CallRecord;
  readonly gaps: readonly Gap[];
}

/** What the ledger says in the end; one call must be one record. */
function ledgerOf({ arrivals, facts }: History): Seen {
  const ledger = new MapLedger();
  ledger.add(arrivals, facts);
  ledger.refold(facts);
  const [record, ...more] = ledger.records.values();
  if (record === undefined) throw new Error('no record');
  expect(more).toEqual([]);
  return { record, gaps: [...ledger.gaps.values()] };
}

function within(value: number, low: number | null, high: number | null): void {
  if (low !== null) expect(value).toBeGreaterThanOrEqual(low);
  if (high !== null) expect(value).toBeLessThanOrEqual(high);
}

function received(history: History, ...states: readonly string[]): readonly Sent[] {
  return history.call.sent.filter((one) => states.includes(one.state) && one.received.length > 0);
}

const any = historyOf(SERIAL_MEANINGS);

describe('the record and the truth', () => {
  test('nothing is called answered or not answered that was not', () => {
    fc.assert(
      fc.property(any, (history) => {
        const { disposition, dispositionBasis } = ledgerOf(history).record;
        const heard = received(history, 'ok').length > 0;
        expect(disposition === 'answered').toBe(heard);
        expect(dispositionBasis === 'reported').toBe(heard);
        if (disposition === 'not_answered') expect(history.call.answeredAt).toBeNull();
        expect(dispositionBasis).not.toBe('inferred');
      }),
      { numRuns: 500 },
    );
  });

  test('a call none of whose notifications is lost is never unknown where serials can show it', () => {
    fc.assert(
      fc.property(historyOf(['per_call', 'per_source']), (history) => {
        fc.pre(history.call.sent.every((one) => one.received.length > 0) && received(history, 'bye').length > 0);
        const { disposition } = ledgerOf(history).record;
        expect(disposition).toBe(history.call.answeredAt === null ? 'not_answered' : 'answered');
      }),
      { numRuns: 300 },
    );
  });

  test('every time lies between its bounds: no event happened after it, or before its earliest', () => {
    fc.assert(
      fc.property(any, (history) => {
        const { record } = ledgerOf(history);
        const { rangAt, answeredAt, endAt } = history.call;
        const firstAt = (state: string): number =>
          Math.min(...received(history, state).flatMap((one) => one.received.map(({ at }) => at)));
        if (record.ringingAt !== null) within(rangAt ?? Number.NaN, record.ringingAtEarliest, record.ringingAt);
        if (record.answeredAt !== null) {
          // A late OK is set back to a guess: there the Bye bounds it from above (docs/truth.md 13).
          const latest = firstAt('ok') > firstAt('bye') ? firstAt('bye') : record.answeredAt;
          within(answeredAt ?? Number.NaN, record.answeredAtEarliest, latest);
        }
        if (record.endedAt !== null) within(endAt, record.endedAtEarliest, record.endedAt);
      }),
      { numRuns: 500 },
    );
  });

  test('ring and talk time lie between their minimum and maximum, and so does the truth', () => {
    fc.assert(
      fc.property(any, (history) => {
        const { record } = ledgerOf(history);
        const { rangAt, answeredAt, endAt, sent } = history.call;
        const rang = rangAt === null ? null : (answeredAt ?? endAt) - rangAt;
        if (rang !== null) within(rang, record.ringMsMin, record.ringMsMax);
        // A call that ended without a word has not stopped ringing for anybody who listens.
        const ended = sent.some((one) => one.state === 'bye');
        const talked = answeredAt === null ? 0 : endAt - answeredAt;
        if (ended) within(talked, record.talkMsMin, record.talkMsMax);
        if (record.ringMs !== null) within(record.ringMs, Math.max(0, record.ringMsMin ?? 0), record.ringMsMax);
        if (record.talkMs !== null) within(record.talkMs, Math.max(0, record.talkMsMin ?? 0), record.talkMsMax);
      }),
      { numRuns: 800 },
    );
  });

  test('what arrived is told: times, ring and talk are there when their notifications are', () => {
    fc.assert(
      fc.property(any, (history) => {
        const { record } = ledgerOf(history);
        const [ringing, ok, bye] = [['ringing', '180', '183'], ['ok'], ['bye']].map(
          (states) => received(history, ...states).length > 0,
        );
        expect([record.ringingAt !== null, record.answeredAt !== null, record.endedAt !== null]).toEqual([
          ringing,
          ok,
          bye,
        ]);
        expect(record.talkMs !== null).toBe(ok === true && bye === true);
        if (ringing === true && ok === true) expect(record.ringMs).not.toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  test('times are never out of order, and spans never negative', () => {
    fc.assert(
      fc.property(any, (history) => {
        const { record } = ledgerOf(history);
        const at = [record.ringingAt, record.answeredAt, record.endedAt].filter((one) => one !== null);
        expect(at).toEqual([...at].sort((a, b) => a - b));
        for (const one of ['ringing', 'answered', 'ended'] as const) {
          const [best, earliest] = [record[`${one}At`], record[`${one}AtEarliest`]];
          if (best !== null && earliest !== null) expect(earliest).toBeLessThanOrEqual(best);
        }
        const spans = [
          record.ringMs,
          record.ringMsMin,
          record.ringMsMax,
          record.talkMs,
          record.talkMsMin,
          record.talkMsMax,
        ];
        expect(spans.filter((one) => one !== null && one < 0)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('law 5', () => {
  test('only a call that has ended has a disposition and a talk time, and only one that has not can become stale: filters rest on it', () => {
    fc.assert(
      fc.property(any, fc.nat({ max: 20 }), ({ arrivals, facts }, count) => {
        const ledger = new MapLedger();
        for (const one of arrivals.slice(0, 1 + count)) ledger.add([one], { ...facts, through: one.stamp.at });
        for (const {
          state,
          disposition,
          dispositionBasis,
          endProvenance,
          talkMs,
          staleAt,
        } of ledger.records.values()) {
          const ended = state === 'ended';
          expect([disposition !== null, endProvenance !== null, staleAt === null]).toEqual([ended, ended, ended]);
          if (dispositionBasis !== null || talkMs !== null) expect(ended).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('what is not known is null, never zero', () => {
    fc.assert(
      fc.property(any, fc.integer({ min: 0, max: 40_000_000 }), (history, through) => {
        const { record } = ledgerOf({ ...history, facts: { ...history.facts, through } });
        expect(record.disposition === null).toBe(record.state !== 'ended');
        expect(record.endProvenance === null).toBe(record.state !== 'ended');
        expect(record.endProvenance === 'presumed').toBe(record.presumedEndedAt !== null);
        if (record.state !== 'ended' || record.disposition === 'unknown') expect(record.talkMs).toBeNull();
        if (record.disposition === 'unknown') expect(record.ringMs).toBeNull();
        if (record.endProvenance === 'presumed') expect([record.talkMs, record.endedAt]).toEqual([null, null]);
        if (record.disposition === 'not_answered')
          expect([record.talkMs, record.talkMsMin, record.answeredAt]).toEqual([null, null, null]);
        if (record.ringingAt === null)
          expect([record.ringMs, record.ringMsMax, record.ringingAtEarliest]).toEqual([null, null, null]);
        if (record.settled) expect(record.state).toBe('ended');
      }),
      { numRuns: 500 },
    );
  });
});

describe('law 4, within a call', () => {
  const inSerials = (gap: Gap, serial: string): boolean =>
    gap.fromSerial !== null &&
    gap.toSerial !== null &&
    BigInt(serial) >= BigInt(gap.fromSerial) &&
    BigInt(serial) <= BigInt(gap.toSerial);

  test('serials per call: what is lost below the highest serial heard is in a certain gap, and nothing else is', () => {
    fc.assert(
      fc.property(historyOf(['per_call']), (history) => {
        const { record, gaps } = ledgerOf(history);
        const { sent } = history.call;
        const highest = Math.max(...sent.filter((one) => one.received.length > 0).map(({ serial }) => Number(serial)));
        const below = sent.filter(({ serial }) => Number(serial) < highest);
        for (const one of below) {
          const declared = gaps.filter(
            (gap) => gap.kind === 'serial' && gap.status === 'lost' && inSerials(gap, one.serial),
          );
          expect(declared.map(({ certainty }) => certainty)).toEqual(one.received.length === 0 ? ['certain'] : []);
        }
        const lost = below.filter((one) => one.received.length === 0).length;
        const byeLost = gaps.some((gap) => gap.kind === 'state' && gap.certainty === 'certain');
        expect(record.missingCount).toBe(lost + Number(byeLost));
      }),
      { numRuns: 500 },
    );
  });

  test('serials that show no holes: a lost OK or Bye is in a state gap, and so is a lost Ringing when no other came', () => {
    fc.assert(
      fc.property(historyOf(['constant', 'call_number', 'opaque', 'unknown']), (history) => {
        const { gaps } = ledgerOf(history);
        const states = gaps
          .filter(({ status }) => status === 'lost')
          .map(({ detail }) => /Ringing|OK|Bye/.exec(detail)?.[0]);
        const { sent } = history.call;
        const lost = (...names: readonly string[]): boolean =>
          sent.some((one) => names.includes(one.state) && one.received.length === 0);
        if (lost('ok')) expect(states).toContain('OK');
        if (lost('bye')) expect(states).toContain('Bye');
        const rang = received(history, 'ringing', '180', '183').length > 0;
        if (lost('ringing', '180', '183') && !rang) expect(states).toContain('Ringing');
      }),
      { numRuns: 500 },
    );
  });

  test('a certain gap of a call holds nothing that arrived', () => {
    fc.assert(
      fc.property(any, (history) => {
        const { gaps } = ledgerOf(history);
        for (const gap of gaps.filter(({ certainty }) => certainty === 'certain')) {
          const held =
            gap.kind === 'serial'
              ? history.call.sent.filter(({ serial }) => inSerials(gap, serial))
              : received(history, 'bye');
          expect(held.filter((one) => one.received.length > 0)).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('one missing notification is declared once', () => {
    fc.assert(
      fc.property(any, (history) => {
        const { gaps } = ledgerOf(history);
        const names = gaps.map(({ kind, fromSerial, detail }) => `${kind} ${fromSerial ?? detail}`);
        expect(new Set(names).size).toBe(names.length);
        const runs = gaps.flatMap(({ fromSerial, toSerial }) =>
          fromSerial === null || toSerial === null ? [] : [[Number(fromSerial), Number(toSerial)] as const],
        );
        for (const [from] of runs) expect(runs.filter(([a, b]) => from >= a && from <= b)).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a Call ID that is used again', () => {
  const twice = fc
    .tuple(
      fc.constantFrom(...SERIAL_MEANINGS).chain((meaning) => fc.tuple(historyOf([meaning]), historyOf([meaning]))),
      fc.integer({ min: 1, max: 5e6 }),
    )
    .filter(([pair]) =>
      pair.every((history) =>
        history.call.sent.every((one) => one.received.length > 0 && one.received.every(({ idleMs }) => idleMs === 0)),
      ),
    )
    .filter(([[one]]) => received(one, 'bye').length > 0);

  test('is two calls, each with its own notifications, from H after the first one’s last receipt on', () => {
    fc.assert(
      fc.property(twice, ([[one, other], apartMs]) => {
        const starts = Math.max(...one.arrivals.map(({ stamp }) => stamp.at)) + H + apartMs;
        const laterBy = starts - (other.call.sent[0]?.at ?? 0);
        const moved = other.arrivals.map(({ stamp, ...rest }) => ({
          ...rest,
          stamp: { ...stamp, at: stamp.at + laterBy },
        }));
        const ledger = new MapLedger();
        ledger.add([...one.arrivals, ...moved], one.facts);
        expect([...ledger.records.values()].map(({ notificationCount }) => notificationCount).sort()).toEqual(
          [one.call.sent.length, other.call.sent.length].sort(),
        );
      }),
      { numRuns: 150 },
    );
  });
});
