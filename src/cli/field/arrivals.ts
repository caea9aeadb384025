/** What arrived, copies together: one entry for each datagram that a sender sent again and again. Pure. */
import type { Datagram, Quarantined } from './contract.js';

/** One datagram with all its copies. */
export interface Arrived {
  readonly bytes: Buffer;
  readonly length: number;
  readonly address: string;
  /** Ports it came from; a copy from another port is an address translator's doing. Empty when only quarantine has it. */
  readonly ports: readonly number[];
  readonly source: string | null;
  /** Of the last copy. */
  readonly fate: string | null;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly copies: number;
  /** Between one copy and the next, in ms; empty where the copies themselves are no longer in sight. */
  readonly spacingMs: readonly number[];
  /** The last answer, and how long after its copy it left. */
  readonly ack: Buffer | null;
  readonly ackMs: number | null;
  /** Copies that were answered, and copies that came after an answer had left. */
  readonly acked: number;
  readonly again: number;
}

/**
 * Joins copies: the same bytes from the same address.
 * @returns in order of the last copy
 */
export function joinCopies(datagrams: readonly Datagram[], quarantine: readonly Quarantined[]): readonly Arrived[] {
  const groups = new Map<string, Datagram[]>();
  for (const one of datagrams) {
    const likeness = likenessOf(one);
    const mates = groups.get(likeness);
    if (mates === undefined) groups.set(likeness, [one]);
    else mates.push(one);
  }
  const details = new Map(quarantine.map((row) => [likenessOf(row), row]));
  const seen = [...groups].map(([likeness, copies]) => arrivedOf(copies, details.get(likeness) ?? null));
  const older = quarantine.filter((row) => !groups.has(likenessOf(row))).map(arrivedFromQuarantine);
  return [...seen.flat(), ...older].sort((a, b) => a.lastAt - b.lastAt);
}

/** What copies have in common: equal for those that are joined. */
export function likenessOf({
  address,
  bytesBase64,
}: {
  readonly address: string;
  readonly bytesBase64: Buffer;
}): string {
  return `${address} ${bytesBase64.toString('latin1')}`;
}

function arrivedOf(copies: readonly Datagram[], kept: Quarantined | null): readonly Arrived[] {
  const ordered = [...copies].sort((a, b) => a.receivedAt - b.receivedAt);
  const [first] = ordered;
  const last = ordered.at(-1);
  if (first === undefined || last === undefined) return [];
  const times = ordered.map(({ receivedAt }) => receivedAt);
  const answered = ordered.filter(({ ackedAt }) => ackedAt !== null);
  const answer = answered.at(-1);
  const firstAckedAt = answered[0]?.ackedAt ?? null;
  return [
    {
      ...{ bytes: last.bytesBase64, length: last.length, address: last.address },
      ports: [...new Set(ordered.map(({ port }) => port))],
      ...{ source: last.source, fate: last.fate, reason: last.reason },
      detail: last.fate === 'quarantined' ? (kept?.detail ?? null) : null,
      ...{ firstAt: first.receivedAt, lastAt: last.receivedAt, copies: ordered.length },
      spacingMs: times.slice(1).map((at, index) => at - (times[index] ?? at)),
      ack: answer?.ackBase64 ?? null,
      ackMs: answer?.ackedAt === undefined || answer.ackedAt === null ? null : answer.ackedAt - answer.receivedAt,
      acked: answered.length,
      again: firstAckedAt === null ? 0 : times.filter((at) => at > firstAckedAt).length,
    },
  ];
}

function arrivedFromQuarantine(row: Quarantined): Arrived {
  const { bytesBase64, length, address, source, reason, detail, copies } = row;
  return {
    ...{ bytes: bytesBase64, length, address, ports: [], source, fate: 'quarantined', reason, detail },
    ...{ firstAt: row.receivedAt, lastAt: row.lastReceivedAt, copies, spacingMs: [] },
    ...{ ack: null, ackMs: null, acked: 0, again: 0 },
  };
}

/** Answered as often as it came and sent again all the same, at the sender's interval: it does not like the answer. */
export function ignoresAcks({ copies, acked, spacingMs }: Arrived, intervalMs: number): boolean {
  const atInterval = spacingMs.filter((ms) => ms > 0.8 * intervalMs && ms < 1.5 * intervalMs).length;
  return copies >= 3 && acked >= copies - 1 && atInterval >= 2;
}
