/**
 * Time as an argument (law 6). A stamp is a wall-clock anchor plus monotonic time: when somebody steps the
 * clock, stamps go on without a jump, and the step itself is a fact the caller can record.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch, never decreasing within a process. */
  now(): number;
}

/** The machine's clock, anchored once at start. */
export function systemClock(): Clock {
  const anchor = Date.now() - performance.now();
  return { now: () => Math.round(anchor + performance.now()) };
}
