/**
 * Chance as an argument (law 6): a small seeded generator, so that a seed replays a whole simulated day.
 *
 * The generator is sfc32 of PractRand (Chris Doty-Humphrey, public domain), seeded through FNV-1a of the seed's
 * text. It is not for secrets.
 */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** True with probability `p`. */
  chance(p: number): boolean;
  /** A whole number in [0, limit). */
  below(limit: number): number;
  /** Exponentially distributed with the given mean. */
  exponential(mean: number): number;
  /** One of the items; the list may not be empty. */
  pick<T>(items: readonly T[]): T;
}

/**
 * A generator for one use of a seed. Different labels give independent streams: what the link loses does not
 * change which calls are made.
 */
export function seeded(seed: string | number, label = ''): Random {
  const next = sfc32(`${String(seed)}/${label}`);
  return {
    next,
    chance: (p) => next() < p,
    below: (limit) => Math.floor(next() * limit),
    exponential: (mean) => -mean * Math.log(1 - next()),
    pick: (items) => {
      const item = items[Math.floor(next() * items.length)];
      if (item === undefined) throw new Error('nothing to pick from');
      return item;
    },
  };
}

function sfc32(text: string): () => number {
  let [a, b, c, counter] = [fnv1a(text, 1), fnv1a(text, 2), fnv1a(text, 3), 1];
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  // 12 rounds mix the seed into every bit of the state, as PractRand does.
  for (let round = 0; round < 12; round += 1) next();
  return next;
}

function fnv1a(text: string, salt: number): number {
  let hash = Math.imul(0x811c9dc5 ^ salt, 0x01000193);
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash | 0;
}
