import { contradicts, type Learned, learnMeaning, type SampledSerial } from '../../delivery/meaning.js';
import type { SerialMeaning } from '../../notification.js';
import type { SweepStore, SweptSource } from './sweep.ports.js';

/** Newest notifications a meaning is learned from, or doubted by. */
const SAMPLE = 6_000;
/** Where they show nothing: calls that H has gone by for, and notifications, of which 60,000 reach past H at 3,000 a second. */
const MATURE = { calls: 1_000, notifications: 60_000 };
/** Meanings that more may be learned of. */
const LEARNS_ON: ReadonlySet<SerialMeaning> = new Set(['unknown', 'opaque', 'constant']);
/** A meaning not known yet is looked at again this often, a known one for contradiction that often, in ms. */
const LEARN_EVERY_MS = 2_000;
const DOUBT_EVERY_MS = 30_000;

/** Learns what the serials of sources count, or takes it back (docs/truth.md 8): decided in delivery/meaning.ts, done here. */
export class Learner {
  private readonly looked = new Map<string, { readonly at: number; readonly heardAt: number | null }>();

  constructor(
    private readonly store: Pick<SweepStore, 'recent' | 'mature' | 'setMeaning'>,
    private readonly horizonMs: number,
  ) {}

  /** The source as it is after a look at what it said lately; the same when nothing was learned. */
  async look(source: SweptSource, through: number): Promise<SweptSource> {
    if (source.pinned || !this.isDue(source, through)) return source;
    this.looked.set(source.key, { at: through, heardAt: source.lastHeardAt });
    const sample = await this.store.recent(source.key, through, SAMPLE);
    let { meaning, serialBase } = source;
    const learned = LEARNS_ON.has(meaning) ? await this.learn(source.key, sample, through) : null;
    // Of what is constant one can only learn that it counts calls after all.
    if (learned !== null && (meaning !== 'constant' || learned.meaning === 'call_number')) {
      ({ meaning, serialBase } = learned);
    } else if (contradicts(meaning, sample, this.horizonMs)) meaning = 'unknown';
    if (meaning === source.meaning) return source;
    if (!(await this.store.setMeaning(source, { since: through, meaning, serialBase }))) return source;
    const meaningVersion = source.meaningVersion + 1;
    return { ...source, meaning, serialBase, meaningVersion, book: null, processedThrough: null };
  }

  private async learn(sourceKey: string, sample: readonly SampledSerial[], through: number): Promise<Learned | null> {
    const { horizonMs } = this;
    return (
      learnMeaning(sample, through, horizonMs) ??
      learnMeaning(await this.store.mature(sourceKey, through, horizonMs, MATURE), through, horizonMs)
    );
  }

  /** Nothing is learned from a source that said nothing new, once H has gone by for what it said. */
  private isDue(source: SweptSource, through: number): boolean {
    const last = this.looked.get(source.key);
    if (last === undefined) return true;
    const everyMs = source.meaning === 'unknown' ? Math.min(LEARN_EVERY_MS, this.horizonMs) : DOUBT_EVERY_MS;
    const ripened = last.heardAt === null || last.at >= last.heardAt + this.horizonMs;
    return (source.lastHeardAt !== last.heardAt || !ripened) && through - last.at >= everyMs;
  }
}
