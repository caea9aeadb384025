/**
 * What became of every datagram, by source: law 3 in numbers.
 *
 * A datagram the transport admitted ends in exactly one of these, or is still in flight:
 * admitted = first + duplicate + conflict + quarantined + refused + in flight.
 */

/** The fates of a datagram, each with its meaning. */
export const FATES = {
  first: 'A notification not seen before; stored and acknowledged.',
  duplicate: 'A further copy of a stored notification; counted with it and acknowledged.',
  conflict: 'The same identity as a stored notification with other content; stored beside it and acknowledged.',
  quarantined: 'Could not be read or stored as a notification; kept with its bytes, not acknowledged.',
  refused: 'Not stored: no room, no database, or the receiver is stopping; not acknowledged, the sender tries again.',
} as const;
export type Fate = keyof typeof FATES;

/** One line of the tally. `reason` says why something was quarantined or refused, and is '' for what was stored. */
export interface Counted {
  readonly source: string;
  readonly fate: Fate;
  readonly reason: string;
  readonly count: number;
}

interface Line {
  readonly fate: Fate;
  readonly reason: string;
  count: number;
}

/** Counts since the process started. */
export class Tally {
  private readonly counts = new Map<string, Map<string, Line>>();

  /** Counts one datagram of a source. */
  add(source: string, fate: Fate, reason = ''): void {
    const own = this.counts.get(source) ?? new Map<string, Line>();
    this.counts.set(source, own);
    const name = reason === '' ? fate : `${fate} ${reason}`;
    const line = own.get(name);
    if (line === undefined) own.set(name, { fate, reason, count: 1 });
    else line.count += 1;
  }

  /** Every line, in the order it was first counted. */
  lines(): readonly Counted[] {
    return [...this.counts].flatMap(([source, own]) => [...own.values()].map((line) => ({ source, ...line })));
  }

  /** Datagrams of all sources by fate. */
  totals(): Readonly<Record<Fate, number>> {
    const totals = { first: 0, duplicate: 0, conflict: 0, quarantined: 0, refused: 0 };
    for (const { fate, count } of this.lines()) totals[fate] += count;
    return totals;
  }
}
