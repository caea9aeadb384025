import { habitsOf, lossOf, meanLossOf, MOST_POOLED } from '../../delivery/window.js';
import { type Span, windowEnd } from '../../delivery/facts.js';
import { windowClosesAt } from '../../lifecycle/loss.js';
import { stillnessIn } from '../../lifecycle/stillness.js';
import type { Settings } from '../../notification.js';
import type { ClosedWindow, SweepStore } from '../sweep/sweep.ports.js';
import { stillnessGap } from './span-gaps.js';

/**
 * Closes loss windows (docs/truth.md 12). One in which the source neither spoke nor ended a call says nothing and is not
 * written: what is asked of its time is answered by the one before it, and a source that fell silent costs no row.
 */
export class WindowCloser {
  /** Up to where windows were looked at here; another receiver, or the next run, may look again. */
  private readonly lookedThrough = new Map<string, number>();

  constructor(
    private readonly store: Pick<
      SweepStore,
      'firstReceivedAt' | 'windowSample' | 'windowRhythm' | 'closeWindow' | 'hasSilence' | 'putGaps'
    >,
    private readonly settings: Settings,
  ) {}

  /**
   * Closes the windows of a source whose last copy has had its H, and declares the stillnesses that ended in them.
   * @param closed its closed windows of the last `keepMs`
   * @param deaf when what came may not have been heard: no stillness of the source, and no loss of the network
   * @returns how many were written
   */
  async close(
    sourceKey: string,
    closed: readonly ClosedWindow[],
    deaf: readonly Span[],
    { through, keepMs }: { readonly through: number; readonly keepMs: number },
  ): Promise<number> {
    const { settings } = this;
    const from =
      this.lookedThrough.get(sourceKey) ?? closed.at(-1)?.to ?? (await this.store.firstReceivedAt(sourceKey));
    if (from === null) return 0;
    let written = 0;
    let earlier: readonly ClosedWindow[] = [...closed].reverse();
    const oldest = windowEnd(through - keepMs, settings.lossWindowMs);
    let start = Math.max(oldest, Math.floor(from / settings.lossWindowMs) * settings.lossWindowMs);
    for (; windowClosesAt(start, settings) < through; start += settings.lossWindowMs) {
      const window = await this.weigh(sourceKey, start, earlier, deaf);
      if (window !== null) {
        // Before the window is closed: a receiver that dies in between closes it, and declares, again.
        await this.declareStillness(sourceKey, [window, ...earlier], deaf);
        await this.store.closeWindow(sourceKey, window);
        earlier = [window, ...earlier].slice(0, MOST_POOLED + 1);
        written++;
      }
      this.lookedThrough.set(sourceKey, start + settings.lossWindowMs);
    }
    return written;
  }

  /** As a gap of kind `silence`, unless one tells of that time already: it lasted longer than the rhythm of the source allows. */
  private async declareStillness(
    sourceKey: string,
    windows: readonly [ClosedWindow, ...ClosedWindow[]],
    deaf: readonly Span[],
  ): Promise<void> {
    const still = stillnessIn(windows[0], windows);
    const gap = still === null ? null : stillnessGap(sourceKey, still, deaf, this.settings);
    if (gap === null || (await this.store.hasSilence(sourceKey, { from: gap.from, to: gap.to }))) return;
    await this.store.putGaps([gap]);
  }

  private async weigh(
    sourceKey: string,
    from: number,
    earlier: readonly ClosedWindow[],
    deaf: readonly Span[],
  ): Promise<ClosedWindow | null> {
    const { lossWindowMs, retry } = this.settings;
    const span = { from, to: from + lossWindowMs };
    const sample = await this.store.windowSample(sourceKey, span, deaf, this.settings);
    const rhythm = await this.store.windowRhythm(sourceKey, span);
    if (rhythm === null && sample.ended === 0) return null;
    const before = earlier.map((one) => one.sample);
    const p = lossOf(sample, before, retry);
    const pMean = meanLossOf(sample, before, retry);
    const habits = habitsOf([{ to: span.to, sample, pMean }, ...earlier], this.settings);
    return { ...span, sample, habits, p, pMean, rhythm };
  }
}
