/** The port, the address answers leave from, the firewall before it and the kernel's buffer behind it. Pure. */
import { passageOf } from './firewall.js';
import type { Facts } from './facts.js';
import { type Finding, found, ok } from './finding.js';

export function portFinding({ host, port, server, silence }: Facts): Finding {
  const check = 'port';
  const where = `UDP ${String(port)}`;
  const impossible = host.ports.filter(({ state }) => state === 'impossible');
  if (impossible.length > 0) {
    const hosts = impossible.map((one) => `${one.host} (${one.who ?? 'unknown'})`).join(', ');
    return found(
      check,
      'wrong',
      `${where} cannot be opened on ${hosts}`,
      'set UDP_HOST to addresses this host has, and a port above 1023',
    );
  }
  const free = host.ports.filter(({ state }) => state === 'free');
  // One that answers too late, or not to this key, runs all the same.
  const runs = server !== null || silence?.kind === 'slow' || silence?.kind === 'denied';
  if (runs && free.length === 0)
    return ok(check, `${where} is bound on ${host.ports.map((one) => one.host).join(', ')}`);
  if (runs) {
    return found(
      check,
      'note',
      `the server ${server === null ? 'runs' : 'answers'}, but ${where} is free on this host`,
      'run doctor on the host the server runs on',
    );
  }
  if (free.length === host.ports.length)
    return found(check, 'wrong', `${where} is free: nobody listens`, 'start it: npm start');
  const who =
    host.ports.find(({ who: holder }) => holder !== null)?.who ?? 'another program (as root its name could be read)';
  return found(
    check,
    'wrong',
    `${where} is held by ${who}`,
    'if that is Ringledger, it is starting, or its HTTP address differs (--api); else stop it, or set IVR_CALL_REPORT_PORT here and on the IVR',
  );
}

export function addressFinding({ hosts, host: { addresses } }: Facts): Finding {
  const check = 'address answers leave from';
  const own = (family: 'IPv4' | 'IPv6'): number =>
    addresses.filter((address) => address.includes(':') === (family === 'IPv6')).length;
  const wild = hosts.filter((host) => (host === '0.0.0.0' && own('IPv4') > 1) || (host === '::' && own('IPv6') > 1));
  if (wild.length === 0) return ok(check, `the one that was asked (${hosts.join(', ')})`);
  return found(
    check,
    'note',
    `${wild.join(' and ')} is bound and this host has ${String(addresses.length)} addresses (${addresses.join(', ')}): an answer may leave from another one than the IVR asked`,
    'set UDP_HOST to the address that IVR_CALL_REPORT_IP names',
  );
}

export function firewallFinding({ host: { firewall }, port }: Facts): Finding {
  const check = 'firewall';
  const watch = `tcpdump -ni any udp port ${String(port)}  shows whether anything reaches this host at all`;
  if (firewall === null) {
    return found(
      check,
      'unknown',
      'its rules cannot be read by this user',
      `sudo nft list ruleset (or sudo iptables -S): look for udp dport ${String(port)}; ${watch}`,
    );
  }
  const { passage, doubts } = passageOf(firewall, port);
  if (passage === 'open') return ok(check, `the rules of ${firewall.tool} let UDP ${String(port)} in`);
  if (passage === 'unknown') {
    const some = doubts.slice(0, 3).map((rule) => `"${rule}"`);
    const says = `whether the rules of ${firewall.tool} let UDP ${String(port)} in cannot be told here`;
    return found(check, 'unknown', says, `look at ${some.join(', ') || 'its input chains'}; ${watch}`);
  }
  const add =
    firewall.tool === 'nft'
      ? `nft insert rule inet filter input udp dport ${String(port)} accept (or its own table and chain, where they have other names)`
      : `iptables -I INPUT -p udp --dport ${String(port)} -j ACCEPT`;
  return found(check, 'wrong', `the rules of ${firewall.tool} drop UDP ${String(port)}`, add);
}

export function kernelFinding(facts: Facts): Finding {
  const check = 'kernel buffer';
  const { server, receiveBufferAskedBytes: asked } = facts;
  const { sockets, receiveBufferMax } = facts.host;
  const drops = server === null ? 0 : (sockets ?? []).reduce((sum, socket) => sum + socket.drops, 0);
  const granted = server?.receiver.sockets.map((socket) => socket.receiveBufferGrantedBytes) ?? [];
  const least = granted.length > 0 ? Math.min(...granted) : Math.min(asked, receiveBufferMax ?? asked);
  const wanted =
    server === null ? asked : Math.max(...server.receiver.sockets.map((one) => one.receiveBufferAskedBytes));
  const remedy = `sysctl -w net.core.rmem_max=${String(wanted)} (and in /etc/sysctl.d), then restart`;
  const size = `${String(least)} of the ${String(wanted)} bytes asked for`;
  if (drops > 0)
    return found(
      check,
      'wrong',
      `the kernel dropped ${String(drops)} datagrams before they were read; it granted ${size}`,
      least < wanted ? remedy : 'bursts are larger than UDP_RECEIVE_BUFFER_BYTES: raise it and net.core.rmem_max',
    );
  if (least < wanted) return found(check, 'note', `the kernel grants ${size}; nothing was dropped so far`, remedy);
  return ok(check, `${String(least)} bytes as asked for, nothing dropped`);
}
