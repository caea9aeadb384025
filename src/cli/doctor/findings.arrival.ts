/** Whether anything arrives, from where, what is refused and what cannot be read. Pure. */
import { isPost } from '../field/show.js';
import type { Facts } from './facts.js';
import { type Finding, found, notRunning, ok } from './finding.js';

const QUIET_MS = 300_000;
const SHOWN = 5;

export function arrivingFinding({ server, now, port, hosts }: Facts): Finding {
  const check = 'datagrams';
  if (server === null) return notRunning(check);
  const { receiver, datagrams } = server;
  if (receiver.received === 0) {
    const loopback = hosts.every((host) => host.startsWith('127.') || host === '::1');
    const remedy = loopback
      ? 'UDP_HOST is a loopback address, which no IVR reaches: set it to 0.0.0.0 or to the address the IVR sends to'
      : `on the IVR set IVR_CALL_REPORT_IP to this host and IVR_CALL_REPORT_PORT to ${String(port)}; then the firewalls and routes between. Try the way here: ringledger send-sample --target <this host>:${String(port)} from another machine`;
    return found(check, 'wrong', 'none has arrived since the server started', remedy);
  }
  const last = datagrams.at(-1);
  const from = counted(datagrams.map(({ address }) => address));
  const words = `${String(receiver.received)} since the start; lately from ${from}`;
  const quietMs = last === undefined ? null : now - last.receivedAt;
  if (quietMs !== null && quietMs > QUIET_MS)
    return found(
      check,
      'note',
      `${words}; none for ${String(Math.round(quietMs / 60_000))} minutes`,
      'if there were calls: has the IVR been restarted or moved?',
    );
  return ok(check, words);
}

export function refusedFinding({ server, allowedSources }: Facts): Finding {
  const check = 'refused addresses';
  if (server === null) return notRunning(check);
  const { receiver, datagrams } = server;
  if (receiver.refusedAddress === 0) return ok(check, 'none');
  const refused = datagrams.filter(({ fate, reason }) => fate === 'refused' && reason === 'source');
  const addresses = [...new Set(refused.map(({ address }) => address))];
  const from = addresses.length === 0 ? '' : `, lately from ${addresses.slice(0, SHOWN).join(', ')}`;
  // The server does not tell its list: what is set here may be another folder's.
  const why =
    allowedSources === null
      ? "its UDP_ALLOWED_SOURCES does not hold them (in this shell's environment it is not set, which lets this machine alone report)"
      : `its UDP_ALLOWED_SOURCES does not hold them (in this shell's environment it is ${allowedSources})`;
  return found(
    check,
    addresses.length === 0 ? 'note' : 'wrong',
    `${String(receiver.refusedAddress)} datagrams were refused${from}: ${why}`,
    `if that is an IVR of yours: UDP_ALLOWED_SOURCES=${withEntry(allowedSources, addresses[0] ?? '<address>')} where the server runs, and restart`,
  );
}

/** The list with one more address, under a name that is not taken. */
function withEntry(allowed: string | null, address: string): string {
  const entries = allowed ?? '';
  let number = 1;
  while (entries.includes(`ivr-${String(number)}=`)) number += 1;
  const entry = `ivr-${String(number)}=${address}`;
  return entries.trim() === '' ? entry : `${entries.trim()},${entry}`;
}

export function unreadFinding({ server }: Facts): Finding {
  const check = 'understood';
  if (server === null) return notRunning(check);
  if (server.ledger === null)
    return found(check, 'unknown', server.ledgerSilence?.why ?? 'the database does not answer', null);
  const { quarantine, sources } = server.ledger;
  if (quarantine.length === 0) {
    const locked = sources.filter((source) => source.locked).map(({ name, codec }) => `${name} ${codec ?? ''}`);
    return ok(
      check,
      locked.length === 0 ? 'nothing is in quarantine' : `all of it (${locked.slice(0, SHOWN).join(', ')})`,
    );
  }
  const reasons = counted(quarantine.map(({ reason }) => reason));
  const from = counted(quarantine.map(({ source }) => source));
  const most = quarantine.length === 500 ? 'at least 500' : String(quarantine.length);
  return found(
    check,
    'wrong',
    `${most} datagrams are in quarantine, not acknowledged: ${reasons}; from ${from}`,
    unreadRemedy(ranked(quarantine.map(({ source }) => source))[0]?.[0] ?? ''),
  );
}

/** What to do about the source that has most of it. */
function unreadRemedy(source: string): string {
  const inspect = `ringledger inspect --source '${source}'`;
  return isPost(source)
    ? `${inspect} says what failed; a post is read in one way, which cannot be set`
    : `${inspect}, then ringledger calibrate --source '${source}'`;
}

/** `a (3), b (1)`: the commonest first. */
function counted(values: readonly string[]): string {
  const all = ranked(values);
  const shown = all.slice(0, SHOWN).map(([value, count]) => `${value} (${String(count)})`);
  return all.length > SHOWN ? `${shown.join(', ')} and ${String(all.length - SHOWN)} more` : shown.join(', ');
}

function ranked(values: readonly string[]): readonly (readonly [value: string, count: number])[] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}
