/**
 * `npm run torture -- --rounds 20 --seed ci`: applications under simulated load whose processes are killed and frozen, whose
 * disk is filled and whose link is cut, at instants that come from the seed (scripts/torture/plan.mjs says which). After
 * each round what the sender saw acked is compared with what is stored and declared.
 *
 *   npm run torture -- --rounds 200 --seed night --at-once 4
 *   npm run torture -- --round night-17         that round alone, again
 *
 * Exit code 1 when a notification was acked and is not stored, is stored twice, or the ledger does not tell the truth.
 */
import { parseArgs } from 'node:util';
import { planRound, planText } from './torture/plan.mjs';
import { closeAll, tortured } from './torture/round.mjs';

const { values: asked } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: 'torture' },
    'at-once': { type: 'string', default: '4' },
    round: { type: 'string' },
  },
});
const rounds = asked.round === undefined ? Number(asked.rounds) : 1;
const atOnce = Number(asked['at-once']);
if (!(Number.isInteger(rounds) && rounds > 0 && Number.isInteger(atOnce) && atOnce > 0)) {
  console.error('--rounds and --at-once must be whole numbers above 0.');
  process.exit(2);
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    waiting.length = 0;
    void closeAll().then(() => process.exit(130));
  });
}

const waiting = Array.from({ length: rounds }, (_, index) => asked.round ?? `${asked.seed}-${String(index + 1)}`);
const results = [];
const startedAt = performance.now();
const work = async () => {
  for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
    const result = await tortured(seed);
    results.push(result);
    tell(result);
  }
};
await Promise.all(Array.from({ length: Math.min(atOnce, rounds) }, work));
process.exitCode = summary() ? 0 : 1;
// A fetch that was cut off by a kill may hold a socket open.
process.exit();

function tell({ plan, faults, notes, counts }) {
  const figures =
    counts === null
      ? ''
      : ` | ${Object.entries(counts)
          .map(([key, value]) => `${key} ${String(value)}`)
          .join(' ')}`;
  console.log(`${faults.length === 0 ? 'held  ' : 'FAILED'}  ${planText(planRound(plan.seed))}${figures}`);
  for (const text of [...faults, ...notes]) console.log(`        ${text}`);
  if (faults.length > 0) console.log(`        again: npm run torture -- --round ${plan.seed}`);
}

function summary() {
  const failed = results.filter(({ faults }) => faults.length > 0).length;
  const total = (key) => results.reduce((sum, { counts }) => sum + (counts?.[key] ?? 0), 0);
  const estimates = results.flatMap(({ estimate }) => (estimate === null ? [] : [estimate]));
  const off = Math.abs(estimates.reduce((sum, { lost, expected }) => sum + lost - expected, 0));
  const sigma = Math.sqrt(estimates.reduce((sum, one) => sum + one.sigma ** 2, 0));
  const estimated = off <= Math.max(1, 3 * sigma);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  console.log(
    `${String(rounds - failed)} of ${String(rounds)} rounds held, in ${String(seconds)} s. ` +
      `${String(total('sent'))} notifications sent, ${String(total('acked'))} acked, ${String(total('lost'))} not stored, ` +
      `of them ${String(total('undeclared'))} undeclared; possible gaps off by ${off.toFixed(1)}, sigma ${sigma.toFixed(1)}${estimated ? '' : ': TOO MUCH'}.`,
  );
  return failed === 0 && estimated;
}
