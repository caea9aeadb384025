/** Whether a key can be made as asked; every fault at once. */
import { isScope, SCOPE_NAMES, type Scope } from './scopes.js';

export interface AskedKey {
  /** What it is for, in its maker's words. */
  readonly name: string;
  readonly scopes: readonly string[];
  /** Keys of the sources it is bound to; null: all. */
  readonly sources: readonly string[] | null;
  /** When it ends, ms since the epoch; null: never. */
  readonly expiresAt: number | null;
}

export interface KeyFault {
  readonly parameter: string;
  readonly reason: string;
}

/** A key that can be made. */
export interface JudgedKey extends AskedKey {
  readonly scopes: readonly Scope[];
}

const NAME_MAX = 64;
const SOURCES_MAX = 100;
const SOURCE_MAX = 256;

/** @param now ms since the epoch */
export function judgeKey(
  asked: AskedKey,
  now: number,
): { readonly key: JudgedKey } | { readonly faults: readonly KeyFault[] } {
  const name = asked.name.trim();
  const scopes = SCOPE_NAMES.filter((scope) => asked.scopes.includes(scope));
  const unknown = asked.scopes.filter((scope) => !isScope(scope));
  const { sources, expiresAt } = asked;
  const faults = [
    ...(name === '' || name.length > NAME_MAX || /\p{Cc}/u.test(name)
      ? [{ parameter: 'name', reason: `must be 1 to ${String(NAME_MAX)} printable characters` }]
      : []),
    ...(unknown.length > 0 || scopes.length === 0
      ? [{ parameter: 'scopes', reason: `must be one or more of ${SCOPE_NAMES.join(', ')}` }]
      : []),
    ...sourceFaults(sources, scopes),
    ...(expiresAt !== null && expiresAt <= now ? [{ parameter: 'expiresAt', reason: 'must lie in the future' }] : []),
  ];
  if (faults.length > 0) return { faults };
  return { key: { name, scopes, sources: sources === null ? null : [...new Set(sources)], expiresAt } };
}

/** A key may be bound to a source that is not heard yet. */
function sourceFaults(sources: readonly string[] | null, scopes: readonly Scope[]): readonly KeyFault[] {
  if (sources === null) return [];
  const fault = (reason: string): readonly KeyFault[] => [{ parameter: 'sources', reason }];
  if (sources.length === 0 || sources.length > SOURCES_MAX) {
    return fault(`must name 1 to ${String(SOURCES_MAX)} sources; leave it out for all`);
  }
  if (sources.some((source) => source === '' || source.length > SOURCE_MAX || /\p{Cc}/u.test(source))) {
    return fault(`must be keys of sources, 1 to ${String(SOURCE_MAX)} printable characters each`);
  }
  // It could make itself a key that is not bound.
  return scopes.includes('admin') ? fault('cannot go with admin, which is everything') : [];
}
