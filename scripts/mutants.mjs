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

const GOLDEN = 'test/golden';
const EVIDENCE = 'test/property/evidence';
const LAW_2 = 'test/property/law2';
const TRUTH = 'test/property/truth';
const COMMIT = 'test/property/commit';
const BOOK = 'test/property/book';

const MUTANTS = [
  {
    title: 'copies are not recognised as copies',
    file: 'src/delivery/evidence.ts',
    find: 'const joined = stored.filter((row) => sameRow(row, report)',
    replace: 'const joined = stored.filter((row) => row.firstAt < 0 && sameRow(row, report)',
    tests: [EVIDENCE],
  },
  {
    title: 'the first receipt of a notification is the one processed first',
    file: 'src/delivery/evidence.ts',
    find: 'const first = byFirst(a, b) <= 0 ? a : b;',
    replace: 'const first = a;',
    tests: [LAW_2],
  },
  {
    title: 'acked before the commit',
    file: 'src/ingest/commit/group-commit.ts',
    find: 'const outcomes = await this.store(batch);',
    replace:
      "for (const { answer } of batch) answer({ stored: true, outcome: 'first' });\n      const outcomes = await this.store(batch);",
    tests: [COMMIT],
  },
  {
    title: 'a duplicate is not acked again',
    file: 'src/ingest/commit/group-commit.ts',
    find: 'pending.answer({ stored: true, outcome });',
    replace:
      "pending.answer(outcome === 'duplicate' ? { stored: false, reason: 'rejected' } : { stored: true, outcome });",
    tests: [COMMIT],
  },
  {
    title: 'the margin is forgotten in H',
    file: 'src/notification.ts',
    find: 'return settings.retry * settings.intervalMs + settings.marginMs;',
    replace: 'return settings.retry * settings.intervalMs;',
    tests: [GOLDEN],
  },
  {
    title: 'H is half of what it is',
    file: 'src/notification.ts',
    find: 'return settings.retry * settings.intervalMs + settings.marginMs;',
    replace: 'return (settings.retry * settings.intervalMs) / 2 + settings.marginMs;',
    tests: [TRUTH],
  },
  {
    title: 'minimum and maximum of a span are swapped',
    file: 'src/lifecycle/times.ts',
    find: 'min: Math.max(0, (to.earliest ?? Number.NEGATIVE_INFINITY) - from.latest),\n    max: from.earliest === null ? null : to.latest - from.earliest,',
    replace:
      'max: Math.max(0, (to.earliest ?? Number.NEGATIVE_INFINITY) - from.latest),\n    min: from.earliest === null ? null : to.latest - from.earliest,',
    tests: [TRUTH],
  },
  {
    title: 'an OK after its Bye counts from its receipt',
    file: 'src/lifecycle/times.ts',
    find: 'bye !== null && bye.firstAt < ok.firstAt',
    replace: 'bye !== null && bye.firstAt < Number.NEGATIVE_INFINITY',
    tests: [GOLDEN],
  },
  {
    title: 'the time the receive loop stood still is forgotten',
    file: 'src/lifecycle/times.ts',
    find: 'one.firstAt - horizon - one.idleMs;',
    replace: 'one.firstAt - horizon;',
    tests: [TRUTH],
  },
  {
    title: 'calls are cut without looking at their states',
    file: 'src/lifecycle/cut.ts',
    find: 'return rankX !== null && rankY !== null && (',
    replace: 'return rankX === 7 && rankY !== null && (',
    tests: [TRUTH],
  },
  {
    title: 'a hole in the serials still proves that nobody answered',
    file: 'src/lifecycle/disposition.ts',
    find: "return end - before === 1n ? notAnswered('proven', null)",
    replace: "return end - before >= 1n ? notAnswered('proven', null)",
    tests: [TRUTH],
  },
  {
    title: 'a hole in the serials of the source still proves it',
    file: 'src/lifecycle/disposition.ts',
    find: 'if (room || cutThrough) return unknown(finalAfter);',
    replace: 'if (cutThrough) return unknown(finalAfter);',
    tests: [TRUTH],
  },
  {
    title: 'a hole open at a restart changes its epoch',
    file: 'src/delivery/book.ts',
    find: 'this.events.push({ kind, epoch, from, to,',
    replace: 'this.events.push({ kind, epoch: this.epoch, from, to,',
    tests: [BOOK],
  },
  {
    title: 'a state nobody knows cannot have been the OK',
    file: 'src/lifecycle/disposition.ts',
    find: 'if (events.others.length > 0) return unknown(null);',
    replace: '',
    tests: [GOLDEN],
  },
  {
    title: 'dispositions are inferred while loss windows are open',
    file: 'src/lifecycle/loss.ts',
    find: 'if (facts.through < windowClosesAt(span.to, facts.settings)) return null;',
    replace: '',
    tests: [GOLDEN],
  },
  {
    title: 'a gap is lost as soon as it is found, without its deadline',
    file: 'src/lifecycle/gap.ts',
    find: 'const lost = through > deadlineAt;',
    replace: 'const lost = through > missing.openedAt;',
    tests: [GOLDEN],
  },
  {
    title: 'a call settles without waiting for W',
    file: 'src/lifecycle/fold.ts',
    find: 'settled: settleAfter !== null && facts.through >= settleAfter,',
    replace: 'settled: settleAfter !== null,',
    tests: [GOLDEN],
  },
  {
    title: 'a gap that was filled stays open',
    file: 'src/ingest/assemble/assemble.ts',
    find: 'return [...changed, ...gone.map((gap) => closeGap(gap, call, asOf))];',
    replace: 'return call === null ? [...changed, ...gone.map((gap) => closeGap(gap, call, asOf))] : changed;',
    tests: [LAW_2],
  },
  {
    title: 'pages begin after a time, without a tie-breaker',
    file: 'src/query/page.ts',
    find: 'Prisma.sql`(${key}, ${tie.column}) ${beyond} (${position.value}::${Prisma.raw(order.type)}, ${position.id}::${tieType})`',
    replace: 'Prisma.sql`${key} ${beyond} ${position.value}::${Prisma.raw(order.type)}`',
    tests: ['test/property/paging'],
  },
];

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
