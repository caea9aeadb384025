/** What nests in a page of calls is read for the whole page at once. */
import DataLoader from 'dataloader';
import type { GapRow, NotificationRow } from '../../query/contract.js';
import type { Reading } from '../reading.js';

export interface Loaders {
  readonly notifications: DataLoader<string, readonly NotificationRow[]>;
  readonly gaps: DataLoader<string, readonly GapRow[]>;
}

/** Loaders live as long as one request: the key is the request's context. */
export class RequestLoaders {
  private readonly made = new WeakMap<object, Loaders>();

  constructor(private readonly reading: Reading) {}

  of(context: object): Loaders {
    const known = this.made.get(context);
    if (known !== undefined) return known;
    const loaders: Loaders = {
      notifications: new DataLoader((ids) => this.reading.notifications(ids)),
      gaps: new DataLoader((ids) => this.reading.callGaps(ids)),
    };
    this.made.set(context, loaders);
    return loaders;
  }
}
