import type { Access } from '../../access/access.js';

/** A key that was revoked answers for a second more at most. */
const ASK_EVERY_MS = 1_000;

/**
 * The pieces of an answer for as long as who asked may read them.
 * @throws Unauthenticated, AccessUnavailable, before the first piece that may not be read
 */
export async function* whileGood<T>(
  pieces: AsyncIterable<T>,
  access: Pick<Access, 'demandStill'>,
  now: () => number = () => performance.now(),
): AsyncGenerator<T> {
  let askedAt = now();
  for await (const piece of pieces) {
    if (now() - askedAt >= ASK_EVERY_MS) {
      await access.demandStill();
      askedAt = now();
    }
    yield piece;
  }
}
