/** `ringledger inspect`: what arrived lately, whatever became of it, as bytes, as text and in every way it may be read. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { notationOf } from '../wire/settings/notation.js';
import { rankParses } from '../wire/detect/rank.js';
import { type Arrived, joinCopies, likenessOf } from './field/arrivals.js';
import {
  datagramList,
  quarantineList,
  type Datagram,
  type DatagramList,
  type Quarantined,
  settings,
} from './field/contract.js';
import { configuredApi, Server } from './field/server.js';
import { shown, type ShowOptions } from './field/show.js';

interface Flags {
  readonly api: string;
  readonly source?: string;
  readonly limit: number;
  readonly parses: number;
  readonly follow?: boolean;
  readonly json?: boolean;
}

const POLL_MS = 500;
/** Rows of quarantine read at least, for the words to what is still in sight. */
const DETAILS = 200;
/** Datagrams remembered while following, so that a copy is known as one. */
const FOLLOWED_MAX = 2_000;

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('Show what arrived lately, quarantine included: bytes, text, every way to read it, copies and acks.')
    .option('--source <key>', 'only this source, by key or address')
    .option('--limit <n>', 'datagrams shown, copies together, the newest', count, 10)
    .option('--parses <n>', 'ways to read each that are shown, the likeliest', count, 3)
    .option('--follow', 'go on, and show each as it arrives')
    .option('--json', 'one JSON object a line')
    .option('--api <url>', "the server's HTTP address", configuredApi())
    .action(async (flags: Flags) => {
      await inspect(flags);
    });
}

async function inspect(flags: Flags): Promise<void> {
  const server = new Server(flags.api);
  const { intervalMs } = await server.get('/api/v1/settings', {}, settings);
  const print = printer(flags, { parses: flags.parses, intervalMs });
  const recent = await server.get('/api/v1/datagrams', { source: flags.source, limit: '1000' }, datagramList);
  const kept = await quarantineOf(server, flags);
  const all = joinCopies(recent.data, kept).slice(-flags.limit);
  for (const arrived of all) print(arrived);
  if (all.length === 0 && flags.follow !== true) {
    const of = flags.source === undefined ? '' : ` from ${flags.source}`;
    process.stdout.write(
      `Nothing has arrived${of} since the server started. ringledger doctor says what to look at.\n`,
    );
  }
  if (flags.follow === true) await follow(server, flags, { from: recent, kept }, print);
}

function quarantineOf(server: Server, { source, limit }: Flags): Promise<readonly Quarantined[]> {
  const query = { source, limit: String(Math.min(500, Math.max(limit, DETAILS))) };
  return server.get('/api/v1/quarantine', query, quarantineList).then(({ data }) => data);
}

/** Each datagram as it arrives, with the copies of it seen so far. Ends with the process. */
async function follow(
  server: Server,
  flags: Flags,
  { from, kept }: { readonly from: DatagramList; readonly kept: readonly Quarantined[] },
  print: (arrived: Arrived) => void,
): Promise<never> {
  let seen: readonly Datagram[] = from.data;
  let details = kept;
  let after = from.page.nextAfter;
  for (;;) {
    await sleep(POLL_MS);
    const next = await server.get('/api/v1/datagrams', { source: flags.source, after, limit: '1000' }, datagramList);
    after = next.page.nextAfter;
    if (next.overwritten > 0) process.stderr.write(`${String(next.overwritten)} more came than can be shown.\n`);
    if (next.data.length === 0) continue;
    if (next.data.some(({ fate }) => fate === 'quarantined')) details = await quarantineOf(server, flags);
    seen = [...seen, ...next.data].slice(-FOLLOWED_MAX);
    const fresh = new Set(next.data.map(likenessOf));
    const arrived = joinCopies(seen, details);
    for (const one of arrived) if (fresh.has(likenessOf({ ...one, bytesBase64: one.bytes }))) print(one);
  }
}

function printer({ json }: Flags, options: ShowOptions): (arrived: Arrived) => void {
  return (arrived) => {
    const text = json === true ? jsonOf(arrived, options.parses) : `${shown(arrived, options).join('\n')}\n`;
    process.stdout.write(`${text}\n`);
  };
}

function jsonOf(arrived: Arrived, parses: number): string {
  const { bytes, ack, firstAt, lastAt, ...rest } = arrived;
  const ranked = rankParses(bytes)
    .slice(0, parses)
    .map(({ settings: way, score, shortfalls, fields }) => {
      return { codec: notationOf(way), charset: way.charset, score, shortfalls, fields };
    });
  return JSON.stringify({
    ...{ firstAt: new Date(firstAt).toISOString(), lastAt: new Date(lastAt).toISOString(), ...rest },
    bytesHex: bytes.toString('hex'),
    ackHex: ack?.toString('hex') ?? null,
    parses: ranked,
  });
}

function count(text: string): number {
  const value = Number(text);
  if (!/^\d{1,4}$/.test(text) || value < 1 || value > 1_000)
    throw new InvalidArgumentError('It must be a whole number from 1 to 1000.');
  return value;
}
