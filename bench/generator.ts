/**
 * An IVR under load, in a process of its own: a window of outstanding notifications (each ack sends the next) or an offered
 * rate (sent on time whatever is outstanding). Prints one line of JSON.
 */
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Outgoing, Traffic } from './traffic.js';

/** What to offer to whom. */
export interface Load {
  readonly port: number;
  readonly window: number | null;
  /** Notifications per second; when `window` is null. */
  readonly rate: number | null;
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly run: string;
}

/** What came of it, within the measured time. */
export interface Offered {
  readonly acked: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly resent: number;
  /** Never acked, also not in the grace period after the end. */
  readonly unacked: number;
}

interface Outstanding {
  readonly outgoing: Outgoing;
  readonly sentAt: number;
  resendAt: number;
}

const RESEND_MS = 3_000;
const GRACE_MS = 5_000;

async function offer(load: Load): Promise<Offered> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const open = load.window === null ? 4 * Math.max(1_000, load.rate ?? 0) : 10 * load.window;
  const traffic = new Traffic(load.run, open);
  const outstanding = new Map<string, Outstanding>();
  const latencies: number[] = [];
  const startedAt = performance.now();
  const from = startedAt + load.warmUpMs;
  const to = from + load.measureMs;
  let resent = 0;
  let offered = 0;
  const send = (): boolean => {
    const outgoing = traffic.next();
    if (outgoing === null) return false;
    const sentAt = performance.now();
    outstanding.set(outgoing.ack, { outgoing, sentAt, resendAt: sentAt + RESEND_MS });
    socket.send(outgoing.payload, load.port, '127.0.0.1');
    offered += 1;
    return true;
  };
  socket.on('message', (bytes) => {
    const ack = bytes.toString('latin1');
    const sent = outstanding.get(ack);
    if (sent === undefined) return;
    outstanding.delete(ack);
    const now = performance.now();
    if (now >= from && now < to) latencies.push(now - sent.sentAt);
    traffic.acked(sent.outgoing);
    if (load.window !== null && now < to) send();
  });
  const resender = setInterval(() => {
    const now = performance.now();
    for (const one of outstanding.values()) {
      if (one.resendAt > now) break;
      one.resendAt = now + RESEND_MS;
      resent += 1;
      socket.send(one.outgoing.payload, load.port, '127.0.0.1');
    }
  }, 100);
  for (let index = 0; index < (load.window ?? 0); index++) send();
  while (performance.now() < to) {
    const due = load.rate === null ? 0 : ((performance.now() - startedAt) / 1_000) * load.rate;
    while (offered < due && send());
    await sleep(load.rate === null ? 50 : 1);
  }
  for (const until = performance.now() + GRACE_MS; outstanding.size > 0 && performance.now() < until;) await sleep(20);
  clearInterval(resender);
  socket.close();
  return { ...summary(latencies, load.measureMs), resent, unacked: outstanding.size };
}

function summary(latencies: readonly number[], measureMs: number): Omit<Offered, 'resent' | 'unacked'> {
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
  const perSecond = (sorted.length * 1_000) / measureMs;
  return { acked: sorted.length, perSecond, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
}

const [argument] = process.argv.slice(2);
if (argument === undefined) throw new Error('generator: no load given');
console.log(JSON.stringify(await offer(JSON.parse(argument) as Load)));
