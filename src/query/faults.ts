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

/** PostgreSQL did not answer: nothing is known, which is not the same as nothing is there (law 5). */
export class ReadUnavailable extends Error {
  override readonly name = 'ReadUnavailable';

  constructor(override readonly cause: unknown) {
    super('the database did not answer');
  }
}
