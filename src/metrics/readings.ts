import type { Histogram } from './histogram.js';
import type { HistogramName, ValueName } from './table.js';

/** One number with its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What a part says when it is asked: a number, several with labels, or null while it does not know (never 0). */
export type Reader = () => number | readonly Sample[] | null;

/** One histogram with its labels. */
export interface HistogramSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly histogram: Histogram;
}

/**
 * Where the parts of the program say how each metric is read. Nothing is read until somebody asks, so what is already
 * counted elsewhere costs nothing here. Readers must be quick and must not throw; what needs the database is read by
 * src/ops beforehand.
 */
export class Readings {
  private readonly values = new Map<ValueName, Reader>();
  private readonly spread = new Map<HistogramName, () => readonly HistogramSample[]>();

  /**
   * Says how a counter or gauge is read.
   * @throws Error it is read already: one thing is counted in one place
   */
  read(name: ValueName, reader: Reader): void {
    if (this.values.has(name)) throw new Error(`${name} is read already`);
    this.values.set(name, reader);
  }

  /** Says where a histogram is. */
  readHistogram(name: HistogramName, reader: () => readonly HistogramSample[]): void {
    if (this.spread.has(name)) throw new Error(`${name} is read already`);
    this.spread.set(name, reader);
  }

  /** The samples now; none for what nobody reads or what is not known. */
  samplesOf(name: ValueName): readonly Sample[] {
    const read = this.values.get(name)?.() ?? null;
    if (read === null) return [];
    return typeof read === 'number' ? [{ labels: {}, value: read }] : read;
  }

  /** The histograms now; none for what nobody reads. */
  histogramsOf(name: HistogramName): readonly HistogramSample[] {
    return this.spread.get(name)?.() ?? [];
  }
}
