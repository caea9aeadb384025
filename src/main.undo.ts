/** Undoing what a start has done, at its end or where it fails half way. */

/** One thing to undo. */
export type Step = () => Promise<unknown>;

/**
 * Takes the steps back, the last first, and every one of them even where another fails: a socket that will not close must not
 * leave PostgreSQL running.
 * @param tell told of each fault but the first
 * @throws the first fault, once all was tried
 */
export async function undone(steps: readonly Step[], tell: (fault: unknown) => void): Promise<void> {
  const faults: unknown[] = [];
  for (const step of steps.toReversed()) {
    try {
      await step();
    } catch (fault) {
      faults.push(fault);
    }
  }
  for (const fault of faults.slice(1)) tell(fault);
  if (faults.length > 0) throw faults[0];
}

/**
 * The same where a start has failed: of what fails now as well somebody is told, and nothing is thrown, so that the operator reads
 * why the start failed ("the port is in use") and not what followed from it.
 */
export async function undoneAfterFault(steps: readonly Step[], tell: (fault: unknown) => void): Promise<void> {
  await undone(steps, tell).catch(tell);
}
