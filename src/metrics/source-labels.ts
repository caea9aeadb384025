import { SOURCE_LABELS_MAX } from './table.js';

/** The label of every source beyond the first {@link SOURCE_LABELS_MAX}. */
export const OTHER_SOURCES = 'other';

/** Which sources have a label of their own: forged addresses inside an allowed range must not make time series. */
export class SourceLabels {
  private readonly own = new Set<string>();

  /** @param configured names of `UDP_ALLOWED_SOURCES`, which come before whoever is heard first */
  constructor(configured: readonly string[] = []) {
    for (const name of configured.slice(0, SOURCE_LABELS_MAX)) this.own.add(name);
  }

  /** The label of a source; always the same for one source. '' (no source) is itself. */
  of(sourceKey: string): string {
    if (sourceKey === '' || this.own.has(sourceKey)) return sourceKey;
    if (this.own.size >= SOURCE_LABELS_MAX) return OTHER_SOURCES;
    this.own.add(sourceKey);
    return sourceKey;
  }
}
