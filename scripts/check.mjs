/**
 * `npm run check`: types, lint, format, boundaries, tidiness and the pure tests, without a database. A minute is the aim; on two
 * cores it takes two (124 s in `.ci/run`, nothing beside it). Two steps run at a time; what failed is printed whole at the end, and
 * the exit code follows.
 *
 * Half of the lint's time goes into tests, of which `types` sees all: they are linted by `npm run lint`, and so in `.ci/run`. What
 * is kept between runs is keyed by contents, and decides nothing that a first run would decide otherwise.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const PURE_TESTS = ['src', 'test/tidy.spec.ts', 'test/golden', 'test/property', 'test/simulator'];
const LINTED = ['src', 'scripts', 'bench', '*.mjs', '*.ts'];
/** Inside node_modules, so that `npm ci` forgets it. */
const CACHE = join('node_modules', '.cache', 'ringledger-check');
/** Properties of what PostgreSQL answers. */
const NEEDS_DATABASE = 'test/property/paging';

const pureTests = PURE_TESTS.filter((path) => existsSync(join(ROOT, path)));

/** Name, program and arguments; the slowest first, so that the others fill the second core meanwhile. */
const STEPS = [
  ['lint', 'eslint', ...LINTED, '--ignore-pattern', '**/*.spec.ts', '--max-warnings', '0'],
  ['types', 'tsc', '--noEmit', '--incremental', '--tsBuildInfoFile', `${CACHE}/types.json`, '-p', '.'],
  ['pure tests', 'jest', '--maxWorkers=1', '--testPathIgnorePatterns', NEEDS_DATABASE, '--', ...pureTests],
  ['format', 'prettier', '--check', '--cache', '--cache-strategy', 'content', '--log-level', 'warn', '.'],
  ['boundaries', 'depcruise', '--config', '.dependency-cruiser.mjs', 'src'],
];

/** Runs one step; resolves to its output when it failed, else to null. */
function run([name, program, ...args]) {
  const startedAt = performance.now();
  const nodeOptions = `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`;
  const child = spawn(join(ROOT, 'node_modules', '.bin', program), args, {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: nodeOptions },
  });
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => output.push(chunk));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exitCode) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      console.log(`${exitCode === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
      resolve(exitCode === 0 ? null : `\n--- ${name}\n${Buffer.concat(output).toString()}`);
    });
  });
}

const waiting = [...STEPS];
const failures = [];

async function work() {
  for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
    const failure = await run(step);
    if (failure !== null) failures.push(failure);
  }
}

await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));
for (const failure of failures) console.log(failure);
process.exitCode = failures.length === 0 ? 0 : 1;
