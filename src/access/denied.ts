/** Why somebody is not answered, as values the edges turn into a problem document or a GraphQL error. */
import type { Scope } from './scopes.js';

/** Nobody knows who asks. The message says what to do; never whether a key exists. */
export class Unauthenticated extends Error {
  override readonly name = 'Unauthenticated';
}

/** Whoever asks may not have this. */
export class Forbidden extends Error {
  override readonly name = 'Forbidden';

  /** @param scope what would be needed; null where no scope helps */
  constructor(
    message: string,
    readonly scope: Scope | null = null,
  ) {
    super(message);
  }
}

/** Too much was asked in too short a time. */
export class TooMany extends Error {
  override readonly name = 'TooMany';

  /** @param retryAfterS whole seconds, at least 1 */
  constructor(
    message: string,
    readonly retryAfterS: number,
  ) {
    super(message);
  }
}
