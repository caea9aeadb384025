/** How much the spool may still take: by its own limit, and by what the disk has free. */
import { statfs } from 'node:fs/promises';

interface Limits {
  readonly bytesMax: number;
  readonly freeBytesMin: number;
}

/** Beats of half a year. */
const RESERVE_BYTES = 64 * 1024 * 1024;
/** The disk is asked this often at most; between, what is written is counted. */
const CHECK_MS = 250;

export class Room {
  private free = { checkedAt: Number.NEGATIVE_INFINITY, bytes: 0 };

  constructor(
    private readonly folder: string,
    private readonly limits: Limits,
  ) {}

  /**
   * A function that says whether one more lot of bytes fits and counts it if so; `reserved` lots may go beyond the limit.
   * @param usedBytes what the spool holds now
   * @param now ms since the epoch
   */
  async measure(usedBytes: number, now: number): Promise<(bytes: number, reserved: boolean) => boolean> {
    if (now - this.free.checkedAt >= CHECK_MS) {
      // A disk that does not tell is not full; a write that fails says so.
      const { bavail, bsize } = await statfs(this.folder).catch(() => ({ bavail: Number.MAX_SAFE_INTEGER, bsize: 1 }));
      this.free = { checkedAt: now, bytes: bavail * bsize };
    }
    let used = usedBytes;
    return (bytes, reserved) => {
      const most = this.limits.bytesMax + (reserved ? RESERVE_BYTES : 0);
      if (used + bytes > most || this.free.bytes - bytes < this.limits.freeBytesMin) return false;
      used += bytes;
      this.free.bytes -= bytes;
      return true;
    };
  }
}
