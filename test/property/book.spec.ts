/**
 * The book of a source against the truth: whatever is lost, late or inverted, and however its pages are cut, the gaps it
 * declares are the serials that did not come, each once (laws 2 and 4, docs/truth.md 9, 16, 18).
 */
import fc from 'fast-check';
import { advance, EMPTY_BOOK, type Book, type HoleEvent, type Received } from '../../src/delivery/book.js';
import { holesOf } from '../../src/delivery/holes.js';
import { H } from './ledger.js';

const RULES = { horizonMs: H, keepMs: 1e9 };
const END = 1e9;

interface Sent {
  readonly serial: number;
  readonly sentAt: number;
  /** null: lost for good. */
  readonly receivedAt: number | null;
}

interface Row {
  readonly status: HoleEvent['kind'];
  readonly from: number;
  readonly to: number | null;
}

/** What the gap ledger holds after these events: the last state of each gap, by its name. */
function rowsOf(events: readonly HoleEvent[]): readonly Row[] {
  const rows = new Map<string, Row>();
  for (const { kind, epoch, from, to } of events) {
    const name = `${kind === 'tail' ? 'tail' : 'serial'} ${String(epoch)} ${from}`;
    rows.set(name, { status: kind, from: Number(from), to: to === null ? null : Number(to) });
  }
  return [...rows.values()];
}

function serialsIn(rows: readonly Row[], ...statuses: readonly Row['status'][]): readonly number[] {
  return rows
    .filter(({ status }) => statuses.includes(status))
    .flatMap(({ from, to }) => (to === null ? [] : Array.from({ length: to - from + 1 }, (_, n) => from + n)))
    .sort((a, b) => a - b);
}

function receivedOf(sent: readonly Sent[]): readonly Received[] {
  return sent
    .flatMap(({ serial, receivedAt }) =>
      receivedAt === null ? [] : [{ serial: BigInt(serial), firstAt: receivedAt, idleMs: 0, counts: true }],
    )
    .sort((a, b) => a.firstAt - b.firstAt || Number(a.serial - b.serial));
}

/** Moves a book over what was received, stopping at the given instants as W does. */
function keep(received: readonly Received[], stops: readonly number[]): { book: Book; events: readonly HoleEvent[] } {
  let book = EMPTY_BOOK;
  const events: HoleEvent[] = [];
  let after = Number.NEGATIVE_INFINITY;
  for (const through of [...stops].sort((a, b) => a - b).concat(END)) {
    const page = received.filter(({ firstAt }) => firstAt > after && firstAt <= through);
    const moved = advance(book, page, through, RULES);
    book = JSON.parse(JSON.stringify(moved.book)) as Book;
    events.push(...moved.events);
    after = through;
  }
  return { book, events };
}

/** A source that counts on from `first`, each notification received at some try or never. */
function source(first: number, startAt: number): fc.Arbitrary<readonly Sent[]> {
  const one = fc.record({
    afterMs: fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.integer({ min: 0, max: 60_000 })),
    tries: fc.oneof(
      { weight: 5, arbitrary: fc.constant(0) },
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 6 }) },
      { weight: 2, arbitrary: fc.constant(null) },
    ),
    delayMs: fc.integer({ min: 0, max: 999 }),
  });
  return fc.array(one, { minLength: 1, maxLength: 40 }).map((all) => {
    let sentAt = startAt;
    return all.map(({ afterMs, tries, delayMs }, index) => {
      sentAt += afterMs;
      return { serial: first + index, sentAt, receivedAt: tries === null ? null : sentAt + tries * 3000 + delayMs };
    });
  });
}

const stops = fc.array(fc.integer({ min: 0, max: 2_000_000 }), { maxLength: 8 });

