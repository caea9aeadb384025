/**
 * Datagrams the kernel dropped before we could read them, per socket: the last column of `/proc/net/udp` and `udp6`
 * (Linux, net/ipv4/udp.c `udp4_format_sock_seq_show`). It counts what found the receive buffer full, and nothing else says so.
 *
 * Rows are those of every process in the network name space, so ours are told by the inode (`/proc/self/fd`) and the port.
 */
import { readdir, readFile, readlink } from 'node:fs/promises';

/** One socket as the kernel lists it. */
export interface KernelSocket {
  readonly inode: string;
  readonly port: number;
  readonly drops: number;
}

const COLUMNS_MIN = 13;
const TABLES = ['/proc/net/udp', '/proc/net/udp6'];

/** The sockets of one table; lines that are none (the head) are left out. */
export function socketsIn(table: string): readonly KernelSocket[] {
  return table.split('\n').flatMap((line) => {
    const columns = line.trim().split(/\s+/);
    const [port] = /:([0-9A-F]{4})$/.exec(columns[1] ?? '')?.slice(1) ?? [];
    const [inode, drops] = [columns[9], Number(columns[12])];
    if (columns.length < COLUMNS_MIN || port === undefined || inode === undefined || !Number.isInteger(drops))
      return [];
    return [{ inode, port: Number.parseInt(port, 16), drops }];
  });
}

/** What our sockets have dropped so far. */
export class KernelDrops {
  private inodes: ReadonlySet<string> | null = null;

  /** @param ports the local ports of our sockets, asked anew each time: they are not known before the sockets are bound */
  constructor(private readonly ports: () => readonly number[]) {}

  /** Drops by port since the sockets were bound; null where the kernel does not tell (not Linux, no `/proc`). */
  async read(): Promise<ReadonlyMap<number, number> | null> {
    const ports = this.ports();
    if (ports.length === 0) return new Map();
    try {
      const tables = await Promise.all(TABLES.map((path) => readFile(path, 'utf8').catch(absent)));
      this.inodes ??= await ownInodes();
      const { inodes } = this;
      const found = tables.flatMap(socketsIn).filter(({ inode, port }) => inodes.has(inode) && ports.includes(port));
      if (found.length === 0) return null;
      const drops = new Map<number, number>();
      for (const socket of found) drops.set(socket.port, (drops.get(socket.port) ?? 0) + socket.drops);
      return drops;
    } catch {
      return null;
    }
  }
}

/** IPv6 may be switched off. */
function absent(): string {
  return '';
}

/** Inodes of the sockets this process holds. A descriptor may be closed while we look. */
async function ownInodes(): Promise<ReadonlySet<string>> {
  const folder = '/proc/self/fd';
  const targets = await Promise.all((await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(absent)));
  return new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []));
}
