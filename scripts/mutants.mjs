/**
 * Ten and more deliberate faults, one at a time, each of which at least one test must catch: a suite that lets one live
 * proves nothing about it. Faults are made in copies of the tree; the tests named for a fault run there.
 *
 *   npm run mutants                all of them
 *   npm run mutants -- margin      those whose title holds the word
 *
 * Exit code 1 when a fault lives, when its text is no longer in the source, or when the tests fail without any fault.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTANTS } from './mutants.faults.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const COPIED = [
  'src',
  'test',
  'prisma',
  'scripts',
  'package.json',
  'jest.config.mjs',
  'tsconfig.json',
  'prisma.config.ts',
];
/** Faults tried at a time: a test run keeps about one core busy. */
const SIDE_BY_SIDE = 2;
/** A fault may also make the tests hang. */
const PATIENCE_MS = 120_000;

/** A copy of the tree with packages linked, in a folder of its own. */
function copyTree() {
  const folder = mkdtempSync(join(tmpdir(), 'ringledger-mutant-'));
  for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** Runs tests in a copy. Resolves to whether they passed, and the title of the first that did not. */
function runTests(folder, tests) {
  return new Promise((resolve) => {
    const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
    const child = spawn(
      process.execPath,
      ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', jest, '--bail', '--runInBand', ...tests],
      { cwd: folder, env: { ...process.env, FAST_CHECK_SHRINK: '0' }, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let output = '';
    child.stderr.on('data', (chunk) => (output += chunk));
    const timer = setTimeout(() => child.kill('SIGTERM'), PATIENCE_MS);
    child.on('close', (code) => {
      clearTimeout(timer);
      const failed = /● (.*)/.exec(output)?.[1] ?? 'did not end in time';
      resolve({ passed: code === 0, failed, ran: /Tests:.* \d+ (?:passed|failed)/.test(output), output });
    });
  });
}

/** Applies a fault, runs its tests, takes it back. */
async function tryMutant(folder, mutant) {
  const path = join(folder, mutant.file);
  const source = readFileSync(path, 'utf8');
  if (source.split(mutant.find).length !== 2) return { caught: false, by: `its text is not once in ${mutant.file}` };
  writeFileSync(
    path,
    source.replace(mutant.find, () => mutant.replace),
  );
  const { passed, failed, ran, output } = await runTests(folder, mutant.tests);
  writeFileSync(path, source);
  if (!passed && !ran && failed !== 'did not end in time')
    return { caught: false, by: `the tests did not run: ${output.slice(0, 300)}` };
  return passed ? { caught: false, by: 'nothing' } : { caught: true, by: failed };
}

function report({ title }, { caught, by }, ms) {
  const seconds = (ms / 1000).toFixed(1).padStart(5);
  console.log(`${caught ? 'caught' : 'LIVES '} ${seconds} s  ${title.padEnd(66)} ${by.slice(0, 120)}`);
}

async function main(words) {
  const chosen = MUTANTS.filter(({ title }) => words.every((word) => title.includes(word)));
  const folders = Array.from({ length: SIDE_BY_SIDE }, copyTree);
  let living = 0;
  try {
    const unharmed = await runTests(folders[0], [...new Set(chosen.flatMap(({ tests }) => tests))]);
    if (!unharmed.passed)
      throw new Error(`the tests fail without any fault: ${unharmed.failed}\n${unharmed.output.slice(0, 2000)}`);
    const waiting = [...chosen];
    await Promise.all(
      folders.map(async (folder) => {
        for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
          const start = performance.now();
          const result = await tryMutant(folder, mutant);
          if (!result.caught) living += 1;
          report(mutant, result, performance.now() - start);
        }
      }),
    );
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${String(chosen.length - living)} of ${String(chosen.length)} faults are caught`);
  process.exitCode = living === 0 && chosen.length > 0 ? 0 : 1;
}

await main(process.argv.slice(2));
