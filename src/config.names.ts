import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'dotenv';
import { CONFIG_KEYS } from './config.keys.js';

/** Names that belong to others and are near to ours. */
const FOREIGN = new Set(['HTTP_PROXY', 'NODE_ENV', 'HOST', 'PORT']);
/** Names this short are near to anything. */
const LENGTH_MIN = 6;
/** Letters that may be wrong: two slips, or one in a name of up to ten letters. */
const SLIPS_MAX = 2;
const SHORT = 10;

/**
 * Sentences about variables, in the environment or in `.env` of `folder`, that look like one of ours misspelt: nothing reads
 * them, and what was meant keeps its standard value. Values are not looked at.
 */
export function misspeltNames(env: NodeJS.ProcessEnv = process.env, folder: string = process.cwd()): readonly string[] {
  const file = join(folder, '.env');
  const written = existsSync(file) ? Object.keys(parse(readFileSync(file))) : [];
  return [...new Set([...written, ...Object.keys(env)])].flatMap((name) => {
    const meant = meantBy(name);
    return meant === null ? [] : [`${name} is set and nothing reads it: did you mean ${meant}?`];
  });
}

/** The name of ours that a foreign name looks like; null when it is ours, or looks like none. */
export function meantBy(name: string): string | null {
  const known = Object.keys(CONFIG_KEYS);
  if (known.includes(name) || FOREIGN.has(name) || name.length < LENGTH_MIN) return null;
  const asked = plain(name);
  const slipsMax = asked.length <= SHORT ? 1 : SLIPS_MAX;
  const near = known.map((own) => ({ own, slips: slips(asked, plain(own)) })).sort((a, b) => a.slips - b.slips);
  const [nearest] = near;
  return nearest !== undefined && nearest.slips <= slipsMax ? nearest.own : null;
}

function plain(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '');
}

/** Letters to insert, drop, change or swap with the next to make one of the other (optimal string alignment). */
function slips(a: string, b: string): number {
  let before: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(swapped ? Math.min(cost, (before[j - 2] ?? 0) + 1) : cost);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
