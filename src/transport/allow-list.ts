/**
 * Which addresses may report: UDP has no login, so the sender's address is the only lock on the door.
 *
 * Addresses are compared after unmapping `::ffff:a.b.c.d` to `a.b.c.d`, because the same IVR appears in either
 * form depending on the socket it reached.
 */
import { BlockList, isIP } from 'node:net';

/** What the list says of one address. `name` is the configured source name, null when the entry has none. */
export interface Admission {
  readonly allowed: boolean;
  readonly name: string | null;
}

/** A parsed `UDP_ALLOWED_SOURCES`: the list of what was understood, and a sentence per entry that was not. */
export interface ParsedAllowList {
  readonly list: AllowList;
  readonly faults: readonly string[];
}

type Family = 'ipv4' | 'ipv6';

interface Entry {
  readonly name: string | null;
  readonly address: string;
  readonly family: Family;
  readonly prefix: number;
}

const REFUSED: Admission = { allowed: false, name: null };
const LOOPBACK = '127.0.0.0/8,::1';
const ADDRESS_BITS = { ipv4: 32, ipv6: 128 } as const;
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
const MAPPED_BITS = 96;
const NAME_LENGTH_MAX = 64;
/** A site has a handful of IVRs; the bound only matters when source addresses are forged, and then a miss costs 2 us. */
const REMEMBERED_MAX = 1024;

/** The address without a zone (`fe80::1%eth0`) and without the IPv4-mapped prefix. */
export function unmapAddress(address: string): string {
  const bare = address.includes('%') ? address.slice(0, address.indexOf('%')) : address;
  return MAPPED.exec(bare)?.[1] ?? bare;
}

/** Answers whether an address may report, and under which name; the narrowest entry that holds it speaks. */
export class AllowList {
  private readonly rules: readonly {
    readonly admission: Admission;
    readonly family: Family;
    readonly block: BlockList;
  }[];
  private readonly remembered = new Map<string, Admission>();

  constructor(entries: readonly Entry[]) {
    const narrowestFirst = [...entries].sort((a, b) => b.prefix - a.prefix);
    this.rules = narrowestFirst.map((entry) => {
      const block = new BlockList();
      block.addSubnet(entry.address, entry.prefix, entry.family);
      return { admission: { allowed: true, name: entry.name }, family: entry.family, block };
    });
  }

  /** The admission of an address as the socket gave it. Never throws: what is no address is refused. */
  match(address: string): Admission {
    const known = this.remembered.get(address);
    if (known !== undefined) return known;
    const admission = this.look(unmapAddress(address));
    if (this.remembered.size >= REMEMBERED_MAX) this.remembered.clear();
    this.remembered.set(address, admission);
    return admission;
  }

  private look(address: string): Admission {
    const family = familyOf(address);
    if (family === null) return REFUSED;
    const rule = this.rules.find((one) => one.family === family && one.block.check(address, family));
    return rule?.admission ?? REFUSED;
  }
}

/**
 * Reads `UDP_ALLOWED_SOURCES`: a comma list of `address`, `cidr`, `name=address` or `name=cidr`. Unset or blank
 * means loopback only. Several entries may share a name (one IVR, many addresses). Faults never repeat the
 * configured text, only its position, because configuration is not to be printed.
 * @param variable what the list is called in faults
 */
export function parseAllowList(text: string | undefined, variable = 'UDP_ALLOWED_SOURCES'): ParsedAllowList {
  const source = text === undefined || text.trim() === '' ? LOOPBACK : text;
  const entries: Entry[] = [];
  const faults: string[] = [];
  const nameOfRange = new Map<string, string | null>();
  source.split(',').forEach((item, index) => {
    const entry = parseEntry(item.trim());
    const where = `${variable} entry ${String(index + 1)}`;
    if (typeof entry === 'string') {
      faults.push(`${where} ${entry}`);
      return;
    }
    const range = `${entry.address}/${String(entry.prefix)}`;
    const taken = nameOfRange.get(range);
    if (taken !== undefined && taken !== entry.name)
      faults.push(`${where} gives a range that another entry names otherwise`);
    nameOfRange.set(range, entry.name);
    entries.push(entry);
  });
  return { list: new AllowList(entries), faults };
}

/** One entry, or what is wrong with it. */
function parseEntry(item: string): Entry | string {
  const equals = item.indexOf('=');
  const name = equals < 0 ? null : item.slice(0, equals).trim();
  if (name !== null && (name === '' || name.length > NAME_LENGTH_MAX)) {
    return `needs a name of 1 to ${String(NAME_LENGTH_MAX)} characters before "="`;
  }
  const range = item.slice(equals + 1).trim();
  const slash = range.indexOf('/');
  const written = slash < 0 ? range : range.slice(0, slash);
  const address = unmapAddress(written);
  const family = familyOf(address);
  if (family === null) return 'is not an address, a CIDR, or name=cidr';
  if (slash < 0) return { name, address, family, prefix: ADDRESS_BITS[family] };
  const digits = range.slice(slash + 1);
  const mappedBits = address === written || family === 'ipv6' ? 0 : MAPPED_BITS;
  const prefix = /^\d{1,3}$/.test(digits) ? Number(digits) - mappedBits : -1;
  if (prefix < 0 || prefix > ADDRESS_BITS[family]) return 'has a prefix length its address family does not have';
  return { name, address, family, prefix };
}

function familyOf(address: string): Family | null {
  const version = isIP(address);
  if (version === 0) return null;
  return version === 4 ? 'ipv4' : 'ipv6';
}
