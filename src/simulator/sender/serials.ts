import type { SerialMeaning } from '../../notification.js';
import type { Random } from './random.js';

/** What the simulated IVR's Serial Number counts; it always knows, so never `unknown`. */
export type SentSerialMeaning = Exclude<SerialMeaning, 'unknown'>;
export const SENT_SERIAL_MEANINGS = [
  'per_call',
  'per_source',
  'constant',
  'call_number',
  'opaque',
] as const satisfies readonly SentSerialMeaning[];

/** Which notification asks for a serial: its source, its call (numbered in order of their first events) and its place in the call. */
export interface SerialPlace {
  readonly source: number;
  readonly call: number;
  readonly index: number;
}

/**
 * Gives serials to notifications asked for in the order they happen.
 *
 * Counters of a source start at a random place, as they would be found on a running switch; `per_call` starts at 1.
 */
export function serialsOf(meaning: SentSerialMeaning, random: Random): (place: SerialPlace) => string {
  const counters = new Map<number, number>();
  const ofCall = new Map<number, string>();
  const count = (source: number): number => {
    const value = counters.get(source) ?? 1000 + random.below(900_000);
    counters.set(source, value + 1);
    return value;
  };
  const oncePerCall = (call: number, make: () => string): string => {
    const serial = ofCall.get(call) ?? make();
    ofCall.set(call, serial);
    return serial;
  };
  // 40 bits: among 30,000 serials two are equal with probability 4e-4, and then only if they meet in one call.
  const opaque = (): string =>
    [random.below(2 ** 20), random.below(2 ** 20)].map((part) => part.toString(16).padStart(5, '0')).join('');
  switch (meaning) {
    case 'per_call':
      return ({ index }) => String(index + 1);
    case 'per_source':
      return ({ source }) => String(count(source));
    case 'call_number':
      return ({ source, call }) => oncePerCall(call, () => String(count(source)));
    case 'constant':
      return ({ call }) => oncePerCall(call, () => String(1e9 + Math.floor(random.next() * 9e9)));
    case 'opaque':
      return opaque;
  }
}
