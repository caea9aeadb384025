/** What reading quarantine again asks of storage. */
import type { QuarantinedDatagram } from '../ports.js';

export interface ReplayStore {
  /**
   * Quarantined datagrams of a source in the order of their ids, which is the order of their first receipts.
   * @param after the id to go on after; null: from the first
   * @throws StoreUnavailable
   */
  page(sourceKey: string, after: string | null, limit: number): Promise<readonly QuarantinedDatagram[]>;
  /**
   * Takes datagrams that are stored as notifications now out of quarantine. Quarantine gaps of the source in which none is
   * left are filled, and its open and unsettled calls are folded again, since what may have belonged to them is known now.
   * @param at the instant of this write, ms since the epoch
   * @returns how many left
   * @throws StoreUnavailable
   */
  leave(sourceKey: string, ids: readonly string[], at: number): Promise<number>;
}
