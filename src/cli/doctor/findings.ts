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
    {
      title: 'Is a call seen whole, and kept?',
      findings: [databaseFinding(facts), ...toldFindings(facts), callFinding(facts)],
    },
  ];
}

/** What everything that doctor asks for needs. */
const SCOPES = 'metrics:read, quarantine:read, numbers:clear and calls:read';

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

function serverFinding({ server, silence, api }: Facts): Finding {
  const check = 'server';
  if (server !== null) return ok(check, `it answers at ${api}, up since ${iso(server.receiver.startedAt)}`);
  const { kind, why } = silence ?? { kind: 'gone', why: 'it does not answer' };
  const remedies = {
    gone: 'start it: npm start; if it was started, it may be waiting for its database (see below)',
    slow: 'it runs: see what is said of the database below',
    denied: `RINGLEDGER_KEY needs a key with the scopes ${SCOPES}: ringledger keys create makes one`,
  };
  return found(check, 'wrong', why, remedies[kind]);
}

function clockFinding({ host: { clockSynchronised } }: Facts): Finding {
  const check = 'clock';
  if (clockSynchronised === true) return ok(check, 'it is synchronised');
  const remedy = 'run chrony or systemd-timesyncd: times of calls come from this clock alone, the IVR sends none';
  if (clockSynchronised === false) return found(check, 'wrong', 'it is not synchronised', remedy);
  return found(check, 'unknown', 'neither timedatectl nor chronyc says whether it is synchronised', remedy);
}

function databaseFinding({ server, database }: Facts): Finding {
  const check = 'database';
  const remedy = 'see that PostgreSQL runs and DATABASE_URL names it';
  if (server?.readiness.status === 'ready' && server.ledgerSilence?.kind !== 'slow') {
    return ok(check, 'it answers');
  }
  const silence = server?.ledgerSilence?.why;
  const told = server === null ? [] : [...server.readiness.problems, ...(silence === undefined ? [] : [silence])];
  const tried = triedWords(database);
  if (tried !== null && (told.length > 0 || database?.kind === 'trouble'))
    return found(check, 'wrong', [...told, tried].join(' '), remedy);
  if (told.length > 0) return found(check, 'wrong', told.join(' '), remedy);
  return database?.kind === 'answers' ? ok(check, tried ?? '') : notRunning(check);
}

/** What else the server finds wrong with itself, such as an alarm: none of it is the database's doing while that answers. */
function toldFindings({ server }: Facts): readonly Finding[] {
  const problems = server?.readiness.status === 'ready' ? server.readiness.problems : [];
  return problems.map((problem) => found('the server says', 'note', problem, null));
}

/** What trying it from here said; null where there is nothing to try. */
function triedWords(database: Facts['database']): string | null {
  if (database?.kind === 'trouble') return `Tried from here: ${database.why}`;
  return database?.kind === 'answers' ? 'Tried from here it answers at the DATABASE_URL of this shell.' : null;
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
