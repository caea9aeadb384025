import type { ServerResponse } from 'node:http';

/** Aborts when the connection of a response closes: nobody waits for the answer any more. */
export function whenClosed(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => {
    gone.abort();
  });
  return gone.signal;
}
