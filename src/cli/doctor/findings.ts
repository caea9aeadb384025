/**
 * What the facts mean: the three problems users have (docs/wire.md) and the checklist of a new site, a line each with its
 * finding and what to do about it. Pure.
 */
import { ackFinding, delayFinding } from './findings.acks.js';
import { callFinding } from './findings.calls.js';
import { arrivingFinding, refusedFinding, unreadFinding } from './findings.arrival.js';
import { addressFinding, firewallFinding, kernelFinding, portFinding } from './findings.port.js';
import type { Facts } from './facts.js';
import { type Finding, found, notRunning, ok } from './finding.js';

/** Findings under the step of the checklist that they belong to. */
export interface Step {
  readonly title: string;
  readonly findings: readonly Finding[];
}

/** Every step in order, whether or not the server runs. */
export function diagnose(facts: Facts): readonly Step[] {
  return [
    {
      title: 'Does it listen?',
      findings: [configFinding(facts), serverFinding(facts), portFinding(facts), addressFinding(facts)],
    },
    {
      title: 'Does anything arrive?',
      findings: [firewallFinding(facts), arrivingFinding(facts), refusedFinding(facts), unreadFinding(facts)],
    },
    { title: 'Are our answers understood?', findings: [ackFinding(facts)] },
    {
      title: 'Is anything late or lost on this host?',
      findings: [delayFinding(facts), kernelFinding(facts), clockFinding(facts)],
    },
    { title: 'Is a call seen whole, and kept?', findings: [databaseFinding(facts), callFinding(facts)] },
  ];
}

function configFinding({ configFaults }: Facts): Finding {
  const check = 'configuration';
  if (configFaults.length === 0) return ok(check, 'it can be read');
  return found(
    check,
    'wrong',
    configFaults.join(' '),
    'correct these in .env or the environment; nothing starts until then',
  );
}

function serverFinding({ server, serverAway, api }: Facts): Finding {
  const check = 'server';
  if (server !== null) return ok(check, `it answers at ${api}, up since ${iso(server.receiver.startedAt)}`);
  return found(check, 'wrong', serverAway ?? 'it does not answer', 'start it: npm start');
}

function clockFinding({ host: { clockSynchronised } }: Facts): Finding {
  const check = 'clock';
  if (clockSynchronised === true) return ok(check, 'it is synchronised');
  const remedy = 'run chrony or systemd-timesyncd: times of calls come from this clock alone, the IVR sends none';
  if (clockSynchronised === false) return found(check, 'wrong', 'it is not synchronised', remedy);
  return found(check, 'unknown', 'neither timedatectl nor chronyc says whether it is synchronised', remedy);
}

function databaseFinding({ server }: Facts): Finding {
  const check = 'database';
  if (server === null) return notRunning(check);
  const { status, problems } = server.readiness;
  if (status !== 'ready')
    return found(check, 'wrong', problems.join(' '), 'see that PostgreSQL runs and DATABASE_URL names it');
  if (problems.length > 0) return found(check, 'note', problems.join(' '), null);
  return ok(check, 'it answers');
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
