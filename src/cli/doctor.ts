/** `ringledger doctor`: what is wrong between an IVR and the ledger, a line each with what to do about it. */
import { Command } from 'commander';
import { gatherFacts } from './doctor/facts.js';
import type { Finding, FindingStatus } from './doctor/finding.js';
import { diagnose, type Step } from './doctor/findings.js';
import { configuredApi } from './field/server.js';

const MARKS: Readonly<Record<FindingStatus, string>> = {
  ok: 'ok     ',
  note: 'note   ',
  unknown: '?      ',
  wrong: 'WRONG  ',
};

/** Exit code 0: nothing is wrong; 1: something is. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'Check what stands between an IVR and the ledger: port, firewall, arrivals, acks, delay, a whole call.',
    )
    .option('--json', 'print one JSON document')
    .option('--api <url>', "the server's HTTP address", configuredApi())
    .action(async ({ json, api }: { readonly json?: boolean; readonly api: string }) => {
      const steps = diagnose(await gatherFacts(api, Date.now()));
      const wrong = steps.flatMap(({ findings }) => findings).filter(({ status }) => status === 'wrong').length;
      const text = json === true ? JSON.stringify({ wrong, steps }, null, 2) : printed(steps, wrong);
      process.stdout.write(`${text}\n`);
      process.exitCode = wrong === 0 ? 0 : 1;
    });
}

function printed(steps: readonly Step[], wrong: number): string {
  const lines = steps.flatMap(({ title, findings }, index) => [
    `${String(index + 1)} ${title}`,
    ...findings.flatMap(findingLines),
    '',
  ]);
  const sum = wrong === 0 ? 'Nothing is wrong.' : `${String(wrong)} to mend; begin with the first.`;
  return [...lines, sum].join('\n');
}

function findingLines({ check, status, finding, remedy }: Finding): readonly string[] {
  return [`  ${MARKS[status]}${check}: ${finding}`, ...(remedy === null ? [] : [`         -> ${remedy}`])];
}
