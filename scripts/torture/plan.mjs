/**
 * What befalls one round, decided beforehand from its seed: which faults, when and for how long, in ms after the first
 * report is sent. The same seed gives the same plan; when exactly the kernel stops a process differs by a millisecond.
 */
import { seeded } from '../../dist/simulator/sender/random.js';

/** The traffic of a round: about 100 calls in the first 8 s, their ends up to some seconds later. */
export const TRAFFIC = { calls: 100, rate: 12, ringMsMean: 800, holdMsMean: 2_000, overMs: 11_000 };

const MEANINGS = ['per_call', 'per_source', 'constant', 'call_number', 'opaque'];

/**
 * kill_app       SIGKILL, started again after `forMs`
 * term_app       SIGTERM as a rolling restart does, started again as soon as it has ended
 * freeze_app     SIGSTOP, SIGCONT after `forMs`
 * kill_postgres  SIGKILL to the server
 * kill_backend   SIGKILL to one of its backends, which makes it restart itself
 * kill_both      application and server, at once
 * freeze_postgres  SIGSTOP to every process of the server, SIGCONT after `forMs`
 * fill_disk      the spool's disk is filled while the server is frozen, so that it is the spool that is written
 * cut_link       nothing passes either way for `forMs`
 */
export const FAULTS = [
  ...['kill_app', 'kill_postgres', 'kill_both', 'freeze_postgres', 'kill_backend', 'fill_disk', 'freeze_app'],
  ...['term_app', 'cut_link'],
];

/** @returns {{ seed: string, address: string, serial: string, lossIn: number, lossBack: number, faults: { kind: string, atMs: number, forMs: number }[] }} */
export function planRound(seed) {
  const random = seeded(seed, 'torture');
  const count = 2 + random.below(3);
  const faults = [];
  for (let index = 0; index < count; index++) {
    const kind = random.pick(FAULTS.filter((one) => one !== 'cut_link' || !faults.some((other) => other.kind === one)));
    const atMs = Math.round(300 + random.next() * TRAFFIC.overMs);
    faults.push({ kind, atMs, forMs: Math.round(200 + random.next() * 3_300) });
  }
  const lossy = random.chance(0.5);
  const address = `127.77.${String(random.below(250))}.${String(1 + random.below(250))}`;
  return {
    ...{ seed, address, serial: random.pick(MEANINGS), lossIn: lossy ? 0.1 : 0, lossBack: lossy ? 0.1 : 0 },
    faults: faults.sort((one, other) => one.atMs - other.atMs),
  };
}

/** One line a person can read. */
export function planText({ seed, serial, lossIn, faults }) {
  const list = faults.map(
    ({ kind, atMs, forMs }) => `${kind}@${(atMs / 1000).toFixed(1)}+${(forMs / 1000).toFixed(1)}`,
  );
  return `${seed}: ${serial}, loss ${String(lossIn)}, ${list.join(' ')}`;
}
