/** Of which time anything is known: somebody listened. Pure. */

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** When receivers served. */
export interface Listening {
  /** When the first one ever started; null: none ever did. */
  readonly since: number | null;
  /** Up to the instant of the question. */
  readonly until: number;
  /** Spans in which none served. */
  readonly outages: readonly Span[];
}

/**
 * Whether somebody listened at any instant of [from, to). "No calls" is a fact only of such a time (law 5).
 * @param from ms since the epoch, as all here
 */
export function listened({ since, until, outages }: Listening, from: number, to: number): boolean {
  if (since === null) return false;
  let at = Math.max(from, since);
  const end = Math.min(to, until);
  const inOrder = outages.filter((one) => one.to > from && one.from < to).sort((a, b) => a.from - b.from);
  for (const outage of inOrder) {
    if (outage.from > at) break;
    at = Math.max(at, outage.to);
  }
  return at < end;
}
