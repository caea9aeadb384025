/**
 * How long a datagram may have waited in the kernel before we read it (`Stamp.idleMs`, docs/truth.md 13).
 *
 * The kernel's own receive time is not offered by Node, so the wait is bounded by what we know for certain:
 * - A turn of the event loop reads at most 32 datagrams of a socket (libuv, `uv__udp_recvmsg`: `count = 32`). A turn
 *   that read fewer left the socket empty, so whatever comes later arrived after that turn began.
 * - A socket buffer of B bytes holds at most B / 512 datagrams (Linux charges each at least a 256-byte head and 256
 *   bytes of data). They leave in order, so a datagram read now arrived after the one read that many earlier.
 * Every turn is closed by `setImmediate`, which runs after the reads of the same turn; a quiet socket is shown to be
 * empty by a timer tick. Pure: instants (ms) are arguments.
 */

const READS_A_TURN_MAX = 32;
const DATAGRAM_BYTES_MIN = 512;

export class KernelWait {
  private readonly bufferedMax: number;
  private turnStartedAt: number | null = null;
  private readThisTurn = 0;
  /** Whatever is read next arrived after this instant. */
  private emptyAt: number;
  /** The instant that becomes `emptyAt` once as many datagrams as the buffer holds have been read after it. */
  private fenceAt: number;
  private readSinceFence = 0;

  /** `bufferBytes` as the kernel accounts it (on Linux twice what was asked for); `now` is when the socket was bound. */
  constructor(bufferBytes: number, now: number) {
    this.bufferedMax = Math.ceil(bufferBytes / DATAGRAM_BYTES_MIN);
    this.emptyAt = now;
    this.fenceAt = now;
  }

  /** Notes one read at `now` and returns the longest it may have waited, in ms. */
  read(now: number): number {
    this.readThisTurn += 1;
    this.readSinceFence += 1;
    if (this.readSinceFence > this.bufferedMax) this.moveFence(now);
    return Math.max(0, now - this.emptyAt);
  }

  /** Whatever had arrived by this instant has been read. */
  readThrough(): number {
    return this.emptyAt;
  }

  /** A turn of the event loop begins (its first read, or a timer tick). False when it had begun already. */
  beginTurn(now: number): boolean {
    if (this.turnStartedAt !== null) return false;
    this.turnStartedAt = now;
    return true;
  }

  /** The turn's reads are over; unless it read all it could, the socket was empty at some time after the turn began. */
  endTurn(): void {
    if (this.turnStartedAt !== null && this.readThisTurn < READS_A_TURN_MAX) {
      this.emptyAt = Math.max(this.emptyAt, this.turnStartedAt);
    }
    this.turnStartedAt = null;
    this.readThisTurn = 0;
  }

  private moveFence(now: number): void {
    this.emptyAt = Math.max(this.emptyAt, this.fenceAt);
    this.fenceAt = now;
    this.readSinceFence = 0;
  }
}
