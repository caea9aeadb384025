/** What one request may see and do. Made once for each request and passed on, so that nothing can be read without one. */
import { Forbidden, Unauthenticated } from './denied.js';
import { type Scope, SCOPE_NAMES, SCOPES } from './scopes.js';

/** Who asks. */
export interface Holder {
  /** `key`: a good one was shown. `open`: no key has been made, and the request comes from this machine. `stranger`: neither. */
  readonly kind: 'key' | 'open' | 'stranger';
  /** How records of changes and the audit trail call them; the prefix of a key is in it, nothing secret. */
  readonly name: string;
  /** Prefix of the key; null without one. */
  readonly prefix: string | null;
  /** Address of the client, as far as it can be trusted. */
  readonly address: string;
  /** The request comes from this machine, through no proxy. */
  readonly local: boolean;
}

export interface AccessOptions {
  readonly holder: Holder;
  readonly scopes: readonly Scope[];
  /** Keys of the sources it is bound to; null: all there are. */
  readonly sources: readonly string[] | null;
  /** Asks again whether the key is good; left out: there is none to ask of. */
  readonly renew?: () => Promise<void>;
}

/** Without a key, before one has been made, on this machine: all but making keys, which takes the database. */
const OPEN: readonly Scope[] = SCOPE_NAMES.filter((scope) => scope !== 'admin');

export class Access {
  readonly holder: Holder;
  readonly scopes: readonly Scope[];
  /** Keys of the sources that may be seen; null: all. Every read filters by them. */
  readonly sources: readonly string[] | null;
  private readonly renew: (() => Promise<void>) | undefined;

  constructor({ holder, scopes, sources, renew }: AccessOptions) {
    this.renew = renew;
    this.holder = holder;
    this.scopes = scopes.includes('admin') ? SCOPE_NAMES : scopes;
    this.sources = sources;
  }

  /** Everything but making keys, for everybody on this machine. */
  static open(address: string): Access {
    return new Access({
      holder: { kind: 'open', name: 'operator', prefix: null, address, local: true },
      scopes: OPEN,
      sources: null,
    });
  }

  /** Nothing. */
  static stranger(address: string, local = false): Access {
    return new Access({
      holder: { kind: 'stranger', name: 'stranger', prefix: null, address, local },
      scopes: [],
      sources: [],
    });
  }

  /**
   * For answers that take longer than a second: a key that was revoked, or has expired, reads no further.
   * @throws Unauthenticated, AccessUnavailable
   */
  async demandStill(): Promise<void> {
    await this.renew?.();
  }

  can(scope: Scope): boolean {
    return this.scopes.includes(scope);
  }

  /**
   * @param what what needs it, as the subject of a sentence; left out: this
   * @throws Unauthenticated, Forbidden
   */
  demand(scope: Scope, what = 'This'): void {
    this.demandKnown();
    if (this.can(scope)) return;
    throw new Forbidden(`${what} needs a key with the scope ${scope}: to ${SCOPES[scope]}.`, scope);
  }

  /** @throws Unauthenticated nobody knows who asks */
  demandKnown(): void {
    if (this.holder.kind !== 'stranger') return;
    throw new Unauthenticated('Show a key: Authorization: Bearer <key>. ringledger keys create makes one.');
  }

  /** For what cannot be divided by source. @throws Forbidden */
  demandEverySource(what: string): void {
    if (this.sources === null) return;
    throw new Forbidden(`${what} tells of every source, and this key is bound to some.`);
  }

  /** Whether something of this source may be seen; null stands for what belongs to none. */
  sees(source: string | null): boolean {
    return this.sources === null || (source !== null && this.sources.includes(source));
  }

  /** The sources a read is about: those asked for, as far as they may be seen. Undefined: all there are; empty: none. */
  among(asked: readonly string[] | undefined): readonly string[] | undefined {
    const { sources } = this;
    if (sources === null) return asked;
    return asked === undefined ? sources : asked.filter((one) => sources.includes(one));
  }
}
