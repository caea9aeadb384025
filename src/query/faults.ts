/** What can go wrong with a read, as values the edges turn into a problem document or a GraphQL error. */

/** One thing wrong with one parameter. */
export interface Fault {
  readonly parameter: string;
  readonly reason: string;
}

/** The request cannot be answered as asked: every fault of it, at once. */
export class BadParameters extends Error {
  override readonly name = 'BadParameters';

  constructor(readonly faults: readonly Fault[]) {
    super(faults.map(({ parameter, reason }) => `${parameter}: ${reason}`).join('; '));
  }
}

/** A cursor of the changes feed whose place is no more: changes after it were dropped by age, or the database was restored. */
export class CursorGone extends Error {
  override readonly name = 'CursorGone';

  constructor(readonly why: 'dropped' | 'restored') {
    super(
      (why === 'dropped'
        ? 'Changes after this cursor are no longer kept (RETENTION_DAYS).'
        : 'The database was restored from a copy, so this cursor may be ahead of it.') +
        ' Begin again without after, at the oldest change kept, and pass over the revisions you have; GET /api/v1/calls has the rest.',
    );
  }
}

/** As many readers wait for a change as may. */
export class TooManyWaiting extends Error {
  override readonly name = 'TooManyWaiting';
}

/** PostgreSQL did not answer: nothing is known, which is not the same as nothing is there (law 5). */
export class ReadUnavailable extends Error {
  override readonly name = 'ReadUnavailable';

  constructor(override readonly cause: unknown) {
    super('the database did not answer');
  }
}
