/**
 * What is stored of everything received under one Call ID of one source (docs/truth.md 1-3): notifications as intervals
 * of receipts, merged by interval union, so that the order in which arrivals are processed leaves no trace.
 */
import {
  eventTimeOf,
  type Arrival,
  type Content,
  type Notification,
  type Report,
  type WireState,
} from '../notification.js';

/** What an arrival turned out to be (law 3). */
export type ArrivalOutcome = 'first' | 'duplicate' | 'conflict';

/** A notification that an arrival made, grew or swallowed. */
export interface NotificationChange {
  /** `firstAt` of the rows it replaces; empty when it is new. */
  readonly replaces: readonly number[];
  readonly notification: Notification;
}

export interface Merge {
  readonly notifications: readonly Notification[];
  readonly outcome: ArrivalOutcome;
  readonly change: NotificationChange;
}

const CONTENT_FIELDS = ['callerNumber', 'calleeNumber', 'forwardNumber', 'menuId', 'menuName'] as const;

/** Two contents that say the same. */
export function sameContent(a: Content, b: Content): boolean {
  return (
    a === b ||
    (a.callerNumber === b.callerNumber &&
      a.calleeNumber === b.calleeNumber &&
      a.forwardNumber === b.forwardNumber &&
      a.menuId === b.menuId &&
      a.menuName === b.menuName)
  );
}

/** Content as one string: its order decides which of several contents of one notification speaks. */
export function contentText(content: Content): string {
  return CONTENT_FIELDS.map((field) => content[field] ?? '').join('\u0000');
}

function sameIdentity(a: Pick<Report, 'serial' | 'state'>, b: Pick<Report, 'serial' | 'state'>): boolean {
  return a.serial === b.serial && a.state === b.state;
}

/** H as it was in force at an instant, in ms. */
export type HorizonAt = (at: number) => number;

/**
 * Whether a chain of copies at most H apart would link a receipt to these of its identity: the H at the earlier of two receipts,
 * whichever is stored first. An identity that holds its event's time never recurs.
 */
function within({ serial, firstAt, lastAt }: Notification, at: number, horizonAt: HorizonAt): boolean {
  const linked = at < firstAt ? firstAt <= at + horizonAt(at) : at <= lastAt + horizonAt(lastAt);
  return linked || eventTimeOf(serial) !== null;
}

function fromArrival({ report, stamp }: Arrival): Notification {
  const { callerNumber, calleeNumber, forwardNumber, menuId, menuName } = report;
  return {
    serial: report.serial,
    state: report.state,
    stateRaw: report.stateRaw,
    firstAt: stamp.at,
    lastAt: stamp.at,
    copies: 1,
    idleMs: stamp.idleMs,
    content: { callerNumber, calleeNumber, forwardNumber, menuId, menuName },
  };
}

/** Which of two receipts of one notification is the first; at one instant, the one that may have waited longest. */
function byFirst(a: Notification, b: Notification): number {
  return a.firstAt - b.firstAt || b.idleMs - a.idleMs || compareText(a.stateRaw, b.stateRaw);
}

/** The union of receipts of the same identity and content. The earliest receipt keeps its raw state and idle time. */
function union(a: Notification, b: Notification): Notification {
  const first = byFirst(a, b) <= 0 ? a : b;
  return {
    ...first,
    lastAt: Math.max(a.lastAt, b.lastAt),
    copies: a.copies + b.copies,
  };
}

