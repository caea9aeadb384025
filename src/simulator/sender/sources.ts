import { isIPv6 } from 'node:net';
import { platform } from 'node:os';
import type { Target } from './ivr.js';
import { seeded } from './random.js';

interface Wanted {
  readonly sources: number;
  /** The address of the first source; null: chosen. */
  readonly sourceAddress: string | null;
}

/**
 * The local addresses the sources send from; the receiver tells sources apart by them.
 *
 * Linux answers on all of 127.0.0.0/8 without configuration, so a run to loopback takes addresses of its own there: what
 * the receiver has learned of an earlier run's codec and serials then does not stand in its way.
 */
export function localAddresses({ sources, sourceAddress }: Wanted, targets: readonly Target[], tag: string): string[] {
  const first = sourceAddress ?? chosen(targets, tag);
  const [, network, last] = /^(\d+\.\d+\.\d+\.)(\d+)$/.exec(first) ?? [];
  if (network === undefined || last === undefined) {
    if (sources > 1) throw new Error('Several sources need an IPv4 --source-address: the others follow it in order.');
    return [first];
  }
  if (sources > 1 && Number(last) + sources > 255)
    throw new Error(`There are not ${String(sources)} addresses from ${first} on.`);
  return Array.from({ length: sources }, (_, at) => network + String(Number(last) + at));
}

function chosen(targets: readonly Target[], tag: string): string {
  const host = targets[0]?.host ?? '127.0.0.1';
  if (isIPv6(host)) return host === '::1' ? '::1' : '::';
  if (!host.startsWith('127.')) return '0.0.0.0';
  if (platform() !== 'linux') return '127.0.0.1';
  const random = seeded(tag, 'address');
  return `127.${String(1 + random.below(254))}.${String(random.below(255))}.${String(1 + random.below(100))}`;
}
