/** What the machine itself says: who holds the port, what the kernel dropped, what the firewall lets in, whether the clock is right. */
import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import { type KernelSocket, socketsIn } from '../../transport/kernel-drops.js';
import { UdpBindError, UdpSocket } from '../../transport/udp.socket.js';

/** How a port stands: free, held by somebody, or not to be had at this address. */
export interface PortState {
  readonly host: string;
  readonly state: 'free' | 'held' | 'impossible';
  /** Of who holds it, where that can be read; else the system's reason. */
  readonly who: string | null;
}

export interface HostFacts {
  readonly ports: readonly PortState[];
  /** Sockets on the port, of any process; null where the kernel does not tell. */
  readonly sockets: readonly KernelSocket[] | null;
  readonly addresses: readonly string[];
  /** Rules as the firewall's own tool prints them; null where none could be read. */
  readonly firewall: { readonly tool: 'nft' | 'iptables'; readonly rules: string } | null;
  /** Null where nothing on this host says. */
  readonly clockSynchronised: boolean | null;
  readonly receiveBufferMax: number | null;
}

const run = promisify(execFile);
const TIMEOUT_MS = 3_000;

/** Looks at this host; never throws. */
export async function lookAtHost(hosts: readonly string[], port: number): Promise<HostFacts> {
  const sockets = await socketsOn(port);
  const [ports, firewall, clockSynchronised, receiveBufferMax] = await Promise.all([
    Promise.all(hosts.map((host) => portState(host, port, sockets ?? []))),
    readFirewall(),
    readClock(),
    readFile('/proc/sys/net/core/rmem_max', 'utf8').then(Number, () => null),
  ]);
  return { ports, sockets, addresses: ownAddresses(), firewall, clockSynchronised, receiveBufferMax };
}

async function socketsOn(port: number): Promise<readonly KernelSocket[] | null> {
  const tables = await Promise.all(
    ['/proc/net/udp', '/proc/net/udp6'].map((path) => readFile(path, 'utf8').catch(() => null)),
  );
  if (tables.every((table) => table === null)) return null;
  return tables.flatMap((table) => socketsIn(table ?? '')).filter((socket) => socket.port === port);
}

/** Tries the port by taking it for a moment. */
async function portState(host: string, port: number, sockets: readonly KernelSocket[]): Promise<PortState> {
  try {
    await (await UdpSocket.bind({ host, port, receiveBufferBytes: 65_536 })).close();
    return { host, state: 'free', who: null };
  } catch (error) {
    const code = error instanceof UdpBindError ? error.code : 'unknown';
    if (code !== 'EADDRINUSE') return { host, state: 'impossible', who: code };
    return { host, state: 'held', who: await holderOf(new Set(sockets.map(({ inode }) => inode))) };
  }
}

/** The process that holds one of these sockets; another user's processes can only be read by root. */
async function holderOf(inodes: ReadonlySet<string>): Promise<string | null> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const fds = await readdir(`/proc/${pid}/fd`).catch(() => []);
    const targets = await Promise.all(fds.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
    if (!targets.some((one) => inodes.has(/^socket:\[(\d+)\]$/.exec(one)?.[1] ?? ''))) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return `process ${pid} (${command.split('\0').join(' ').trim().slice(0, 80)})`;
  }
  return null;
}

function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((interfaces) => interfaces ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);
}

async function readFirewall(): Promise<HostFacts['firewall']> {
  const nft = await outputOf('nft', ['list', 'ruleset']);
  if (nft !== null && nft.trim() !== '') return { tool: 'nft', rules: nft };
  const iptables = await outputOf('iptables', ['-S']);
  if (iptables !== null) return { tool: 'iptables', rules: iptables };
  return nft === null ? null : { tool: 'nft', rules: nft };
}

async function readClock(): Promise<boolean | null> {
  const timedatectl = await outputOf('timedatectl', ['show', '-p', 'NTPSynchronized', '--value']);
  if (timedatectl !== null) return timedatectl.trim() === 'yes';
  const chrony = await outputOf('chronyc', ['-n', 'tracking']);
  if (chrony !== null) return /Leap status\s*:\s*Normal/.test(chrony);
  return null;
}

async function outputOf(program: string, parameters: readonly string[]): Promise<string | null> {
  try {
    return (await run(program, [...parameters], { timeout: TIMEOUT_MS })).stdout;
  } catch {
    return null;
  }
}
