/** `ringledger send-sample`: one call as an IVR would report it, and what came back, byte for byte. */
import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { isPortRefused } from '../transport/udp.refusal.js';
import { UdpBindError, UdpSocket } from '../transport/udp.socket.js';
import { encodeReport, type WireFields, type WireFormat } from '../wire/encode.js';
import { hexLine, hexRows } from './field/bytes.js';
import { judgeReply, type Reply, replyWords } from './field/reply.js';
import { configuredApi, configuredTarget } from './field/server.js';
import { addFormatOptions, type FormatFlags, formatOf } from './format.js';

interface Flags extends FormatFlags {
  readonly target: { readonly host: string; readonly port: number };
  readonly states: readonly string[];
  readonly callId?: string;
  readonly serial: number;
  readonly caller: string;
  readonly callee: string;
  readonly menuName: string;
  readonly retry: number;
  readonly interval: number;
  readonly pause: number;
  readonly from?: string;
  readonly api: string;
}

const SPELLINGS: Readonly<Record<string, string>> = {
  ...{ ringing: 'Ringing', '180': '180', '183': '183', ok: 'OK', bye: 'Bye' },
};
const RECEIVE_BUFFER_BYTES = 65_536;
/** A refusal comes with the first round trip or never. */
const REFUSAL_MS = 1_000;

/** Exit code 0: every report was answered, and rightly; 1: one was not. Numbers are from ranges kept free for fiction. */
export function sendSampleCommand(): Command {
  const command = new Command('send-sample')
    .description('Send one call (Ringing, OK, Bye) as an IVR would, and show what is answered.')
    .option('--target <host:port>', 'where to', target, target(configuredTarget()))
    .option(
      '--states <list>',
      'what is reported: ringing, 180, 183, ok, bye or any word',
      states,
      states('ringing,ok,bye'),
    )
    .option('--call-id <text>', 'its Call ID (default: a new one)')
    .option('--serial <n>', 'the first Serial Number; each further report has the next', whole, 1)
    .option('--caller <number>', 'Caller Number', '442079460123')
    .option('--callee <number>', 'Callee Number', '12025550123')
    .option('--menu-name <text>', 'Menu Name', 'Sample')
    .option('--retry <n>', 'tries after the first', whole, 2)
    .option('--interval <s>', 'seconds between tries', seconds, 3)
    .option('--pause <s>', 'seconds between one report and the next', seconds, 0.2)
    .option('--from <address>', 'local address to send from')
    .option('--api <url>', "the server's HTTP address, for where to look it up", configuredApi());
  addFormatOptions(command);
  return command.action(async (flags: Flags) => {
    process.exitCode = (await sendSample(flags)) ? 0 : 1;
  });
}

async function sendSample(flags: Flags): Promise<boolean> {
  const { family, address } = await lookup(flags.target.host, isIPv6(flags.target.host) ? 6 : 4);
  const anywhere = family === 6 ? '::' : '0.0.0.0';
  const host = flags.from ?? anywhere;
  const socket = await opened(host, flags.from);
  const replies = new Replies(socket);
  const callId = flags.callId ?? `sample-${Date.now().toString(36)}`;
  let isRight = true;
  try {
    for (const [index, state] of flags.states.entries()) {
      if (index > 0) await sleep(flags.pause * 1000);
      const fields = fieldsOf(flags, callId, flags.serial + index, state);
      isRight = (await report(replies, fields, { ...flags, target: { ...flags.target, host: address } })) && isRight;
    }
  } finally {
    await socket.close();
  }
  say(`Look it up: ${flags.api}/api/v1/calls?callId=${encodeURIComponent(callId)}`);
  if (!isRight)
    say(`If it is not there: ringledger inspect, then ringledger doctor, on the host of ${flags.target.host}.`);
  return isRight;
}

