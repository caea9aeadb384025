/** Listings of firewalls as rules: whether each concerns a first datagram to a port over IPv4, and what it then does. Pure. */

/** Whether a rule takes in such a datagram: none, those that more is true of (an address, a rate, what is not read here), or each. */
export type Reach = 'never' | 'some' | 'always';

export type Target =
  | 'accept'
  | 'drop'
  | 'return'
  /** A rule that only counts or logs. */
  | 'none'
  /** Something that is not read here. */
  | 'unclear'
  /** Another chain; `forGood`: what comes behind the rule is not looked at. */
  | { readonly chain: string; readonly forGood: boolean };

export interface Rule {
  readonly text: string;
  readonly reach: Reach;
  readonly target: Target;
}

export interface Chain {
  /** What becomes of what no rule decides, in a chain that all input passes; null in any other. */
  readonly policy: 'accept' | 'drop' | null;
  readonly rules: Rule[];
}

export type Chains = ReadonlyMap<string, Chain>;

/** A condition as it is written, and whether a first datagram fulfils it; null: it cannot be told. */
type Condition = readonly [RegExp, (value: string, port: number) => boolean | null];

/** A set in braces, or one word; what is negated is left where it stands, and not understood. */
const VALUE = String.raw`(?!!=)(\{[^}]*\}|\S+)`;
const isNew = (states: string): boolean => /\b(new|untracked)\b/i.test(states);
const isUdp = (protocols: string): boolean => /\b(udp|17|all)\b/.test(protocols);
const isLocal = (type: string): boolean => /local/i.test(type);

const NFT: readonly Condition[] = [
  [
    /\b((?:ip6|tcp|icmp|icmpv6|igmp|sctp|dccp|esp|ah) (?!\})|meta nfproto ipv6|iif(?:name)? "?lo\b|ct status dnat)/,
    () => false,
  ],
  [/\b(meta nfproto ipv4)/, () => true],
  [new RegExp(`ct state ${VALUE}`), isNew],
  [new RegExp(`(?:meta l4proto|ip protocol) ${VALUE}`), isUdp],
  [new RegExp(`fib daddr type ${VALUE}`), isLocal],
  [new RegExp(`(?:udp|th) dport ${VALUE}`), holds],
];

const IPTABLES: readonly Condition[] = [
  [/(?<!! )-i (lo)\b/, () => false],
  [/(?<!! )-p (\S+)/, isUdp],
  [/(?<!! )--(?:ct)?state (\S+)/, isNew],
  [/(?<!! )--dst-type (\S+)/, isLocal],
  [/(?<!! )--dports? (\S+)/, holds],
  [/-m (udp|multiport|conntrack|state|addrtype)\b/, () => true],
];

/** `8000`, `7000-8000`, `7000:8000`, `{ 53, 8000 }`, `53,8000`; null of names. */
function holds(text: string, port: number): boolean | null {
  const parts = text.replace(/[{}\s]/g, '').split(',');
  if (!parts.every((part) => /^\d+([-:]\d+)?$/.test(part))) return null;
  return parts.some((part) => {
    const [from = 0, to = from] = part.split(/[-:]/).map(Number);
    return port >= from && port <= to;
  });
}

/** A word of what is left over is a condition that was not understood. */
function reachOf(text: string, conditions: readonly Condition[], port: number): Reach {
  let rest = text;
  for (const [written, holdsFor] of conditions) {
    const found = written.exec(rest);
    const fulfilled = found === null ? null : holdsFor(found[1] ?? '', port);
    if (fulfilled === false) return 'never';
    if (fulfilled === true) rest = rest.replace(written, '');
  }
  return rest.trim() === '' ? 'always' : 'some';
}

const COUNTS =
  /\b(?:counter(?: packets \d+ bytes \d+)?|log(?: (?:prefix "[^"]*"|level \S+|group \d+|flags \S+( \S+)?))*)(?= |$)/g;

function nftRule(text: string, table: string, port: number): Rule {
  const said = text
    .replace(/ comment "[^"]*"$/, '')
    .replace(/ # handle \d+$/, '')
    .replace(COUNTS, '')
    .trim();
  const states = /^ct state vmap \{([^}]*)\}$/.exec(said)?.[1];
  if (states !== undefined && !isNew(states)) return { text, reach: 'never', target: 'none' };
  const [verdict = '', word, chain] =
    /(?:^| )(accept|drop|reject|return|continue|jump|goto)(?: with .*| (\S+))?$/.exec(said) ?? [];
  const reach = reachOf(said.slice(0, said.length - verdict.length), NFT, port);
  if (word === undefined) return { text, reach, target: said === '' ? 'none' : 'unclear' };
  if (chain !== undefined) return { text, reach, target: { chain: `${table} ${chain}`, forGood: word === 'goto' } };
  return { text, reach, target: word === 'continue' ? 'none' : word === 'reject' ? 'drop' : (word as Target) };
}

/** `nft list ruleset`: the tables that IPv4 passes. */
export function nftChains(listing: string, port: number): Chains {
  const chains = new Map<string, Chain>();
  let table = '';
  let chain: string | null = null;
  for (const line of listing.split('\n').map((one) => one.trim())) {
    const [, family, name] = /^table (\S+) (\S+)/.exec(line) ?? [];
    if (family !== undefined) table = family === 'ip' || family === 'inet' ? `${family} ${name ?? ''}` : '';
    const begins = /^chain (\S+) \{/.exec(line)?.[1];
    if (begins !== undefined) chains.set((chain = `${table} ${begins}`), { policy: null, rules: [] });
    else if (line === '}') chain = null;
    else if (chain === null || table === '' || line === '' || line.startsWith('#')) continue;
    else if (/^type \S+ hook /.test(line)) {
      const policy = / hook input /.test(line) ? (/policy drop/.test(line) ? 'drop' : 'accept') : null;
      chains.set(chain, { policy, rules: [] });
    } else chains.get(chain)?.rules.push(nftRule(line, table, port));
  }
  return chains;
}

const TARGETS: Readonly<Record<string, Target>> = {
  ...{ ACCEPT: 'accept', DROP: 'drop', REJECT: 'drop', RETURN: 'return', LOG: 'none', NFLOG: 'none' },
};

/** `iptables -S`. */
export function iptablesChains(listing: string, port: number): Chains {
  const chains = new Map<string, Chain>();
  for (const line of listing.split('\n').map((one) => one.trim())) {
    const [, policied, policy] = /^-P (\S+) (\S+)/.exec(line) ?? [];
    if (policied === 'INPUT') chains.set('INPUT', { policy: policy === 'ACCEPT' ? 'accept' : 'drop', rules: [] });
    const [, named] = /^-N (\S+)/.exec(line) ?? [];
    const [, added, said = ''] = /^-A (\S+) ?(.*)$/.exec(line) ?? [];
    const name = named ?? added;
    if (name !== undefined && !chains.has(name)) chains.set(name, { policy: null, rules: [] });
    if (added === undefined) continue;
    const plain = said.replace(/-m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+) ?/, '');
    const [, jump, target = ''] = /(?:^| )-([jg]) (\S+)/.exec(plain) ?? [];
    const reach = reachOf(plain.replace(/(?:^| )-[jg] .*$/, ''), IPTABLES, port);
    const leads = jump === undefined ? 'none' : (TARGETS[target] ?? { chain: target, forGood: jump === 'g' });
    chains.get(added)?.rules.push({ text: line, reach, target: leads });
  }
  return chains;
}
