/**
 * The trail: who changed what, and who saw clear numbers. A change is written before it is made, so that none goes unnamed.
 * Reads are counted: the first of a kind is written within a second, those that follow it once a minute, as one row.
 */
import type { Clock } from '../clock.js';
import type { Holder } from './access.js';
import type { AuditEntry, KeyStore } from './ports.js';

const FIRST_MS = 1_000;
const AGAIN_MS = 60_000;
/**
 * Kinds of reads counted at once: what is there is written early, and a further kind counts as its holder's reads of the route, whatever
 * was read. A client that walks /calls/{id} would fill the memory while the database takes no writes.
 */
const KINDS_MAX = 5_000;

interface Counted {
  readonly entry: AuditEntry;
  readonly dueAt: number;
}

export class Audit {
  private readonly counted = new Map<string, Counted>();
  private readonly writtenAt = new Map<string, number>();
  private readonly timer: NodeJS.Timeout;
  private writing: Promise<void> | null = null;

  constructor(
    private readonly store: Pick<KeyStore, 'append'>,
    private readonly clock: Clock,
  ) {
    this.timer = setInterval(() => void this.begin(this.clock.now()), FIRST_MS);
    this.timer.unref();
  }

  /**
   * Writes that a change is asked for.
   * @throws AccessUnavailable: then it is not to be made
   */
  change(holder: Holder, action: string, subject: string | null): Promise<void> {
    return this.store.append([this.entry(holder, { kind: 'change', action, subject })]);
  }

  /** Writes that a change which was asked for was not made. */
  refused(holder: Holder, action: string, subject: string | null, reason: string): Promise<void> {
    return this.store.append([{ ...this.entry(holder, { kind: 'refused', action, subject }), detail: reason }]);
  }

  /** Counts a read of clear numbers. */
  clearRead(holder: Holder, action: string, subject: string | null): void {
    const kind = JSON.stringify([holder.prefix, holder.address, action, subject]);
    const before = this.counted.get(kind);
    if (before !== undefined) {
      this.counted.set(kind, { ...before, entry: { ...before.entry, times: before.entry.times + 1 } });
      return;
    }
    if (subject !== null && this.counted.size >= KINDS_MAX) {
      this.clearRead(holder, action, null);
      return;
    }
    const now = this.clock.now();
    const dueAt = Math.max(now, (this.writtenAt.get(kind) ?? 0) + AGAIN_MS);
    this.counted.set(kind, { entry: this.entry(holder, { kind: 'clear_read', action, subject }), dueAt });
    if (this.counted.size === KINDS_MAX) void this.begin(Number.POSITIVE_INFINITY);
  }

  /** Writes what is still only counted, and stops. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.flush(Number.POSITIVE_INFINITY);
  }

  /** Writes what is due; what the database does not take stays counted. */
  async flush(now: number = this.clock.now()): Promise<void> {
    while (this.writing !== null) await this.writing;
    await this.begin(now);
  }

  /** One write at a time: a database that hangs would have one more behind it each second. */
  private begin(now: number): Promise<void> {
    return (this.writing ??= this.write(now).finally(() => (this.writing = null)));
  }

  private async write(now: number): Promise<void> {
    const due = [...this.counted].filter(([, { dueAt }]) => dueAt <= now);
    this.forgetWritten();
    if (due.length === 0) return;
    const at = this.clock.now();
    try {
      await this.store.append(due.map(([, { entry }]) => entry));
    } catch {
      return;
    }
    for (const [kind, { entry }] of due) {
      this.writtenAt.set(kind, entry.at);
      const since = (this.counted.get(kind)?.entry.times ?? 0) - entry.times;
      this.counted.delete(kind);
      if (since > 0) this.counted.set(kind, { entry: { ...entry, at, times: since }, dueAt: entry.at + AGAIN_MS });
    }
  }

  private forgetWritten(): void {
    const before = this.clock.now() - AGAIN_MS;
    for (const [kind, at] of this.writtenAt) if (at <= before) this.writtenAt.delete(kind);
  }

  private entry({ name, prefix, address }: Holder, done: Pick<AuditEntry, 'kind' | 'action' | 'subject'>): AuditEntry {
    return { ...done, at: this.clock.now(), who: name, keyPrefix: prefix, address, detail: null, times: 1 };
  }
}
