/** Rules as the tools print them: the shapes that Debian, Red Hat and Ubuntu hosts have. */
import { type Passage, passageOf } from './firewall.js';

interface Row {
  readonly what: string;
  readonly tool: 'nft' | 'iptables';
  readonly rules: string;
  readonly passage: Passage;
}

function nft(policy: string, ...rules: readonly string[]): string {
  const chain = ['chain input {', `type filter hook input priority filter; policy ${policy};`, ...rules, '}'];
  const forward = ['chain forward {', 'type filter hook forward priority 0; policy drop;', '}'];
  return ['table inet filter {', ...chain, ...forward, '}'].join('\n\t');
}

const FAIL2BAN = `table inet f2b-table {
	set addr-set-sshd {
		type ipv4_addr
		elements = { 203.0.113.9 }
	}

	chain f2b-chain {
		type filter hook input priority filter - 1; policy accept;
		tcp dport 22 ip saddr @addr-set-sshd reject with icmp port-unreachable
	}
}
`;

const DEBIAN = nft(
  'drop',
  'iif "lo" accept comment "accept loopback"',
  'ct state vmap { invalid : drop, established : accept, related : accept }',
  'ip protocol icmp counter packets 12 bytes 1008 accept',
  'ip6 nexthdr ipv6-icmp accept',
  'tcp dport { 22, 443 } ct state new accept',
  'log prefix "dropped: " level info',
);

function firewalld(allowed: string): string {
  return `table inet firewalld {
	chain filter_INPUT {
		type filter hook input priority filter + 10; policy accept;
		ct state { established, related } accept
		ct status dnat accept
		iifname "lo" accept
		ct state invalid drop
		jump filter_INPUT_ZONES
		reject with icmpx admin-prohibited
	}

	chain filter_INPUT_ZONES {
		iifname "eth0" goto filter_IN_public
		goto filter_IN_public
	}

	chain filter_IN_public {
		jump filter_IN_public_allow
		meta l4proto { icmp, ipv6-icmp } accept
		reject with icmpx admin-prohibited
	}

	chain filter_IN_public_allow {
		tcp dport 22 ct state { new, untracked } accept
		${allowed}
	}
}`;
}

function ufw(allowed: string): string {
  return `-P INPUT DROP
-P FORWARD DROP
-N ufw-before-input
-N ufw-logging-deny
-N ufw-not-local
-N ufw-user-input
-A INPUT -j ufw-before-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
-A ufw-before-input -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A ufw-before-input -p udp -m udp --sport 67 --dport 68 -j ACCEPT
-A ufw-before-input -j ufw-not-local
-A ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT
-A ufw-before-input -j ufw-user-input
-A ufw-logging-deny -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN
-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j ufw-logging-deny
-A ufw-not-local -j DROP
${allowed}`;
}

