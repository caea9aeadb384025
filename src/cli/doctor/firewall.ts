/** Whether the rules of a firewall let datagrams in. Pure; it reads the common shapes and says when it cannot tell. */

/** `open`: nothing would drop them, or a rule accepts the port. `closed`: the rest is dropped and no rule accepts it. */
export type Passage = 'open' | 'closed';

/** What the rules, as `nft list ruleset` or `iptables -S` prints them, do with UDP to a port. */
export function passageOf({ tool, rules }: { tool: 'nft' | 'iptables'; rules: string }, port: number): Passage {
  const lines = rules.split('\n').map((line) => line.trim());
  const drops = tool === 'nft' ? nftDrops(lines) : iptablesDrops(lines);
  if (!drops) return 'open';
  const accepts = lines.some((line) => (tool === 'nft' ? nftAccepts(line, port) : iptablesAccepts(line, port)));
  return accepts ? 'open' : 'closed';
}

/** A chain on the input hook whose policy, or whose last rule, drops. */
function nftDrops(lines: readonly string[]): boolean {
  const hook = lines.findIndex((line) => line.includes('hook input'));
  if (hook === -1) return false;
  if (/policy (drop|reject)/.test(lines[hook] ?? '')) return true;
  const end = lines.findIndex((line, index) => index > hook && line === '}');
  const last = lines.slice(hook + 1, end === -1 ? undefined : end).findLast((line) => line !== '');
  return last !== undefined && /^(counter .*)?(drop|reject)/.test(last);
}

function nftAccepts(line: string, port: number): boolean {
  const ports = /udp dport (\{[^}]*\}|[\d-]+)/.exec(line)?.[1];
  return ports !== undefined && line.includes('accept') && holds(ports, port);
}

function iptablesDrops(lines: readonly string[]): boolean {
  if (lines.some((line) => /^-P INPUT (DROP|REJECT)/.test(line))) return true;
  return lines.some((line) => /^-A INPUT (-j|-m comment .* -j) (DROP|REJECT)/.test(line));
}

/** A chain of another name (ufw's, Docker's) counts when it accepts: input is what leads to it. */
function iptablesAccepts(line: string, port: number): boolean {
  const ports = /--dports? ([\d:,]+)/.exec(line)?.[1];
  return ports !== undefined && line.includes('-p udp') && line.includes('-j ACCEPT') && holds(ports, port);
}

/** `8000`, `7000-8000`, `7000:8000`, `{ 53, 8000 }`, `53,8000`. */
function holds(text: string, port: number): boolean {
  return text
    .replace(/[{}\s]/g, '')
    .split(',')
    .some((part) => {
      const [from, to] = part.split(/[-:]/).map(Number);
      return from !== undefined && port >= from && port <= (to ?? from);
    });
}
