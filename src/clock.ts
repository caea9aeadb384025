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

/** What was asked did not answer in time. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut';
}

/**
 * The same, or a failure after `ms`: what is asked goes on, and its end is nobody's any more.
 * @throws TimedOut
 */
export async function within<T>(asked: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new TimedOut(`no answer within ${String(ms)} ms`));
    }, ms);
  });
  asked.catch(() => undefined);
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}
