/** What copies and the times of our answers say: are acks understood, and is a delay ours or the network's? Pure. */
import { ignoresAcks, joinCopies } from '../field/arrivals.js';
import type { Source } from '../field/contract.js';
import type { Facts } from './facts.js';
import { type Finding, found, notRunning, ok } from './finding.js';

/** An answer slower than this share of the interval leaves too little for the way there and back. */
const SLOW_SHARE = 0.5;

/** A few answers cross a copy on its way. */
const LOST_SHARE = 0.1;

/** What to do about each diagnosis that is one. */
const REMEDIES: Readonly<Record<string, string>> = {
  late: 'see the delay below',
  lost: 'look at the network on the way back; nothing is missed as long as one try and one answer get through',
  not_understood:
    'does a firewall or NAT drop what leaves this host, or does it leave from another address (UDP_HOST)? If answers reach the IVR',
};

/** Older copies say how it was: since then somebody may have mended it. */
const STALE_MS = 600_000;

export function ackFinding(facts: Facts): Finding {
  const check = 'copies';
  const { server, intervalMs, now } = facts;
  if (server === null) return notRunning(check);
  const arrived = joinCopies(server.datagrams, []);
  const ailing = (server.ledger?.sources ?? []).filter(({ ackDiagnosis }) => ackDiagnosis in REMEDIES);
  const ignored = arrived.filter((one) => ignoresAcks(one, intervalMs)).map(({ source }) => source ?? '');
  const told = ailing.filter(({ ackDiagnosis }) => ackDiagnosis === 'not_understood').map(({ key }) => key);
  const deaf = [...new Set([...told, ...ignored])];
  const ailments = [
    ...ailing.map(healthWords),
    ...deaf
      .filter((key) => ailing.every((one) => one.key !== key))
      .map((key) => `${key} was answered each time and sent again at its interval`),
  ].join('; ');
  const quietMs = now - lastHeardOf(facts, [...deaf, ...ailing.map(({ key }) => key)]);
  if (ailments !== '' && quietMs > STALE_MS) {
    const since = `${ailments}, but nothing came for ${String(Math.round(quietMs / 60_000))} minutes`;
    return found(check, 'note', since, 'make a call and look again');
  }
  if (deaf.length > 0) {
    const probes = deaf.map((key) => `ringledger calibrate --source '${key}' --ack-probe`).join('; ');
    return found(check, 'wrong', ailments, `${REMEDIES['not_understood'] ?? ''}: ${probes}`);
  }
  const [first] = ailing;
  if (first !== undefined) {
    const status = first.ackDiagnosis === 'late' ? 'wrong' : 'note';
    return found(check, status, ailing.map(healthWords).join('; '), REMEDIES[first.ackDiagnosis] ?? null);
  }
  const answered = arrived.filter(({ acked }) => acked > 0);
  if (answered.length === 0) return found(check, 'unknown', 'nothing was answered lately', null);
  const again = answered.filter((one) => one.again > 0).length;
  const words = `${String(again)} of the last ${String(answered.length)} answered notifications came again afterwards`;
  if (again > LOST_SHARE * answered.length) return found(check, 'note', words, REMEDIES['lost'] ?? null);
  return ok(check, `${words}: the answers are understood`);
}

/** When one of these sources was heard last, as far as it is in sight. */
function lastHeardOf({ server, now }: Facts, keys: readonly string[]): number {
  const own = new Set(keys);
  const heard = (server?.ledger?.sources ?? [])
    .filter(({ key }) => own.has(key))
    .map(({ lastHeardAt }) => lastHeardAt ?? 0);
  const came = (server?.datagrams ?? [])
    .filter(({ source }) => own.has(source ?? ''))
    .map(({ receivedAt }) => receivedAt);
  const all = [...heard, ...came];
  return all.length === 0 ? now : Math.max(...all);
}

function healthWords({ key, ackDiagnosis, copiesPerNotification }: Source): string {
  const times = (copiesPerNotification ?? 0).toFixed(1);
  return `${key} sends each notification ${times} times: answers are ${ackDiagnosis.replace('_', ' ')}`;
}

export function delayFinding({ server, intervalMs }: Facts): Finding {
  const check = 'delay';
  if (server === null) return notRunning(check);
  const tookMs = server.datagrams
    .flatMap(({ receivedAt, ackedAt }) => (ackedAt === null ? [] : [ackedAt - receivedAt]))
    .sort((a, b) => a - b);
  const p99 = tookMs[Math.floor((tookMs.length - 1) * 0.99)];
  if (p99 === undefined) return found(check, 'unknown', 'nothing was answered lately', null);
  const ours = `our answers leave within ${String(p99)} ms (99 of 100, of ${String(tookMs.length)}; the IVR tries again after ${String(intervalMs)} ms)`;
  if (p99 > SLOW_SHARE * intervalMs)
    return found(
      check,
      'wrong',
      `the delay is ours: ${ours}`,
      'see the database: its disk, its load, its distance; /metrics has the time of each commit',
    );
  const calls = server.ledger?.calls ?? [];
  const late = calls.filter((call) => call.late).length;
  if (late > 0)
    return found(
      check,
      'note',
      `${ours}, yet ${String(late)} of the last ${String(calls.length)} calls were reported late: first tries are lost on their way here`,
      'that is the network between: look for loss with ping or mtr from the IVR',
    );
  return ok(check, ours);
}
