import type { Span } from '../../delivery/facts.js';
import { allowedSilence, RHYTHM_MS, type WindowRhythm } from '../../delivery/rhythm.js';
import { horizonMs, type Gap, type Settings } from '../../notification.js';
import type { SweepStore, SweptSource } from '../sweep/sweep.ports.js';
import { brokenSilence, silenceGap } from './span-gaps.js';

interface Learned {
  readonly windows: readonly WindowRhythm[];
  readonly at: number;
}

/** A rhythm is learned anew so often, ms: windows close every 300 s, and no threshold moves much in that time. */
const LEARN_EVERY_MS = 300_000;

/**
 * Declares a source silent that usually speaks, and takes it back when it is heard (docs/truth.md 17). A time in which nobody
 * listened, or some of what came was dropped, is no silence of the source: one begins at its end.
 */
export class SilenceWatch {
  private readonly learned = new Map<string, Learned>();

  constructor(
    private readonly store: Pick<SweepStore, 'rhythms' | 'openSilences' | 'setSilentAfter' | 'putGaps'>,
    private readonly settings: Settings,
  ) {}

  /**
   * @param deafOf when what came of a source may not have been heard, in order of time
   * @param through W: silence is judged up to there
   */
  async look(
    sources: readonly SweptSource[],
    deafOf: (sourceKey: string) => readonly Span[],
    through: number,
  ): Promise<void> {
    const open = new Map((await this.store.openSilences()).map((gap) => [gap.sourceKey, gap]));
    const gaps: Gap[] = [];
    for (const source of sources) {
      const deafUntil = deafOf(source.key).at(-1)?.to ?? Number.NEGATIVE_INFINITY;
      const gap = await this.judge(source, open.get(source.key) ?? null, deafUntil, through);
      if (gap !== null) gaps.push(gap);
    }
    if (gaps.length > 0) await this.store.putGaps(gaps);
  }

  private async judge(source: SweptSource, open: Gap | null, deafUntil: number, through: number): Promise<Gap | null> {
    const { key, lastHeardAt } = source;
    if (lastHeardAt === null) return null;
    if (open !== null && lastHeardAt > open.from) return brokenSilence(open, lastHeardAt, horizonMs(this.settings));
    const windows = await this.rhythm(key, through);
    const since = Math.max(lastHeardAt, deafUntil);
    const allowedMs = allowedSilence(windows, since, horizonMs(this.settings));
    if (allowedMs !== source.silentAfterMs) await this.store.setSilentAfter(key, allowedMs);
    if (open !== null || allowedMs === null || through - since <= allowedMs) return null;
    return silenceGap(key, since, allowedMs);
  }

  private async rhythm(key: string, through: number): Promise<readonly WindowRhythm[]> {
    const known = this.learned.get(key);
    if (known !== undefined && through - known.at < LEARN_EVERY_MS) return known.windows;
    const windows = await this.store.rhythms(key, through - RHYTHM_MS);
    this.learned.set(key, { windows, at: through });
    return windows;
  }
}
