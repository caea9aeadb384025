/**
 * The circuit between ingest and the database: where batches go, and when the database is asked again.
 *
 *   closed     Batches go to the database. The spool is empty, or holds what was just settled.
 *   open       Batches go to the spool. Nobody asks the database before `retryAt`; then one probe does.
 *   trial      The database answers, and the spool drains into it, while batches still go to the spool: the drain's writes
 *              are real ones, and only acks are kept out of harm's way, until it has served for `steadyMs` and little is left.
 *              A database that is slower than what comes in stays here: acks keep the pace of the disk.
 *   draining   Batches go to the database again and the little that is left drains beside them.
 *
 *   closed, draining  -> open      a commit, a beat or a drain failed, or an ack would wait longer than SPOOL_AFTER_MS for it
 *   open              -> trial     the probe was answered
 *   open              -> open      it was not: the next one waits twice as long, 250 ms to 5 s
 *   trial             -> open      something failed: the same
 *   trial             -> trial     a write of the drain takes longer than an ack may wait: its time begins anew
 *   trial             -> draining  nothing failed for `steadyMs`, and the spool is short
 *   draining          -> closed    the spool is empty
 *   closed            -> draining  the spool is not: a slow disk kept something after all
 *
 * A database that comes and goes would cost an ack of up to SPOOL_AFTER_MS each time: `steadyMs` begins at 1 s and doubles, to
 * 30 s, with each opening within a minute of the last recovery, so that it is left alone until it stays.
 */
export const CIRCUIT_STATES = ['closed', 'open', 'trial', 'draining'] as const;
export type CircuitState = (typeof CIRCUIT_STATES)[number];

export interface Circuit {
  readonly state: CircuitState;
  /** Since when, ms since the epoch. */
  readonly since: number;
  /** open: no probe before. */
  readonly retryAt: number;
  /** What the next failure to answer makes the circuit wait. */
  readonly waitMs: number;
  /** How long a trial must last. */
  readonly steadyMs: number;
  /** When batches last began to go to the database again; null when they always did. */
  readonly recoveredAt: number | null;
}

/** What may move the circuit, each at an instant. */
export type CircuitEvent =
  | { readonly kind: 'failed'; readonly at: number }
  | { readonly kind: 'answered'; readonly at: number }
  | { readonly kind: 'unanswered'; readonly at: number }
  | { readonly kind: 'time'; readonly at: number; readonly isShort: boolean }
  | { readonly kind: 'slow'; readonly at: number }
  | { readonly kind: 'drained'; readonly at: number }
  | { readonly kind: 'left'; readonly at: number };

export const WAIT_MS = { least: 250, most: 5_000 } as const;
export const STEADY_MS = { least: 1_000, most: 30_000 } as const;
/** An opening later than this after the last recovery is a fresh trouble, not the old one. */
export const CALM_MS = 60_000;

/** The circuit at start: what is left in the spool begins to drain, for the start itself showed the database to be there. */
export function circuitAt(at: number, spoolIsEmpty: boolean): Circuit {
  return {
    ...{ state: spoolIsEmpty ? 'closed' : 'trial', since: at, retryAt: at },
    ...{ waitMs: WAIT_MS.least, steadyMs: STEADY_MS.least, recoveredAt: null },
  };
}

/** Moves the circuit; the very same object when nothing changes. */
export function moved(circuit: Circuit, event: CircuitEvent): Circuit {
  const { state } = circuit;
  const { at } = event;
  switch (event.kind) {
    case 'failed':
      if (state === 'open') return circuit;
      return state === 'trial' ? reopened(circuit, at) : opened(circuit, at);
    case 'answered':
      return state === 'open' ? { ...circuit, state: 'trial', since: at } : circuit;
    case 'unanswered':
      return state === 'open' ? reopened(circuit, at) : circuit;
    case 'time':
      if (state !== 'trial' || !event.isShort || at - circuit.since < circuit.steadyMs) return circuit;
      return { ...circuit, state: 'draining', since: at, waitMs: WAIT_MS.least, recoveredAt: at };
    case 'slow':
      return state === 'trial' ? { ...circuit, since: at } : circuit;
    case 'drained':
      return state === 'draining' ? { ...circuit, state: 'closed', since: at } : circuit;
    case 'left':
      return state === 'closed' ? { ...circuit, state: 'draining', since: at } : circuit;
  }
}

function opened(circuit: Circuit, at: number): Circuit {
  const again = circuit.recoveredAt !== null && at - circuit.recoveredAt < CALM_MS;
  const steadyMs = again ? Math.min(2 * circuit.steadyMs, STEADY_MS.most) : STEADY_MS.least;
  return { ...circuit, state: 'open', since: at, retryAt: at + WAIT_MS.least, waitMs: 2 * WAIT_MS.least, steadyMs };
}

function reopened(circuit: Circuit, at: number): Circuit {
  const { state, since, waitMs } = circuit;
  const next = Math.min(2 * waitMs, WAIT_MS.most);
  return { ...circuit, state: 'open', since: state === 'open' ? since : at, retryAt: at + waitMs, waitMs: next };
}

/** Where a batch goes. */
export function routeOf({ state }: Circuit): 'database' | 'spool' {
  return state === 'open' || state === 'trial' ? 'spool' : 'database';
}

/** Whether the spool may drain. */
export function mayDrain({ state }: Circuit): boolean {
  return state === 'trial' || state === 'draining';
}
