/**
 * Who a request comes from, and whether it may come in at all.
 *
 * no key shown   open while none was made and the request comes straight from this machine; else a stranger, who gets
 *                nothing but what needs no key
 * a key shown    its scopes and sources when it is good; else refused, also where no key would have been needed: whoever
 *                shows one wants to know that it does not work
 */
import type { Clock } from '../clock.js';
import { Access, type Holder } from './access.js';
import { Buckets } from './bucket.js';
import { TooMany, Unauthenticated } from './denied.js';
import type { Keys } from './keys.js';
import type { StoredKey } from './ports.js';
import type { Scope } from './scopes.js';

/** What is known of a request before anything of it is read. */
export interface Knock {
  /** The key shown; null: none. */
  readonly secret: string | null;
  /** Of the client, as far as it can be trusted. */
  readonly address: string;
  /** It comes from this machine, through nobody. */
  readonly local: boolean;
}

/** Faulty keys an address may show: ten at once, then one in 6 s. */
const FAULTY = { perS: 1 / 6, burst: 10 };
/** Seconds' worth of requests that may come at once after a rest. */
const BURST_S = 10;
const NAMES_MAX = 10_000;
/** What nobody should be able to do with a key that may have been revoked meanwhile. */
const NOT_STALE: readonly Scope[] = ['admin', 'sources:write', 'numbers:clear'];

export class Gate {
  private readonly refused = { key: 0, guesses: 0, rate: 0 };
  private readonly requests: Buckets | null;
  private readonly faulty = new Buckets({ ...FAULTY, namesMax: NAMES_MAX });

  /** @param requestsPerS for a key, and for an address, each; 0: unlimited */
  constructor(
    private readonly keys: Keys,
    private readonly clock: Clock,
    requestsPerS: number,
  ) {
    this.requests =
      requestsPerS === 0
        ? null
        : new Buckets({ perS: requestsPerS, burst: requestsPerS * BURST_S, namesMax: NAMES_MAX });
  }

  /** @throws Unauthenticated, TooMany, AccessUnavailable */
  async admit({ secret, address, local }: Knock): Promise<Access> {
    const network = networkOf(address);
    if (secret === null) {
      // Nobody is kept from his own machine: what is open to all of it has no one to share with.
      if (local && !(await this.keys.required())) return Access.open(address);
      this.take(network);
      return Access.stranger(address, local);
    }
    this.take(network);
    const key = await this.verified(secret, network);
    this.take(key.key.prefix);
    return accessOf(key.key, key.stale, { address, local }, async () => {
      const now = await this.keys.verify(secret);
      if (!now.good) throw new Unauthenticated(now.reason);
    });
  }

  /** Requests refused so far, by reason. */
  refusals(): Readonly<Record<string, number>> {
    return { ...this.refused };
  }

  private take(name: string): void {
    const waitMs = this.requests?.take(name, this.clock.now()) ?? 0;
    if (waitMs === 0) return;
    this.refused.rate += 1;
    throw tooMany('More was asked than RATE_LIMIT_PER_S allows.', waitMs);
  }

  private async verified(
    secret: string,
    network: string,
  ): Promise<{ readonly key: StoredKey; readonly stale: boolean }> {
    const now = this.clock.now();
    const waitMs = this.faulty.peek(network, now);
    // A good key goes through beside the guesses of others who share its address.
    if (waitMs > 0 && !this.keys.wasGood(secret)) {
      this.refused.guesses += 1;
      throw tooMany('Too many faulty keys came from this address.', waitMs);
    }
    const verified = await this.keys.verify(secret);
    if (verified.good) return verified;
    this.faulty.take(network, now);
    this.refused.key += 1;
    throw new Unauthenticated(verified.reason);
  }
}

function tooMany(what: string, waitMs: number): TooMany {
  const afterS = Math.max(1, Math.ceil(waitMs / 1000));
  return new TooMany(`${what} Ask again in ${String(afterS)} s.`, afterS);
}

function accessOf(
  key: StoredKey,
  stale: boolean,
  from: Pick<Holder, 'address' | 'local'>,
  renew: () => Promise<void>,
): Access {
  const { name, prefix, scopes, sources } = key;
  const holder: Holder = { kind: 'key', name: `${name} (${prefix})`, prefix, ...from };
  const all = new Access({ holder, scopes, sources, renew });
  if (!stale) return all;
  return new Access({ holder, scopes: all.scopes.filter((scope) => !NOT_STALE.includes(scope)), sources, renew });
}

/** An IPv6 customer has 2^64 addresses: they count as one. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? 0 : tail.split(':').length;
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - groups.length - after) }, () => '0');
  return [...groups, ...zeros, ...(tail ?? '').split(':')].slice(0, 4).join(':');
}
