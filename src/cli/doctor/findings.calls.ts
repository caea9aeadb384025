/** Whether a call was seen whole: of every source heard lately, since one that works says nothing of the next. Pure. */
import type { Call } from '../field/contract.js';
import type { Facts, SourceCalls } from './facts.js';
import { type Finding, found, notRunning, ok } from './finding.js';

const CHECK = 'a call with Ringing, OK and Bye';
/** A call that still rings may get its OK; no switch lets a leg ring for longer. */
const RINGS_MS = 180_000;

export function callFinding({ server, now }: Facts): Finding {
  if (server?.ledger == null) return notRunning(CHECK);
  const { calls, lately } = server.ledger;
  const mute = lately.filter((one) => isMute(one, now));
  if (mute.length > 0) {
    const words = mute.map(({ source, calls: own }) => `${source}: ${rungText(rung(own, now).length)}`);
    const [first] = mute;
    return found(
      CHECK,
      'wrong',
      words.join('; '),
      `does that IVR report OK and Bye? ringledger inspect --source '${first?.source ?? ''}' shows what it sends`,
    );
  }
  const whole = [...lately.flatMap((one) => one.calls), ...calls].find(isWhole);
  if (whole === undefined) return noneFinding(calls);
  const seen = `seen: Call ID ${whole.callId} of ${whole.source} at ${new Date(whole.firstSeenAt).toISOString()}`;
  const without = lately.filter((one) => one.calls.length > 0 && !one.calls.some(isWhole)).map(({ source }) => source);
  if (without.length === 0) return ok(CHECK, seen);
  return found(
    CHECK,
    'note',
    `${seen}; none yet of ${without.join(', ')}`,
    'make one callback there, answer it, hang up, and look again',
  );
}

/** Calls rang, and nothing else was ever heard of any. */
function isMute({ calls }: SourceCalls, now: number): boolean {
  const silent = calls.every(({ answeredAt, endProvenance }) => answeredAt === null && endProvenance !== 'reported');
  return silent && rung(calls, now).length > 0;
}

function rung(calls: readonly Call[], now: number): readonly Call[] {
  return calls.filter(({ ringingAt, firstSeenAt }) => ringingAt !== null && now - firstSeenAt > RINGS_MS);
}

function rungText(count: number): string {
  return `${count === 1 ? 'its last call' : `its last ${String(count)} calls`} rang, and neither OK nor Bye ever came`;
}

function isWhole({ ringingAt, answeredAt, endProvenance }: Call): boolean {
  return ringingAt !== null && answeredAt !== null && endProvenance === 'reported';
}

function noneFinding(calls: readonly Call[]): Finding {
  if (calls.length === 0)
    return found(CHECK, 'wrong', 'no call has ended yet', 'make one callback, answer it, hang up, and look again');
  const states = [
    calls.some(({ ringingAt }) => ringingAt !== null) ? 'Ringing' : '',
    calls.some(({ answeredAt }) => answeredAt !== null) ? 'OK' : '',
    calls.some(({ endProvenance }) => endProvenance === 'reported') ? 'Bye' : '',
  ].filter((state) => state !== '');
  return found(
    CHECK,
    'wrong',
    `of the last ${String(calls.length)} calls none has all three; seen was ${states.join(', ') || 'none of them'}`,
    'make one callback, answer it, hang up; ringledger inspect shows what the IVR sends for it',
  );
}
