/** Rules as the tools print them: the shapes that Debian, Red Hat and Ubuntu hosts have. */
import { passageOf } from './firewall.js';

interface Row {
  readonly what: string;
  readonly tool: 'nft' | 'iptables';
  readonly rules: string;
  readonly passage: 'open' | 'closed';
}

function nft(policy: string, ...rules: readonly string[]): string {
  const chain = ['chain input {', `type filter hook input priority filter; policy ${policy};`, ...rules, '}'];
  return [
    'table inet filter {',
    ...chain,
    'chain forward {',
    'type filter hook forward priority 0; policy drop;',
    '}',
    '}',
  ].join('\n\t');
}

const ROWS: readonly Row[] = [
  { what: 'no rules', tool: 'nft', rules: '', passage: 'open' },
  { what: 'a policy that accepts', tool: 'nft', rules: nft('accept', 'tcp dport 22 accept'), passage: 'open' },
  { what: 'a policy that drops', tool: 'nft', rules: nft('drop', 'tcp dport 22 accept'), passage: 'closed' },
  {
    what: 'a last rule that drops',
    tool: 'nft',
    rules: nft('accept', 'tcp dport 22 accept', 'counter packets 0 bytes 0 drop'),
    passage: 'closed',
  },
  { what: 'the port accepted', tool: 'nft', rules: nft('drop', 'udp dport 8000 accept'), passage: 'open' },
  {
    what: 'the port in a set',
    tool: 'nft',
    rules: nft('drop', 'ip saddr 192.0.2.0/24 udp dport { 53, 8000 } accept'),
    passage: 'open',
  },
  { what: 'the port in a range', tool: 'nft', rules: nft('drop', 'udp dport 7000-9000 accept'), passage: 'open' },
  { what: 'the port of TCP alone', tool: 'nft', rules: nft('drop', 'tcp dport 8000 accept'), passage: 'closed' },
  { what: 'another port', tool: 'nft', rules: nft('drop', 'udp dport 80 accept'), passage: 'closed' },
  { what: 'no rules', tool: 'iptables', rules: '-P INPUT ACCEPT\n-P FORWARD DROP', passage: 'open' },
  { what: 'a policy that drops', tool: 'iptables', rules: '-P INPUT DROP', passage: 'closed' },
  {
    what: 'a last rule that rejects',
    tool: 'iptables',
    rules:
      '-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -j REJECT --reject-with icmp-port-unreachable',
    passage: 'closed',
  },
  {
    what: 'the port accepted',
    tool: 'iptables',
    rules: '-P INPUT DROP\n-A INPUT -p udp -m udp --dport 8000 -j ACCEPT',
    passage: 'open',
  },
  {
    what: 'the port among several',
    tool: 'iptables',
    rules: '-P INPUT DROP\n-A INPUT -p udp -m multiport --dports 53,7000:8500 -j ACCEPT',
    passage: 'open',
  },
  {
    what: "the port in a chain of ufw's",
    tool: 'iptables',
    rules: '-P INPUT DROP\n-A ufw-user-input -p udp -m udp --dport 8000 -j ACCEPT',
    passage: 'open',
  },
];

test.each(ROWS)('$tool with $what is $passage for UDP 8000', ({ tool, rules, passage }) => {
  expect(passageOf({ tool, rules }, 8_000)).toBe(passage);
});
