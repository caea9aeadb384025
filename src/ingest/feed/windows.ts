import { habitsOf, lossOf, MOST_POOLED, type TimedSample } from '../../delivery/window.js';
import { windowEnd } from '../../delivery/facts.js';
import { windowClosesAt } from '../../lifecycle/loss.js';
import type { Settings } from '../../notification.js';
import type { ClosedWindow, SweepStore } from '../sweep.ports.js';

/**
 * Closes loss windows (docs/truth.md 12). One in which the source neither spoke nor ended a call says nothing and is not
 * written: what is asked of its time is answered by the one before it, and a source that fell silent costs no row.
 */
export class WindowCloser {
  /** Up to where windows were looked at here; another receiver, or the next run, may look again. */
  private readonly lookedThrough = new Map<string, number>();

  constructor(
    private readonly store: Pick<SweepStore, 'firstReceivedAt' | 'windowSample' | 'windowRhythm' | 'closeWindow'>,
    private readonly settings: Settings,
  ) {}

  /**
   * Closes the windows of a source whose last copy has had its H.
   * @param closed its closed windows of the last `keepMs`
   * @returns how many were written
   */
  async close(sourceKey: string, closed: readonly ClosedWindow[], through: number, keepMs: number): Promise<number> {
    const { settings } = this;
    const from =
      this.lookedThrough.get(sourceKey) ?? closed.at(-1)?.to ?? (await this.store.firstReceivedAt(sourceKey));
    if (from === null) return 0;
    let written = 0;
    let earlier: readonly TimedSample[] = [...closed].reverse();
    const oldest = windowEnd(through - keepMs, settings.lossWindowMs);
    let start = Math.max(oldest, Math.floor(from / settings.lossWindowMs) * settings.lossWindowMs);
    for (; windowClosesAt(start, settings) < through; start += settings.lossWindowMs) {
      const window = await this.weigh(sourceKey, start, earlier);
      if (window !== null) {
        await this.store.closeWindow(sourceKey, window);
        earlier = [window, ...earlier].slice(0, MOST_POOLED + 1);
        written++;
      }
      this.lookedThrough.set(sourceKey, start + settings.lossWindowMs);
    }
    return written;
  }

  private async weigh(sourceKey: string, from: number, earlier: readonly TimedSample[]): Promise<ClosedWindow | null> {
    const { lossWindowMs, retry, staleRingingMs } = this.settings;
    const span = { from, to: from + lossWindowMs };
    const sample = await this.store.windowSample(sourceKey, span);
    const rhythm = await this.store.windowRhythm(sourceKey, span);
    if (rhythm === null && sample.ended === 0) return null;
    const before = earlier.map((one) => one.sample);
    const habits = habitsOf([{ to: span.to, sample }, ...earlier], staleRingingMs);
    return { ...span, sample, habits, p: lossOf(sample, before, retry), rhythm };
  }
}
