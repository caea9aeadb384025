/**
 * Runs every case of the *.golden.txt files. `GOLDEN=write` writes what the ledger says now into them, for a new case or a
 * changed rule: every line of that difference is to be read against docs/ before it is kept.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseCases, rewrite, run } from './golden.js';

const folder = dirname(fileURLToPath(import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.golden.txt'));

describe.each(files)('%s', (file) => {
  const path = join(folder, file);
  const cases = parseCases(readFileSync(path, 'utf8'));
  if (process.env['GOLDEN'] === 'write') writeFileSync(path, `${cases.map(rewrite).join('\n\n---\n')}\n`);

  test.each(cases.map((one) => [one.title, one] as const))('%s', (_, one) => {
    expect(run(one)).toEqual(one.expected);
  });
});
