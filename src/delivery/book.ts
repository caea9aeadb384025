/**
 * The book of one source whose serials count across calls: what came, what did not, and what may still come
 * (docs/truth.md 8, 9, 16, 18). Moved forward over everything received up to W, in order of receipt, exactly once; so it is
 * the same whichever receiver moves it and in how many steps.
 *
 * A serial above the highest opens a hole below itself. A serial inside a hole fills it. A serial that is below what
 * was already the highest H ago cannot be a retry of something sent then: three distinct ones in a row mean that the
 * source restarted, and a new epoch begins. A serial just past 2^k after one just below it is a wrap, not a restart.
 */
import { Holes, type Run, type StoredHoles, WRAP_BITS } from './holes.js';

/** A notification as the book sees it. */
export interface Received {
  readonly serial: bigint | null;
  readonly firstAt: number;
  /** How long it may have waited in the kernel before that. */
  readonly idleMs: number;
  /** It is the one that moves the count on: any notification where serials count those, a call's first where they count calls. */
  readonly counts: boolean;
}

export interface Book extends StoredHoles {
  readonly epoch: number;
  /** Highest serial of the epoch, wraps added; null before the first. */
  readonly highest: string | null;
  /** Its receipt less its idle time. */
  readonly highestAt: number;
  /** Lowest serial of the epoch: the first heard need not be the first sent. */
  readonly lowest: string | null;
  /** [at, highest]: what was the highest when, back to H ago. */
  readonly marks: readonly (readonly [number, string])[];
  /** Distinct serials in a row that are too low to be retries, with their receipts and idle times (books from before have none). */
  readonly below: readonly (readonly [serial: string, at: number, idleMs?: number])[];
  /** Instants at which an epoch began, newest last. */
  readonly epochs: readonly number[];
}

export const EMPTY_BOOK: Book = {
  epoch: 0,
  highest: null,
  highestAt: 0,
  lowest: null,
  wrapped: '0',
  marks: [],
  below: [],
  holes: [],
  epochs: [],
};

/** What happened to a run of serials while the book moved on. */
export interface HoleEvent {
  readonly kind: 'opened' | 'filled' | 'lost' | 'tail';
  readonly epoch: number;
  readonly from: string;
  /** null for the open end of an epoch. */
  readonly to: string | null;
  readonly openedAt: number;
  readonly sentFrom: number;
  readonly sentTo: number;
  readonly at: number;
}

/** Serials in a row, too low to be retries, that mean a restart. */
const RESTART_EVIDENCE = 3;
/** How far from the edge a wrap may be seen. */
const WRAP_WINDOW = 1000n;
const MOST_EPOCHS = 100;
/** A hole longer than this is a jump of the counter rather than so many lost notifications. */
export const MOST_LOST_IN_A_ROW = 100_000n;

export interface BookRules {
  readonly horizonMs: number;
  /** Lost holes are kept this long for the calls that lie across them. */
  readonly keepMs: number;
}

/** The book while it is being moved: the same fields, writable, serials as numbers. */
class Page {
  epoch: number;
  highest: bigint | null;
  highestAt: number;
  lowest: bigint | null;
  wrapped: bigint;
  marks: (readonly [number, string])[];
  below: (readonly [serial: string, at: number, idleMs?: number])[];
  readonly holes: Holes;
  epochs: number[];
  readonly events: HoleEvent[] = [];

  constructor(
    book: Book,
    readonly rules: BookRules,
  ) {
    this.epoch = book.epoch;
    this.highest = book.highest === null ? null : BigInt(book.highest);
    this.highestAt = book.highestAt;
    this.lowest = book.lowest === null ? null : BigInt(book.lowest);
    this.wrapped = BigInt(book.wrapped);
    this.marks = [...book.marks];
    this.below = [...book.below];
    this.holes = new Holes(book.holes, book.left ?? null);
    this.epochs = [...book.epochs];
  }

  /** Takes one notification, in order of receipt. */
  take({ serial: raw, counts, firstAt, idleMs }: Received): void {
    if (raw === null) return;
    const serial = this.unwrap(raw);
    if (this.highest === null) this.raise(serial, firstAt, idleMs);
    else if (serial > this.highest) {
      if (serial > this.highest + 1n) this.open(this.highest + 1n, serial - 1n, firstAt);
      this.raise(serial, firstAt, idleMs);
    } else if (!this.fill(serial, firstAt) && counts && !this.isRetry(serial, firstAt - idleMs)) {
      this.suspect(serial, firstAt, idleMs);
    } else if (this.lowest !== null && serial < this.lowest) this.reachDown(serial, firstAt);
  }

  /** A serial above what was the highest H before it arrived may be a retry of something sent since. */
  private isRetry(serial: bigint, arrivedAt: number): boolean {
    const mark = this.marks.findLast(([when]) => when <= arrivedAt - this.rules.horizonMs);
    return mark === undefined || serial > BigInt(mark[1]);
  }