describe('the book of a source', () => {
  test('declares as lost exactly what did not come between the lowest and the highest serial heard', () => {
    fc.assert(
      fc.property(source(1000, 0), stops, (sent, at) => {
        const { events } = keep(receivedOf(sent), at);
        const heard = sent.filter(({ receivedAt }) => receivedAt !== null).map(({ serial }) => serial);
        const missing = sent
          .filter(
            ({ serial, receivedAt }) =>
              receivedAt === null && serial > Math.min(...heard) && serial < Math.max(...heard),
          )
          .map(({ serial }) => serial);
        const rows = rowsOf(events);
        expect(serialsIn(rows, 'lost')).toEqual(missing);
        expect(serialsIn(rows, 'opened')).toEqual([]);
        expect(rows.filter(({ status }) => status === 'tail')).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  test('is the same however often W stops on the way', () => {
    fc.assert(
      fc.property(source(1000, 0), stops, (sent, at) => {
        const received = receivedOf(sent);
        const [once, often] = [keep(received, []), keep(received, at)];
        expect(often.book.holes.map(({ from, to }) => [from, to])).toEqual(
          once.book.holes.map(({ from, to }) => [from, to]),
        );
        expect(serialsIn(rowsOf(often.events), 'lost')).toEqual(serialsIn(rowsOf(once.events), 'lost'));
      }),
      { numRuns: 300 },
    );
  });

  test('knows a hole from the moment a higher serial came, and when what is in it was sent', () => {
    fc.assert(
      fc.property(source(1000, 0), fc.integer({ min: 0, max: 2_000_000 }), (sent, through) => {
        const received = receivedOf(sent).filter(({ firstAt }) => firstAt <= through);
        fc.pre(received.length > 0);
        const holes = holesOf(advance(EMPTY_BOOK, received, through, RULES).book);
        const serials = received.map(({ serial }) => Number(serial));
        for (const { serial, sentAt } of sent) {
          const open = serial > Math.min(...serials) && serial < Math.max(...serials) && !serials.includes(serial);
          const hole = holes.find(({ from, to }) => from <= serial && serial <= to);
          expect(hole !== undefined).toBe(open);
          if (hole !== undefined) expect(hole.sentFrom <= sentAt && sentAt <= hole.sentTo).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('follows a counter of 16 bits past its end, and names holes as the wire has them', () => {
    fc.assert(
      fc.property(source(65_520, 0), stops, (sent, at) => {
        const onWire = sent.map((one) => ({ ...one, serial: one.serial % 65_536 }));
        const { book, events } = keep(receivedOf(onWire), at);
        const heard = sent.filter(({ receivedAt }) => receivedAt !== null).map(({ serial }) => serial);
        const missing = sent
          .filter(
            ({ serial, receivedAt }) =>
              receivedAt === null && serial > Math.min(...heard) && serial < Math.max(...heard),
          )
          .map(({ serial }) => serial);
        expect(serialsIn(rowsOf(events), 'lost')).toEqual(missing);
        const holes = holesOf(book);
        for (const { serial } of onWire) {
          const lost = missing.some((one) => one % 65_536 === serial);
          expect(holes.some(({ from, to }) => from <= serial && serial <= to)).toBe(lost);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('takes a restart for a new epoch: the old one ends open, and its holes stay its own', () => {
    const restarted = source(1000, 0).chain((before) => {
      const last = before.at(-1)?.sentAt ?? 0;
      return fc.tuple(
        fc.constant(before),
        fc.integer({ min: H + 1, max: 100_000 }).chain((pause) => source(980, last + 2 * H + pause)),
      );
    });
    fc.assert(
      fc.property(restarted, stops, ([before, later], at) => {
        const heardBefore = before.filter(({ receivedAt }) => receivedAt !== null).map(({ serial }) => serial);
        const heardLater = receivedOf(later).map(({ serial }) => Number(serial));
        // Three distinct serials below the highest of before, first of all that came, are what tells a restart.
        fc.pre(
          heardBefore.length > 0 &&
            heardLater.length >= 3 &&
            heardLater.slice(0, 3).every((serial) => serial < Math.min(...heardBefore)),
        );
        const { book, events } = keep(receivedOf([...before, ...later]), at);
        expect(book.epoch).toBe(1);
        const between = (all: readonly Sent[], heard: readonly number[]): readonly number[] =>
          all
            .filter(
              ({ serial, receivedAt }) =>
                receivedAt === null && serial > Math.min(...heard) && serial < Math.max(...heard),
            )
            .map(({ serial }) => serial);
        const missing = [...between(before, heardBefore), ...between(later, heardLater)].sort((a, b) => a - b);
        const rows = rowsOf(events);
        expect(serialsIn(rows, 'lost')).toEqual(missing);
        expect(serialsIn(rows, 'opened')).toEqual([]);
        expect(rows.filter(({ status }) => status === 'tail')).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  });
});
