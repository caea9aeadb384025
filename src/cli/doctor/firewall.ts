/** Whether the rules of a firewall let datagrams in over IPv4. Pure; it reads the common shapes and says where it cannot tell. */
import { type Chain, type Chains, iptablesChains, nftChains, type Rule } from './firewall.rules.js';

/** `open`: no chain that input passes drops them. `closed`: one does, whatever else is true of them. */
export type Passage = 'open' | 'closed' | 'unknown';

export interface Judged {
  readonly passage: Passage;
  /** The rules that decide for some of them, or that were not understood. */
  readonly doubts: readonly string[];
}

/** What may become of a datagram in a chain; `on`: the chain lets it go on. */
type Fate = 'accept' | 'drop' | 'on' | 'unclear';

/** Chains may not lead in circles; a listing that says otherwise ends here. The kernel allows 16. */
const DEPTH_MAX = 16;

/** What the rules, as `nft list ruleset` or `iptables -S` prints them, do with UDP to a port. */
export function passageOf({ tool, rules }: { tool: 'nft' | 'iptables'; rules: string }, port: number): Judged {
  const chains = (tool === 'nft' ? nftChains : iptablesChains)(rules, port);
  const doubts: string[] = [];
  const fates = [...chains.values()].flatMap((chain) => (chain.policy === null ? [] : [endsOf(chain, chains, doubts)]));
  // Every chain on the way has its say: what one accepts another may drop.
  if (fates.some((ends) => ends.size === 1 && ends.has('drop'))) return { passage: 'closed', doubts: [] };
  if (fates.every((ends) => ends.size === 1 && ends.has('accept'))) return { passage: 'open', doubts: [] };
  return { passage: 'unknown', doubts: [...new Set(doubts)] };
}

function endsOf(chain: Chain, chains: Chains, doubts: string[]): ReadonlySet<Fate> {
  const fates = fatesIn(chain, chains, doubts, 0);
  return new Set([...fates].map((fate) => (fate === 'on' ? (chain.policy ?? 'unclear') : fate)));
}

function fatesIn({ rules }: Chain, chains: Chains, doubts: string[], depth: number): ReadonlySet<Fate> {
  const fates = new Set<Fate>();
  for (const rule of rules) {
    if (rule.reach === 'never' || rule.target === 'none') continue;
    const { ends, goesOn } = outcomeOf(rule, chains, doubts, depth);
    for (const fate of ends) fates.add(fate);
    if (ends.size > 0 && (rule.reach === 'some' || ends.has('unclear'))) doubts.push(rule.text);
    if (rule.reach === 'always' && !goesOn) return fates;
  }
  return fates.add('on');
}

/** How a rule may end the way through its chain, and whether the next may be reached. */
function outcomeOf(
  { target }: Rule,
  chains: Chains,
  doubts: string[],
  depth: number,
): { readonly ends: ReadonlySet<Fate>; readonly goesOn: boolean } {
  if (target === 'none') return { ends: new Set(), goesOn: true };
  if (target === 'return') return { ends: new Set(['on']), goesOn: false };
  if (target === 'unclear') return { ends: new Set(['unclear']), goesOn: true };
  if (typeof target === 'string') return { ends: new Set([target]), goesOn: false };
  const chain = chains.get(target.chain);
  if (chain === undefined || depth >= DEPTH_MAX) return { ends: new Set(['unclear']), goesOn: true };
  const fates = new Set(fatesIn(chain, chains, doubts, depth + 1));
  const goesOn = !target.forGood && fates.delete('on');
  return { ends: fates, goesOn };
}