const NFT: readonly Omit<Row, 'tool'>[] = [
  { what: 'no rules', rules: '', passage: 'open' },
  { what: 'a policy that accepts', rules: nft('accept', 'tcp dport 22 accept'), passage: 'open' },
  { what: 'a policy that drops', rules: DEBIAN, passage: 'closed' },
  { what: 'a last rule that drops', rules: nft('accept', 'counter packets 0 bytes 0 drop'), passage: 'closed' },
  { what: 'the port accepted', rules: nft('drop', 'udp dport 8000 accept'), passage: 'open' },
  { what: 'the port in a set', rules: nft('drop', 'udp dport { 53, 8000 } accept'), passage: 'open' },
  { what: 'the port in a range', rules: nft('drop', 'udp dport 7000-9000 accept'), passage: 'open' },
  { what: 'the port of TCP alone', rules: nft('drop', 'tcp dport 8000 accept'), passage: 'closed' },
  { what: 'another port', rules: nft('drop', 'udp dport 80 accept'), passage: 'closed' },
  { what: 'all UDP accepted', rules: nft('drop', 'meta l4proto udp accept'), passage: 'open' },
  { what: 'both protocols', rules: nft('drop', 'meta l4proto { udp, tcp } th dport 8000 accept'), passage: 'open' },
  { what: 'the port dropped', rules: nft('accept', 'udp dport 8000 drop'), passage: 'closed' },
  { what: 'the port dropped behind its accept', rules: nft('drop', 'udp dport 8000 accept', 'drop'), passage: 'open' },
  { what: "fail2ban's table before a filter that drops", rules: FAIL2BAN + DEBIAN, passage: 'closed' },
  { what: "fail2ban's table before one that accepts", rules: FAIL2BAN + nft('accept'), passage: 'open' },
  {
    what: 'an accept on the way out alone',
    rules: `${DEBIAN}\ntable ip out {\n\tchain output {\n\t\ttype filter hook output priority filter; policy drop;\n\t\tudp dport 8000 accept\n\t}\n}`,
    passage: 'closed',
  },
  {
    what: 'a table for IPv6 that drops',
    rules: 'table ip6 filter {\n\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}',
    passage: 'open',
  },
  { what: 'one network let in', rules: nft('drop', 'ip saddr 192.0.2.0/24 udp dport 8000 accept'), passage: 'unknown' },
  { what: 'addresses that are banned', rules: nft('accept', 'ip saddr @banned drop'), passage: 'unknown' },
  { what: 'ports in a named set', rules: nft('drop', 'udp dport @open accept'), passage: 'unknown' },
  { what: 'another port left out', rules: nft('drop', 'udp dport != 8000 accept'), passage: 'unknown' },
  { what: 'a map of verdicts', rules: nft('drop', 'udp dport vmap { 8000 : accept }'), passage: 'unknown' },
  { what: 'a chain that is not there', rules: nft('drop', 'jump elsewhere'), passage: 'unknown' },
  { what: 'the port in a zone of firewalld', rules: firewalld('udp dport 8000 accept'), passage: 'open' },
  { what: 'another port in a zone of firewalld', rules: firewalld('udp dport 123 accept'), passage: 'closed' },
  {
    what: 'rules that iptables made',
    rules: nft('drop', 'meta l4proto udp udp dport 8000 counter packets 0 bytes 0 accept'),
    passage: 'open',
  },
];

const IPTABLES: readonly Omit<Row, 'tool'>[] = [
  { what: 'no rules', rules: '-P INPUT ACCEPT\n-P FORWARD DROP', passage: 'open' },
  { what: 'a policy that drops', rules: '-P INPUT DROP', passage: 'closed' },
  {
    what: 'a last rule that rejects',
    rules:
      '-P INPUT ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -j REJECT --reject-with icmp-port-unreachable',
    passage: 'closed',
  },
  {
    what: 'the port accepted',
    rules: '-P INPUT DROP\n-A INPUT -p udp -m udp --dport 8000 -m comment --comment "the IVR" -j ACCEPT',
    passage: 'open',
  },
  {
    what: 'the port among several',
    rules: '-P INPUT DROP\n-A INPUT -p udp -m multiport --dports 53,7000:8500 -j ACCEPT',
    passage: 'open',
  },
  { what: 'all UDP accepted', rules: '-P INPUT DROP\n-A INPUT -p udp -j ACCEPT', passage: 'open' },
  {
    what: 'the port dropped',
    rules: '-P INPUT ACCEPT\n-A INPUT -p udp -m udp --dport 8000 -j DROP',
    passage: 'closed',
  },
  { what: 'one address let in', rules: '-P INPUT DROP\n-A INPUT -s 192.0.2.7/32 -p udp -j ACCEPT', passage: 'unknown' },
  { what: 'all but one address', rules: '-P INPUT DROP\n-A INPUT ! -i lo -p udp -j ACCEPT', passage: 'unknown' },
  {
    what: 'an accept on the way out',
    rules: '-P INPUT DROP\n-A OUTPUT -p udp --dport 8000 -j ACCEPT',
    passage: 'closed',
  },
  { what: 'a target of a module', rules: '-P INPUT DROP\n-A INPUT -j NFQUEUE --queue-num 0', passage: 'unknown' },
  {
    what: "the port in a chain of ufw's",
    rules: ufw('-A ufw-user-input -p udp -m udp --dport 8000 -j ACCEPT'),
    passage: 'open',
  },
  {
    what: "another port in a chain of ufw's",
    rules: ufw('-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT'),
    passage: 'closed',
  },
];

const ROWS: readonly Row[] = [
  ...NFT.map((row): Row => ({ ...row, tool: 'nft' })),
  ...IPTABLES.map((row): Row => ({ ...row, tool: 'iptables' })),
];

test.each(ROWS)('$tool with $what is $passage for UDP 8000', ({ tool, rules, passage }) => {
  expect(passageOf({ tool, rules }, 8_000).passage).toBe(passage);
});
