/** What nests in a page of calls is read for the whole page at once. */
import DataLoader from 'dataloader';
import { accessOf } from '../../access/request.js';
import type { GapRow, NotificationRow, SourceChangeRow } from '../../query/contract.js';
import type { Reading } from '../reading.js';

export interface Loaders {
  readonly notifications: DataLoader<string, readonly NotificationRow[]>;
  readonly gaps: DataLoader<string, readonly GapRow[]>;
  /** The last changes of sources, so many of each. */
  changes(limit: number): DataLoader<string, readonly SourceChangeRow[]>;
}

/** Loaders live as long as one request: the key is the request's context. */
export class RequestLoaders {
  private readonly made = new WeakMap<object, Loaders>();

  constructor(private readonly reading: Reading) {}

  of(context: object): Loaders {
    const known = this.made.get(context);
    if (known !== undefined) return known;
    const access = accessOf((context as { readonly req?: object }).req ?? {});
    const changes = new Map<number, DataLoader<string, readonly SourceChangeRow[]>>();
    const loaders: Loaders = {
      notifications: new DataLoader((ids) => this.reading.notifications(ids, access)),
      gaps: new DataLoader((ids) => this.reading.callGaps(ids)),
      changes: (limit) => {
        const known = changes.get(limit) ?? new DataLoader((keys) => this.reading.lastChanges(keys, limit));
        changes.set(limit, known);
        return known;
      },
    };
    this.made.set(context, loaders);
    return loaders;
  }
}
