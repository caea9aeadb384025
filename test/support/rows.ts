/** Rows of the ledger, written by SQL: each builder takes what a test cares about and fills in a plausible rest. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { encodeEvidence } from '../../src/delivery/evidence.js';
import type { Notification } from '../../src/notification.js';

export type Row = Readonly<Record<string, unknown>>;

async function insert(pool: pg.Pool, table: string, row: Row): Promise<void> {
  const names = Object.keys(row);
  const places = names.map((_, index) => `$${String(index + 1)}`);
  await pool.query(`insert into ${table} (${names.join(', ')}) values (${places.join(', ')})`, Object.values(row));
}

/** A minute into the test's day, and so many ms. */
export function time(minutes: number, ms = 0): Date {
  return new Date(Date.UTC(2026, 2, 1, 12, 0, 0, 0) + minutes * 60_000 + ms);
}

/** An answered call of 30 s that has settled, unless told otherwise. */
export async function insertCall(pool: pg.Pool, row: Row = {}): Promise<{ id: string; callKey: string }> {
  const first = (row['first_seen_at'] as Date | undefined) ?? time(0);
  const full: Row = {
    call_key: randomUUID(),
    id: randomUUID(),
    settled: true,
    source_key: 'ivr',
    call_id: randomUUID(),
    state: 'ended',
    disposition: 'answered',
    disposition_basis: 'reported',
    caller_number: '442071234567',
    callee_number: '15550001111',
    first_seen_at: first,
    ringing_at: first,
    answered_at: new Date(first.getTime() + 5_000),
    ended_at: new Date(first.getTime() + 35_000),
    end_provenance: 'reported',
    ring_ms: 5_000,
    talk_ms: 30_000,
    late: false,
    conflict: false,
    notification_count: 3,
    duplicate_count: 0,
    missing_count: 0,
    revision: 1,
    updated_at: first,
    awaits_facts: false,
    loss_sample: [0, 0, 0, 0, 0, 0, 0],
    ...row,
  };
  await insert(pool, 'call', full);
  return { id: full['id'] as string, callKey: full['call_key'] as string };
}

/** What an open call has in place of an ending. */
export const RINGING: Row = {
  settled: false,
  state: 'ringing',
  disposition: null,
  disposition_basis: null,
  answered_at: null,
  ended_at: null,
  end_provenance: null,
  ring_ms: null,
  talk_ms: null,
};

/** A source that was heard at minute 0. */
export async function insertSource(pool: pg.Pool, row: Row = {}): Promise<void> {
  await insert(pool, 'source', {
    key: 'ivr',
    name: 'Main IVR',
    addresses: ['192.0.2.1'],
    created_at: time(-1000),
    last_heard_at: time(0),
    ...row,
  });
}

/** A receiver that beats and has stored everything. */
export async function insertReceiver(pool: pg.Pool, row: Row = {}): Promise<void> {
  await insert(pool, 'receiver', {
    id: randomUUID(),
    name: 'receiver-1',
    started_at: time(-1000),
    beat_at: time(0),
    durable_through: time(0),
    ...row,
  });
}

/** An open gap of kind `state` that begins at minute 0, of the source unless given a call key. */
export async function insertGap(pool: pg.Pool, row: Row = {}): Promise<string> {
  const opened = (row['opened_at'] as Date | undefined) ?? time(0);
  const full: Row = {
    ledger_key: row['call_key'] ?? '00000000-0000-5000-8000-000000000000',
    id: randomUUID(),
    source_key: 'ivr',
    kind: 'state',
    certainty: 'possible',
    status: 'open',
    from_at: new Date(opened.getTime() - 19_000),
    to_at: opened,
    opened_at: opened,
    deadline_at: new Date(opened.getTime() + 19_000),
    detail: 'OK may be missing before the Bye',
    ...row,
  };
  await insert(pool, 'gap', full);
  return full['id'] as string;
}

export async function insertQuarantine(pool: pg.Pool, row: Row = {}): Promise<string> {
  const bytes = (row['bytes'] as Buffer | undefined) ?? Buffer.from('garbage');
  const received = (row['received_at'] as Date | undefined) ?? time(0);
  const full: Row = {
    id: randomUUID(),
    received_at: received,
    last_received_at: received,
    copies: 1,
    source_key: 'ivr',
    address: '192.0.2.1',
    reason: 'fields',
    detail: '1 field',
    bytes,
    length: bytes.length,
    ...row,
  };
  await insert(pool, 'quarantine', full);
  return full['id'] as string;
}

/** The settings of docs/wire.md: 6 retries every 3 s, H = 19 s. */
export async function insertSettings(pool: pg.Pool, row: Row = {}): Promise<void> {
  await insert(pool, 'settings', {
    since: time(-1000),
    retry: 6,
    interval_ms: 3_000,
    margin_ms: 1_000,
    stale_ringing_ms: 300_000,
    stale_answered_ms: 14_400_000,
    loss_window_ms: 300_000,
    ...row,
  });
}

/** One stored notification, as evidence holds it. */
export function notification(serial: number, state: Notification['state'], at: Date, copies = 1): Notification {
  return {
    serial: String(serial),
    state,
    stateRaw: state,
    firstAt: at.getTime(),
    lastAt: at.getTime() + (copies - 1) * 3_000,
    copies,
    idleMs: 0,
    content: { callerNumber: null, calleeNumber: null, forwardNumber: null, menuId: null, menuName: null },
  };
}

/** What was received under a Call ID: the evidence row, and the raw rows that copies are counted from. */
export async function insertEvidence(pool: pg.Pool, callKey: string, received: readonly Notification[]): Promise<void> {
  const last = new Date(Math.max(...received.map(({ lastAt }) => lastAt)));
  const evidence = JSON.stringify(encodeEvidence(received));
  const key = { call_key: callKey, source_key: 'ivr', call_id: callKey };
  await insert(pool, 'call_evidence', { ...key, version: 1, evidence, last_at: last });
  for (const { serial, state, stateRaw, firstAt, lastAt, copies } of received) {
    const times = { first_at: new Date(firstAt), last_at: new Date(lastAt) };
    const rest = { serial, state, digest: 0, state_raw: stateRaw, copies, idle_ms: 0, payload: Buffer.from('x') };
    await insert(pool, 'notification', { ...key, ...times, ...rest });
  }
}

/** Calls that tests put there without a change are in no hour that was counted: statistics are to count these anew. */
export async function countNothingAhead(pool: pg.Pool): Promise<void> {
  await pool.query(
    "insert into rollup_due select generate_series($1::timestamptz, $2::timestamptz, interval '1 hour') on conflict do nothing",
    [time(-300_000), time(300_000)],
  );
}