/** @throws Error names the option: UDP_HOST, which a bound server would be told of, has no say here */
async function opened(host: string, from: string | undefined): Promise<UdpSocket> {
  try {
    return await UdpSocket.bind({ host, port: 0, receiveBufferBytes: RECEIVE_BUFFER_BYTES });
  } catch (error) {
    if (!(error instanceof UdpBindError) || from === undefined) throw error;
    throw new Error(`--from ${from} cannot be sent from (${error.code}): it must be an address of this host.`, {
      cause: error,
    });
  }
}

function fieldsOf(flags: Flags, callId: string, serial: number, state: string): WireFields {
  const { caller, callee, menuName } = flags;
  return {
    ...{ callId, serial: String(serial), state: SPELLINGS[state.toLowerCase()] ?? state },
    ...{ callerNumber: caller, calleeNumber: callee, forwardNumber: '', menuId: '1', menuName },
  };
}

/** Sends one report until it is answered rightly or its tries are over; says everything that happened. */
async function report(replies: Replies, fields: WireFields, flags: Flags): Promise<boolean> {
  const { target: to, retry, interval } = flags;
  const format: WireFormat = formatOf(flags);
  const bytes = encodeReport(fields, format);
  say(`${fields.state}, serial ${fields.serial}, ${String(bytes.length)} bytes to ${to.host}:${String(to.port)}`);
  for (const row of hexRows(bytes)) say(`  ${row}`);
  const startedAt = performance.now();
  for (let sends = 1; sends <= 1 + retry; sends += 1) {
    const sentAt = performance.now();
    const reply = replies.next(interval * 1000);
    await sent(replies.socket, bytes, to);
    const found = await reply;
    if (found === null) {
      say(`  try ${String(sends)}: no answer within ${String(interval)} s`);
      if (sends === 1 && (await isClosed(bytes, flags))) return false;
      continue;
    }
    const verdict = judgeReply(found, { fields, format, target: to });
    const ms = (performance.now() - sentAt).toFixed(1);
    const late = sends === 1 ? '' : ` (${((performance.now() - startedAt) / 1000).toFixed(1)} s after the first)`;
    say(`  try ${String(sends)}: answered in ${ms} ms${late}: ${hexLine(found.bytes)}`);
    say(`    ${replyWords(verdict)}`);
    if (verdict.kind === 'match') return verdict.isFromTarget;
  }
  return false;
}

/** Whether the host says that nobody listens: then more tries are of no use. Costs one more copy, which is a duplicate. */
async function isClosed(bytes: Uint8Array, { target: { host, port }, from }: Flags): Promise<boolean> {
  const localHost = from ?? (isIPv6(host) ? '::' : '0.0.0.0');
  const isRefused = await isPortRefused({ host, port, localHost, bytes, waitMs: REFUSAL_MS });
  if (isRefused) say(`  refused: ${host} answers that nobody listens on UDP ${String(port)}`);
  return isRefused;
}

/** What comes back to the socket. */
class Replies {
  private waiting: ((reply: Reply) => void) | null = null;

  constructor(readonly socket: UdpSocket) {
    socket.receive(
      (bytes, { address, port }) => {
        this.waiting?.({ bytes, address, port });
      },
      () => undefined,
    );
  }

  /** The next datagram that comes; null when none does in time. */
  next(withinMs: number): Promise<Reply | null> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.waiting = null;
        resolve(null);
      }, withinMs);
      this.waiting = (reply) => {
        clearTimeout(timer);
        this.waiting = null;
        resolve(reply);
      };
    });
  }
}

function sent(socket: UdpSocket, bytes: Uint8Array, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(bytes, port, host, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function target(text: string): { host: string; port: number } {
  const [, host, port] = /^\[?([^[\]]+)\]?:(\d{1,5})$/.exec(text.trim()) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535)
    throw new InvalidArgumentError('It must be host:port, or [IPv6]:port.');
  return { host, port: Number(port) };
}

function states(text: string): readonly string[] {
  const list = text.split(',').map((part) => part.trim());
  if (list.length > 20 || list.some((one) => one === '')) throw new InvalidArgumentError('It must be 1 to 20 states.');
  return list;
}

function whole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 60)) throw new InvalidArgumentError('It must be 0 to 60 seconds.');
  return value;
}
