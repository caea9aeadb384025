/** One line of the doctor. Pure. */

/** `wrong` wants something done; `unknown` could not be told; `note` is worth knowing. */
export type FindingStatus = 'ok' | 'note' | 'unknown' | 'wrong';

export interface Finding {
  /** The question, in the words of the checklist. */
  readonly check: string;
  readonly status: FindingStatus;
  readonly finding: string;
  /** What to do; null when nothing has to be done. */
  readonly remedy: string | null;
}

export function ok(check: string, finding: string): Finding {
  return { check, status: 'ok', finding, remedy: null };
}

export function found(check: string, status: FindingStatus, finding: string, remedy: string | null): Finding {
  return { check, status, finding, remedy };
}

/** For what only a server that answers can tell. */
export function notRunning(check: string): Finding {
  return found(check, 'unknown', 'only a server that answers can tell', null);
}
