/**
 * Places in the changes feed. A cursor holds the filter it was made for, the epoch of the numbers it counts in, and the last
 * change told; everything up to that place has been told, and nothing can appear before it.
 */
import { BadParameters } from '../faults.js';
import { fingerprint, type Question } from '../page.js';

/** A place between changes: right after the one with this key, whether or not there is one. */
export interface Place {
  /** A number beyond 2^53 one day, so it stays text. */
  readonly tx: string;
  readonly callKey: string;
  readonly id: string;
  readonly revision: number;
  /** When what stands there was written, ms since the epoch: what comes after it was written about then or later. */
  readonly at: number;
}

export interface Cursor {
  readonly epoch: number;
  readonly place: Place;
}

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** Before the first change of a transaction. */
export function beforeTx(tx: string, at: number): Place {
  return { tx, callKey: NIL_UUID, id: NIL_UUID, revision: 0, at };
}

/** Another way of counting gets another number, so that old cursors are told from new ones. */
const VERSION = 1;
const LIST = 'changes';
const TX = /^\d{1,18}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const REVISION_MAX = 2_147_483_647;
const INSTANT_END = Date.UTC(9999, 11, 31);

/** Opaque to readers: base64url of [version, fingerprint of the filter, epoch, tx, call key, id, revision, at]. */
export function encodeCursor({ epoch, place }: Cursor, filter: Question): string {
  const { tx, callKey, id, revision, at } = place;
  const parts = [VERSION, fingerprint(LIST, filter), epoch, tx, callKey, id, revision, at];
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/**
 * What a cursor names.
 * @throws BadParameters it is no cursor of this feed, or belongs to another filter
 */
export function decodeCursor(text: string, filter: Question): Cursor {
  const parts = partsOf(text);
  const [version, print, epoch, tx, callKey, id, revision, at] = parts;
  if (parts.length !== 8 || version !== VERSION || typeof print !== 'string')
    throw fault('is not a cursor of this feed');
  if (print !== fingerprint(LIST, filter)) {
    throw fault('belongs to another query: it goes with the settled and source of the page that gave it out');
  }
  const readable = isText(tx, TX) && isText(callKey, UUID) && isText(id, UUID);
  if (!readable || !isCount(epoch) || !isCount(revision) || !isInstant(at)) throw fault('is not a cursor of this feed');
  return { epoch, place: { tx, callKey, id, revision, at } };
}

function isText(value: unknown, shape: RegExp): value is string {
  return typeof value === 'string' && shape.test(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= REVISION_MAX;
}

/** Within what PostgreSQL and ISO 8601 write with four digits of a year. */
function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < INSTANT_END;
}

function partsOf(text: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}

function fault(reason: string): BadParameters {
  return new BadParameters([{ parameter: 'after', reason }]);
}
