import type { Random } from './random.js';

/** What the network between the IVR and the receiver does; probabilities per datagram. */
export interface LinkOptions {
  /** Loss towards the receiver. */
  readonly lossIn: number;
  /** Loss of responses. */
  readonly lossBack: number;
  /** A datagram arrives twice. */
  readonly duplicate: number;
  /** A datagram is held back, so that later ones overtake it. */
  readonly reorder: number;
  /** The longest it is held back, in ms; less than RETRY_MARGIN_MS, or H would not bound a copy's age. */
  readonly reorderMsMax: number;
  /** The link is cut both ways in [fromMs, toMs) after the start of the run. */
  readonly cut: { readonly fromMs: number; readonly toMs: number } | null;
}

export interface Link {
  /** The delays in ms of the copies of a datagram sent to the receiver at `atMs` that arrive; none: it is lost. */
  towards(atMs: number): readonly number[];
  /** The same for a response. */
  back(atMs: number): readonly number[];
}

const AT_ONCE: readonly number[] = [0];
const LOST: readonly number[] = [];

/** A lossy link replayed by its seed; each direction has its own chances. */
export function lossyLink(options: LinkOptions, towards: Random, back: Random): Link {
  const { cut } = options;
  const pass = (random: Random, loss: number, atMs: number): readonly number[] => {
    const delayMs = (): number => (random.chance(options.reorder) ? random.next() * options.reorderMsMax : 0);
    if (cut !== null && atMs >= cut.fromMs && atMs < cut.toMs) return LOST;
    if (random.chance(loss)) return LOST;
    if (options.duplicate === 0 && options.reorder === 0) return AT_ONCE;
    return random.chance(options.duplicate) ? [delayMs(), delayMs()] : [delayMs()];
  };
  return {
    towards: (atMs) => pass(towards, options.lossIn, atMs),
    back: (atMs) => pass(back, options.lossBack, atMs),
  };
}
