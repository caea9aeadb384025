/**
 * Log lines that a stranger could provoke at line rate are written once a minute per key; the rest are counted.
 */

const MINUTE_MS = 60_000;
/** Forged source addresses must not grow this map: beyond it new keys stay silent until old ones expire. */
const KEYS_MAX = 256;

interface Line {
  writtenAt: number;
  held: number;
}

export class OnceAMinute {
  private readonly lines = new Map<string, Line>();

  /**
   * Tells whether a line for `key` is due at `now` (ms), and how many were held back since the last one:
   * null means stay silent.
   */
  due(key: string, now: number): number | null {
    const line = this.lines.get(key);
    if (line === undefined) return this.begin(key, now);
    if (now - line.writtenAt < MINUTE_MS) {
      line.held += 1;
      return null;
    }
    const { held } = line;
    line.writtenAt = now;
    line.held = 0;
    return held;
  }

  private begin(key: string, now: number): number | null {
    if (this.lines.size >= KEYS_MAX) this.forget(now);
    if (this.lines.size >= KEYS_MAX) return null;
    this.lines.set(key, { writtenAt: now, held: 0 });
    return 0;
  }

  private forget(now: number): void {
    for (const [key, line] of this.lines) {
      if (now - line.writtenAt >= MINUTE_MS) this.lines.delete(key);
    }
  }
}

/** What {@link OnceAMinute.due} held back, in words. */
export function heldBack(held: number): string {
  return held === 0 ? '' : ` (and ${String(held)} more since the last such line)`;
}
