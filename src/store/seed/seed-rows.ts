/** Rows of made-up history as text that COPY reads: rows as ingest sends them (rows.ts), without the array around them. */
import type { KeyChange } from '../../ingest/ports.js';
import {
  CALL_COLUMNS,
  callRow,
  EVIDENCE_COLUMNS,
  evidenceRow,
  GAP_COLUMNS,
  gapRow,
  NOTIFICATION_COLUMNS,
  notificationRow,
  type Since,
} from '../ledger/rows.js';

/** Tables that are copied into, in this order, and the columns of a line. */
export const COPIED = {
  call_evidence: [...EVIDENCE_COLUMNS.filter((column) => column !== 'evidence'), 'evidence'],
  call: [...CALL_COLUMNS, 'changed_tx'],
  notification: NOTIFICATION_COLUMNS,
  gap: GAP_COLUMNS,
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type CopiedTable = keyof typeof COPIED;

/** Calls that are copied at once. */
export interface SeedBlock {
  readonly calls: number;
  /** By table, lines in UTF-8. */
  readonly lines: Readonly<Record<CopiedTable, Uint8Array>>;
}

/** What reads these lines: fields of a row are quoted and escaped in its literal as COPY's CSV has them. */
export const COPY_OPTIONS = `format csv, quote '"', escape '\\'`;

/** A row inside an array is itself quoted: this takes the quotes, the parentheses and one level of escapes off. */
function bare(row: string): string {
  let fields = '';
  let from = 2;
  // A row has few escapes, if any: looking for them takes a quarter of what a regular expression takes.
  for (let escape = row.indexOf('\\'); escape >= 0; escape = row.indexOf('\\', escape + 2)) {
    fields += row.slice(from, escape);
    from = escape + 1;
  }
  return fields + row.slice(from, -2);
}

/** The payload, the last field, begins with a backslash that a row doubles and CSV does not. */
function bareNotification(row: string): string {
  const fields = bare(row);
  const payloadAt = fields.lastIndexOf(',') + 1;
  return fields.slice(0, payloadAt) + fields.slice(payloadAt + 1);
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

const MINUTE_MS = 60_000;
const TWO_DIGITS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'));
let minute = { at: Number.NaN, text: '' };

/** ISO 8601 in UTC. Instants of a block lie close to each other: their minutes are printed once, which takes a third of the time. */
const since: Since = (at) => {
  if (at === null) return '';
  const inMinute = at % MINUTE_MS;
  if (at - inMinute !== minute.at) minute = { at: at - inMinute, text: new Date(at).toISOString().slice(0, 17) };
  const second = Math.floor(inMinute / 1_000);
  return `${minute.text}${TWO_DIGITS[second] ?? ''}.${String(inMinute % 1_000).padStart(3, '0')}Z`;
};

/**
 * Lines as bytes. Each is written down at once: kept as text until the block is whole, the pieces it is joined of outlive every
 * collection of the young generation, which then takes a quarter of all time.
 */
class Lines {
  private bytes = Buffer.allocUnsafeSlow(1 << 20);
  private length = 0;

  add(line: string): void {
    // Three bytes is the most that UTF-8 makes of a unit of UTF-16.
    const needed = this.length + 3 * line.length + 1;
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * needed);
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    this.length += this.bytes.write(line, this.length);
    this.bytes[this.length++] = 0x0a;
  }

  /** A copy of its own memory, which can be handed to another thread; these lines begin anew. */
  take(): Uint8Array {
    const taken = Uint8Array.from(this.bytes.subarray(0, this.length));
    this.length = 0;
    return taken;
  }
}

/** Writes everything that is to be copied of Call IDs nobody has written before. */
export class BlockWriter {
  private readonly lines = {
    ...{ call_evidence: new Lines(), call: new Lines() },
    ...{ notification: new Lines(), gap: new Lines() },
  } satisfies Readonly<Record<CopiedTable, Lines>>;
  private calls = 0;

  /**
   * @param updatedAt instant of the write, ms since the epoch
   * @param tx its number in the changes feed
   */
  add(change: KeyChange, updatedAt: number, tx: number): void {
    const { callKey } = change.key;
    const { lines } = this;
    lines.call_evidence.add(`${bare(evidenceRow(change, since))},${quoted(JSON.stringify(change.document))}`);
    for (const call of change.calls) lines.call.add(`${bare(callRow(callKey, call, updatedAt, since))},${String(tx)}`);
    for (const raw of change.raw) lines.notification.add(bareNotification(notificationRow(change, raw, since)));
    for (const gap of change.gaps) lines.gap.add(bare(gapRow(callKey, gap)));
    this.calls += change.calls.length;
  }

  /** What was added since the last time. */
  take(): SeedBlock {
    const { call_evidence, call, notification, gap } = this.lines;
    const { calls } = this;
    this.calls = 0;
    return {
      calls,
      lines: {
        ...{ call_evidence: call_evidence.take(), call: call.take() },
        ...{ notification: notification.take(), gap: gap.take() },
      },
    };
  }
}
