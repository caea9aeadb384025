import type { Judgement, Line } from './judge.js';
import type { Outcome } from '../simulate.js';

/** The judgement as a table for people, failing lines marked and followed by examples. */
export function judgementText({ lines, passed }: Judgement): string {
  const width = Math.max(...lines.map(({ title }) => title.length));
  const failed = lines.filter(({ ok }) => !ok).length;
  const verdict = passed
    ? 'PASSED: the ledger tells the truth'
    : `FAILED: ${String(failed)} of ${String(lines.length)} lines`;
  return [...lines.flatMap((line) => lineText(line, width)), '', verdict].join('\n');
}

function lineText(line: Line, width: number): string[] {
  const mark = line.limit === null ? '    ' : line.ok ? ' ok ' : 'FAIL';
  const limit = line.limit === null ? '' : `  (at most ${String(line.limit)})`;
  const note = line.note === '' ? '' : `  ${line.note}`;
  const head = `${mark}  ${line.title.padEnd(width)}  ${String(line.value).padStart(7)}${limit}${note}`;
  return [head, ...(line.ok ? [] : line.examples.map((example) => `        ${example}`))];
}

/** What was run, in two lines. */
export function runText(outcome: Outcome): string {
  const { calls, sender, seed, sourceAddresses, retry, intervalMs, sendingMs, settlingMs } = outcome;
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  return [
    `${String(calls)} calls, ${String(sender.notifications)} notifications from ${sourceAddresses.join(', ')}; seed ${seed}, Call IDs ${outcome.callIdPrefix}-...`,
    `1 + ${String(retry)} sends every ${seconds(intervalMs)}; sent in ${seconds(sendingMs)}, settled in ${seconds(settlingMs)}`,
  ].join('\n');
}

/** The same for programs: one JSON document. */
export function outcomeJson(outcome: Outcome): string {
  return JSON.stringify(outcome, null, 2);
}
