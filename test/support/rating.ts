/** The rating example of docs/billing.md as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export const RATING = fileURLToPath(new URL('../../examples/rating.mjs', import.meta.url));

export interface Entry {
  readonly id: string;
  readonly revision: number;
  readonly kind: string;
  readonly cents: number;
}

/** How a run ended, and what it said. */
export interface Rated {
  readonly code: number | null;
  readonly out: string;
  readonly told: string;
}

/** Starts it. `key`: RINGLEDGER_KEY; `script`: another name of the example. */
export function startRating(
  options: readonly string[],
  { key, script = RATING }: { readonly key?: string; readonly script?: string } = {},
): ChildProcess {
  const { RINGLEDGER_KEY: _key, ...env } = process.env;
  return spawn(process.execPath, [script, ...options], {
    env: { ...env, NODE_OPTIONS: '', ...(key === undefined ? {} : { RINGLEDGER_KEY: key }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export async function endOf(running: ChildProcess): Promise<Rated> {
  const said = (stream: NodeJS.ReadableStream | null): Promise<string> =>
    stream === null ? Promise.resolve('') : text(stream);
  const [[code], out, told] = await Promise.all([
    once(running, 'exit') as Promise<[number | null]>,
    said(running.stdout),
    said(running.stderr),
  ]);
  return { code, out, told };
}

export function entriesIn(journal: string): readonly Entry[] {
  const lines = readFileSync(journal, 'utf8').split('\n').slice(0, -1);
  return lines.flatMap((line) => (JSON.parse(line) as { entries: readonly Entry[] }).entries);
}