  /** A retry from before the first serial heard: what lies between the two is missing as well. */
  private reachDown(serial: bigint, at: number): void {
    if (this.lowest !== null && serial < this.lowest - 1n) this.open(serial + 1n, this.lowest - 1n, at);
    this.lowest = serial;
  }

  private raise(serial: bigint, at: number, idleMs: number): void {
    this.highest = serial;
    this.highestAt = at - idleMs;
    this.lowest ??= serial;
    this.below = [];
    const last = this.marks.at(-1);
    // Ten marks per H are enough to know what was the highest H ago, a tenth of H late at most.
    if (last === undefined || at - last[0] >= this.rules.horizonMs / 10) this.marks.push([at, String(serial)]);
    while ((this.marks[1]?.[0] ?? at) < at - this.rules.horizonMs) this.marks.shift();
  }

  private open(from: bigint, to: bigint, at: number): void {
    const sentFrom = this.highestAt - this.rules.horizonMs;
    const run: Run = { epoch: this.epoch, from, to, openedAt: at, sentFrom, lost: false };
    this.holes.add(run);
    this.emit('opened', run, at);
  }

  /** Fills a serial's hole, splitting it; false when it lies in none. */
  private fill(serial: bigint, at: number): boolean {
    const taken = this.holes.take(serial);
    if (taken === null) return false;
    this.emit('filled', { ...taken.run, from: serial, to: serial }, at);
    for (const part of taken.rest) this.emit(part.lost ? 'lost' : 'opened', part, at);
    return true;
  }

  /** A serial that is in no hole and too low to be a retry: evidence of a restart. */
  private suspect(serial: bigint, at: number, idleMs: number): void {
    if (!this.below.some(([seen]) => seen === String(serial))) this.below.push([String(serial), at, idleMs]);
    if (this.below.length >= RESTART_EVIDENCE) this.restart();
  }

  private restart(): void {
    const evidence = this.below
      .map(([serial, at, idleMs = 0]) => ({ serial: BigInt(serial), at, idleMs }))
      .sort((a, b) => a.at - b.at);
    const [first] = evidence;
    if (first === undefined || this.highest === null) return;
    this.events.push({
      kind: 'tail',
      epoch: this.epoch,
      from: String(this.highest + 1n),
      to: null,
      openedAt: first.at,
      sentFrom: this.highestAt - this.rules.horizonMs,
      sentTo: first.at,
      at: first.at,
    });
    this.epoch += 1;
    this.epochs = [...this.epochs, first.at].slice(-MOST_EPOCHS);
    this.highest = null;
    this.highestAt = first.at;
    this.lowest = null;
    this.wrapped = 0n;
    this.marks = [];
    this.below = [];
    for (const { serial, at, idleMs } of evidence) this.take({ serial, counts: true, firstAt: at, idleMs });
  }

  /** The serial with what wraps have added: the reading nearest to the highest. */
  private unwrap(raw: bigint): bigint {
    if (this.highest === null) return raw;
    const serial = raw + this.wrapped;
    for (const bits of WRAP_BITS) {
      const size = 1n << bits;
      const ahead = serial + size - this.highest;
      const edge = this.highest - this.wrapped >= size - WRAP_WINDOW && this.highest - this.wrapped < size;
      if (edge && raw < WRAP_WINDOW && ahead > 0n && ahead <= WRAP_WINDOW) {
        this.wrapped += size;
        return serial + size;
      }
      const behind = this.highest - (serial - size);
      if (this.wrapped >= size && behind >= 0n && behind < WRAP_WINDOW) return serial - size;
    }
    return serial;
  }

  /** Holes whose deadline W has passed are lost; old ones are left to the ledger. */
  expire(through: number): void {
    for (const run of this.holes.expire(through - this.rules.horizonMs)) {
      this.emit('lost', run, run.openedAt + this.rules.horizonMs);
    }
    this.holes.forget(through - this.rules.keepMs);
  }

  private emit(kind: HoleEvent['kind'], { epoch, from, to, openedAt, sentFrom }: Run, at: number): void {
    this.events.push({ kind, epoch, from: String(from), to: String(to), openedAt, sentFrom, sentTo: openedAt, at });
  }

  close(): Book {
    const { epoch, highestAt, marks, below, epochs } = this;
    const { holes, left } = this.holes.stored();
    const highest = this.highest === null ? null : String(this.highest);
    const lowest = this.lowest === null ? null : String(this.lowest);
    return { epoch, highest, highestAt, lowest, wrapped: String(this.wrapped), marks, below, holes, left, epochs };
  }
}

/**
 * Moves a book forward to W.
 * @param received everything first received after the book's last W and up to this one, in order of receipt
 * @param through W: all that was received up to here is in `received` or was taken before
 * @returns the book, and what became of which serials, in order
 */
export function advance(
  book: Book,
  received: readonly Received[],
  through: number,
  rules: BookRules,
): { book: Book; events: readonly HoleEvent[] } {
  const page = new Page(book, rules);
  for (const one of received) page.take(one);
  page.expire(through);
  return { book: page.close(), events: page.events };
}