/** Receipts order, then everything else that tells two notifications apart: a total order, whatever came in first. */
export function byReceipt(a: Notification, b: Notification): number {
  return (
    a.firstAt - b.firstAt ||
    rankOrder(a.state) - rankOrder(b.state) ||
    compareText(a.serial, b.serial) ||
    compareText(a.state, b.state) ||
    compareText(contentText(a.content), contentText(b.content))
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Place of a state in the life of a call: ringing 0, ok 1, bye 2; null for a state that moves no lifecycle. */
export function rank(state: WireState): 0 | 1 | 2 | null {
  switch (state) {
    case 'ringing':
    case '180':
    case '183':
      return 0;
    case 'ok':
      return 1;
    case 'bye':
      return 2;
    default:
      return null;
  }
}

function rankOrder(state: WireState): number {
  return rank(state) ?? 3;
}

/** Rows in order of receipt. They nearly always are already, and looking costs a tenth of sorting. */
export function inOrder<Row extends Notification>(rows: readonly Row[]): readonly Row[] {
  let before: Row | null = null;
  for (const row of rows) {
    if (before !== null && before.firstAt >= row.firstAt && byReceipt(before, row) > 0)
      return [...rows].sort(byReceipt);
    before = row;
  }
  return rows;
}

/**
 * Adds one arrival to what is stored: joins every row of its identity and content that it reaches or links,
 * else becomes a row of its own. `conflict` when a row of the same identity within H says something else.
 */
export function addArrival(stored: readonly Notification[], arrival: Arrival, horizonAt: HorizonAt): Merge {
  const { report, stamp } = arrival;
  const reached = stored.filter((row) => sameIdentity(row, report) && within(row, stamp.at, horizonAt));
  const own = fromArrival(arrival);
  if (reached.length === 0) {
    return {
      notifications: inOrder([...stored, own]),
      outcome: 'first',
      change: { replaces: [], notification: own },
    };
  }
  const joined = reached.filter((row) => sameContent(row.content, report));
  const disputed = joined.length < reached.length;
  const notification = joined.reduce(union, own);
  const notifications = inOrder([...stored.filter((row) => !joined.includes(row)), notification]);
  const outcome = joined.length > 0 ? 'duplicate' : disputed ? 'conflict' : 'first';
  return { notifications, outcome, change: { replaces: joined.map((row) => row.firstAt), notification } };
}

/** A notification as lifecycle sees it: the content that speaks, and whether copies disagreed (docs/truth.md 3). */
export interface Spoken extends Notification {
  readonly disputed?: boolean;
}

/** Two parts of one notification, the earlier first: its content speaks. */
function link(earlier: Spoken, later: Spoken): Spoken {
  return {
    ...earlier,
    lastAt: Math.max(earlier.lastAt, later.lastAt),
    copies: earlier.copies + later.copies,
    disputed: earlier.disputed === true || later.disputed === true || !sameContent(earlier.content, later.content),
  };
}

/** Rows compared with each other at most: a call has three or four, a Call ID used again and again has many. */
const COMPARED_MAX = 8;

/** No two rows share an identity, as in nearly every call: there is nothing to join. */
function allDistinct(rows: readonly Notification[]): boolean {
  if (rows.length > COMPARED_MAX) return false;
  return rows.every((row, index) => {
    for (let earlier = 0; earlier < index; earlier++) {
      const other = rows[earlier];
      if (other !== undefined && sameIdentity(other, row)) return false;
    }
    return true;
  });
}

/**
 * Joins rows of one identity whose receipts a chain at most H apart links, whatever they say: one notification,
 * for which the smallest (first receipt, content) speaks. A receipt that waited in the kernel while the receive loop
 * stood still may have arrived that much earlier: a loop that stood for longer than H does not make a copy another
 * notification (an OK read 25 s late would count as a second answered call).
 */
export function speak(stored: readonly Notification[], horizonAt: HorizonAt): readonly Spoken[] {
  const ordered = inOrder(stored);
  if (allDistinct(ordered)) return ordered;
  const chains = new Map<string, Spoken[]>();
  for (const row of ordered) {
    const identity = `${row.serial}\u0000${row.state}`;
    const earlier = chains.get(identity) ?? [];
    let whole: Spoken = row;
    // Chains of one identity end in the order they begin, so the ones within reach are the last.
    for (let last = earlier.at(-1); last !== undefined; last = earlier.at(-1)) {
      const reach = last.lastAt + horizonAt(last.lastAt);
      if (reach < row.firstAt - row.idleMs && eventTimeOf(row.serial) === null) break;
      earlier.pop();
      whole = link(last, whole);
    }
    earlier.push(whole);
    chains.set(identity, earlier);
  }
  return inOrder([...chains.values()].flat());
}

type PackedRow = [string, string, string, number, number, number, number, number];

/** The stored form: contents once each, rows as tuples. Text, because the database only keeps it. */
export interface PackedEvidence {
  readonly c: readonly (readonly (string | null)[])[];
  readonly n: readonly PackedRow[];
}

/** Packs notifications for the evidence row: about 150 bytes for a call of three states. */
export function encodeEvidence(notifications: readonly Notification[]): PackedEvidence {
  const contents: Content[] = [];
  const rows = notifications.map((row): PackedRow => {
    let index = contents.findIndex((content) => sameContent(content, row.content));
    if (index < 0) index = contents.push(row.content) - 1;
    return [row.serial, row.state, row.stateRaw, row.firstAt, row.lastAt, row.copies, row.idleMs, index];
  });
  return { c: contents.map((content) => CONTENT_FIELDS.map((field) => content[field])), n: rows };
}

/** Inverse of {@link encodeEvidence}. */
export function decodeEvidence(packed: PackedEvidence): readonly Notification[] {
  const contents = packed.c.map(([caller, callee, forward, menuId, menuName]): Content => ({
    callerNumber: caller ?? null,
    calleeNumber: callee ?? null,
    forwardNumber: forward ?? null,
    menuId: menuId ?? null,
    menuName: menuName ?? null,
  }));
  return packed.n.map(([serial, state, stateRaw, firstAt, lastAt, copies, idleMs, index]) => {
    const content = contents[index];
    if (content === undefined) throw new Error('evidence row names a content that is not there');
    return { serial, state: state as WireState, stateRaw, firstAt, lastAt, copies, idleMs, content };
  });
}
