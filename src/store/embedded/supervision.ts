/**
 * When the embedded PostgreSQL is started again, decided without a clock or a process.
 *
 * It is *up* while a connection of ours to it stands. When that breaks, the server is *starting*: PostgreSQL that restarts
 * itself after a crash is found alive, a dead one is started anew. Each loss or failed start counts as a try; the first is
 * made at once, further ones after *waiting*, twice as long each time. After five tries without a minute of calm something
 * is wrong that starting does not mend (a full disk, damaged data, somebody who kills it): it is said once, and from then
 * on tried every 15 s, for as long as it takes. A minute up is calm, and forgets the tries. *stopped* is the end.
 *
 *   up       -- lost    -> starting   first try
 *                       -> waiting    later ones
 *   starting -- came up -> up
 *            -- failed  -> waiting
 *   waiting  -- due     -> starting
 *   any      -- stop    -> stopped
 */

/** What the supervisor is at; instants in ms of any clock that does not go back. */
export type Supervision =
  | { readonly phase: 'up'; readonly tries: number; readonly upSince: number }
  | { readonly phase: 'starting'; readonly tries: number }
  | { readonly phase: 'waiting'; readonly tries: number; readonly dueAt: number }
  | { readonly phase: 'stopped' };

export type Happening = 'lost' | 'came_up' | 'failed' | 'due' | 'stop';

/** Tries that follow each other quickly; the waits before them are 0, 250, 500, 1,000 and 2,000 ms. */
export const QUICK_TRIES = 5;
const FIRST_WAIT_MS = 250;
export const SLOW_WAIT_MS = 15_000;
export const CALM_MS = 60_000;

/** The state that follows; the same one where what happened is no news to it. */
export function moved(state: Supervision, happening: Happening, now: number): Supervision {
  if (state.phase === 'stopped') return state;
  switch (happening) {
    case 'stop':
      return { phase: 'stopped' };
    case 'came_up':
      return state.phase === 'starting' ? { phase: 'up', tries: state.tries, upSince: now } : state;
    case 'due':
      return state.phase === 'waiting' ? { phase: 'starting', tries: state.tries } : state;
    case 'failed':
      return state.phase === 'starting' ? again(state.tries + 1, now) : state;
    case 'lost': {
      if (state.phase !== 'up') return state;
      const calm = now - state.upSince >= CALM_MS;
      return again(calm ? 1 : state.tries + 1, now);
    }
  }
}

function again(tries: number, now: number): Supervision {
  const waitMs = waitBefore(tries);
  return waitMs === 0 ? { phase: 'starting', tries } : { phase: 'waiting', tries, dueAt: now + waitMs };
}

/** How long to wait before a try, the first being 1. */
export function waitBefore(tries: number): number {
  if (tries <= 1) return 0;
  return tries > QUICK_TRIES ? SLOW_WAIT_MS : FIRST_WAIT_MS * 2 ** (tries - 2);
}
