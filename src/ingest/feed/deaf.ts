/** When what a source sent may not have been taken in, and for no reason of its own: nobody listened, or datagrams were dropped. Pure. */
import type { Span } from '../../delivery/facts.js';
import type { FeedFacts } from '../sweep/sweep.ports.js';

/** Spans in order of time, those that overlap as one. */
function merged(spans: readonly Span[]): readonly Span[] {
  const apart: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const last = apart.at(-1);
    if (last === undefined || span.from > last.to) apart.push({ from: span.from, to: span.to });
    else if (span.to > last.to) apart[apart.length - 1] = { from: last.from, to: span.to };
  }
  return apart;
}

/** Tells of each source when that was: outages and what the kernel dropped concern all, what was refused the source that was. */
export function deafTimes({
  outages,
  overflows,
}: Pick<FeedFacts, 'outages' | 'overflows'>): (sourceKey: string) => readonly Span[] {
  const common = merged([...outages, ...overflows.filter(({ sourceKey }) => sourceKey === null)]);
  const own = new Map<string, Span[]>();
  for (const overflow of overflows) {
    const { sourceKey } = overflow;
    if (sourceKey !== null) own.set(sourceKey, [...(own.get(sourceKey) ?? []), overflow]);
  }
  return (sourceKey) => {
    const refused = own.get(sourceKey);
    return refused === undefined ? common : merged([...common, ...refused]);
  };
}
