/**
 * `npm run overload -- --seconds 60`: what the built product does when it is offered more than it can take. It runs with an
 * embedded PostgreSQL of its own in a temporary folder, is offered loopback traffic by processes beside it, and prints:
 *
 *   capacity   what it acks of a load it is always behind with
 *   overload   five times that for a minute: acks a second, refusals by reason, memory, what a quiet sender beside sees
 *   after      how soon that quiet sender is served as before
 *   storm      CPU of a notification sent once, and of one sent seven times, per datagram
 *   refused    CPU of a datagram of an address that is not allowed, and of forged addresses that are
 *
 * Compare ratios: generators, product and PostgreSQL share the machine, whose load is printed, too. Exit code 1 when a
 * promise does not hold.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startEmbedded } from '../dist/store/embedded/embedded.js';
import { answers, CLI, freePorts } from './product.mjs';

const GENERATOR = join(import.meta.dirname, 'overload', 'generator.mjs');
const TICKS_PER_SECOND = 100;
const TIMES = 5;
const PROBE_RATE = 50;
const IDLE_SECONDS = 8;
/** What `served as before` means: the probe's slowest of a second is below this, or below three times its usual. */
const SERVED_MS = 250;
const MEMORY_MB_MAX = 1_000;

const { values: asked } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });
const seconds = Number(asked.seconds);
if (!(Number.isInteger(seconds) && seconds >= 5)) {
  console.error('--seconds must be a whole number of at least 5.');
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'ringledger-overload-'));
const ports = await freePorts();
const broken = [];
const children = new Set();
console.log(
  `${String(availableParallelism())} cores, load ${loadavg()[0].toFixed(1)} before the start, Node ${process.version}`,
);
const product = await startProduct();
try {
  const capacity = await measureCapacity();
  await overload(capacity);
  await storm(capacity);
  await refused();
} finally {
  for (const child of children) child.kill('SIGKILL');
  if (product.exitCode === null) {
    product.kill('SIGTERM');
    await once(product, 'exit');
  }
  const postgres = await startEmbedded(folder);
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}
for (const promise of broken) console.log(`NOT HELD: ${promise}`);
process.exit(broken.length === 0 ? 0 : 1);

async function measureCapacity() {
  await offer({ rate: 2_000, seconds: 5, run: 'warm' });
  const { acked, tookMs } = await offer({ rate: 30_000, seconds: 8, run: 'capacity' });
  const capacity = Math.round((acked * 1_000) / tookMs);
  console.log(`capacity: ${String(capacity)} acks/s of 30000/s offered for 8 s`);
  await drained();
  return capacity;
}

async function overload(capacity) {
  const before = await counts();
  const usual = await offer({ rate: PROBE_RATE, seconds: 5, run: 'usual', probe: true });
  const usualMs = quantile(usual.latencies, 0.99);
  const probing = offer({ rate: PROBE_RATE, seconds: seconds + 15, run: 'probe', probe: true, hosts: ['127.0.0.2'] });
  await sleep(1_000);
  const began = performance.now();
  const ackedBefore = await acksSent();
  // Two senders: one process alone cannot send so much.
  const half = { rate: Math.round((TIMES * capacity) / 2), seconds };
  const sides = await Promise.all([offer({ ...half, run: 'left' }), offer({ ...half, run: 'right' })]);
  // As the product counts them: what it acks after the sender has gone is acked, too.
  const acked = (await acksSent()) - ackedBefore;
  const endedMs = 1_000 + performance.now() - began;
  const probe = await probing;
  const after = await counts();
  const offered = sides.reduce((sum, { sent, tookMs }) => sum + (sent * 1_000) / tookMs, 0);
  const perSecond = Math.round((acked * 1_000) / (endedMs - 1_000));
  console.log(
    `overload: ${String(Math.round(offered))}/s offered for ${String(seconds)} s, ${String(perSecond)} acks/s (${(perSecond / capacity).toFixed(2)} of capacity)`,
  );
  for (const [name, value] of Object.entries(after)) {
    const grown = value - (before[name] ?? 0);
    if (grown > 0) console.log(`          ${name} ${String(grown)}`);
  }
  const during = probe.latencies.filter(([at]) => at < endedMs);
  const lost = during.filter(([, ms]) => ms === null).length;
  console.log(
    `          beside it ${String(PROBE_RATE)}/s: ${String(lost)} of ${String(during.length)} tries unanswered, p50 ${ms(quantile(during, 0.5))}, p99 ${ms(quantile(during, 0.99))}`,
  );
  recovery(probe.latencies, endedMs, usualMs);
  const { peakMb } = memory();
  console.log(`memory:   ${String(peakMb)} MB at most`);
  if (perSecond < capacity / 2) broken.push('acks go on at capacity');
  if (peakMb > MEMORY_MB_MAX) broken.push('memory stays bounded');
  await drained();
}

/** The end of the last second, after the overload, in which the quiet sender was not served as before. */
function recovery(latencies, endedMs, usualMs) {
  const limit = Math.max(SERVED_MS, 3 * usualMs);
  const slow = latencies.filter(([at, latency]) => at >= endedMs && (latency === null || latency > limit));
  const recoveredMs = slow.length === 0 ? 0 : Math.max(...slow.map(([at]) => at)) - endedMs;
  const later = latencies.filter(([at]) => at > endedMs + recoveredMs);
  console.log(
    `after:    served as before within ${ms(recoveredMs)} (p99 ${ms(usualMs)} before, ${ms(quantile(later, 0.99))} after)`,
  );
  if (recoveredMs > 5_000) broken.push('latency recovers within 5 s');
}

async function storm(capacity) {
  const rate = Math.max(700, Math.round(capacity / 3));
  const once_ = await cpuPerDatagram({ rate, seconds: 8, run: 'single' });
  const seven = await cpuPerDatagram({ rate, seconds: 8, run: 'storm', copies: 7 });
  console.log(
    `storm:    ${us(once_)} of CPU a datagram sent once, ${us(seven)} a datagram of seven copies, at ${String(rate)}/s`,
  );
  if (seven > 1.2 * once_) broken.push('a retry storm costs no more than its copies');
}

async function refused() {
  const denied = await cpuPerDatagram({ rate: 20_000, seconds: 8, run: 'denied', hosts: ['127.200.0.1'] });
  console.log(`refused:  ${us(denied)} of CPU a datagram of an address that is not allowed`);
  const spoofed = await cpuPerDatagram({ rate: 1_500, seconds: 10, run: 'forged', forged: 15_000 });
  const full = await cpuPerDatagram({ rate: 1_500, seconds: 3, run: 'forged-again', forged: 4_500, skipped: 10_500 });
  console.log(
    `          ${us(spoofed)} a datagram of 15000 forged addresses that are allowed, ${us(full)} when the sources are full`,
  );
}

/** CPU time of the product and its PostgreSQL, in microseconds per datagram sent, over and above idling. */
async function cpuPerDatagram(load) {
  await drained();
  // The sweep may still be at work on the last load: the quietest of some seconds is what idling costs.
  const idle = [];
  for (let second = 0; second < IDLE_SECONDS; second++) {
    const before = cpuMs();
    await sleep(1_000);
    idle.push(cpuMs() - before);
  }
  const idlePerMs = Math.min(...idle) / 1_000;
  const [from, at] = [cpuMs(), performance.now()];
  const { sent } = await offer(load);
  await drained();
  const spent = cpuMs() - from - idlePerMs * (performance.now() - at);
  return (1_000 * spent) / sent;
}

async function offer(load) {
  const argument = JSON.stringify({ port: ports.udp, hosts: ['127.0.0.1'], ...load });
  const child = spawn(process.execPath, [GENERATOR, argument], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  await once(child, 'close');
  children.delete(child);
  return JSON.parse(Buffer.concat(output).toString());
}

async function startProduct() {
  const child = spawn(process.execPath, [CLI, 'start'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      ...{ DATABASE_URL: '', DATA_DIR: folder, IVR_CALL_REPORT_PORT: String(ports.udp), HTTP_PORT: String(ports.http) },
      ...{ UDP_HOST: '127.0.0.1', UDP_ALLOWED_SOURCES: '127.0.0.0/9', LOG_LEVEL: 'fatal', LOG_FORMAT: 'json' },
    },
  });
  if (await answers(`http://127.0.0.1:${String(ports.http)}/health/ready`, child, 60_000)) return child;
  throw new Error('the product was not ready within 60 s');
}

/** Until nothing waits to be stored. */
async function drained() {
  for (const until = performance.now() + 60_000; performance.now() < until; await sleep(100)) {
    const now = await metrics();
    if (total(now, 'ringledger_datagrams_in_flight') === 0) return;
  }
  throw new Error('the product had not stored what it received after 60 s');
}

/** What became of datagrams so far, by fate and reason, and what the kernel dropped before they were read. */
async function counts() {
  const of = {};
  for (const [name, value] of await metrics()) {
    const labels = /^ringledger_datagrams_total\{(.*)\}$/.exec(name)?.[1];
    const [fate, reason] = ['fate', 'reason'].map((label) => new RegExp(`${label}="([^"]*)"`).exec(labels ?? '')?.[1]);
    const key = fate === undefined ? null : `${fate} ${reason ?? ''}`.trim();
    if (key !== null) of[key] = (of[key] ?? 0) + value;
    if (name.startsWith('ringledger_kernel_drops_total')) of['dropped by the kernel'] = value;
  }
  return of;
}

async function acksSent() {
  return total(await metrics(), 'ringledger_acks_sent_total');
}

/** The sum of a metric over its labels. */
function total(all, name) {
  const own = [...all].filter(([line]) => line === name || line.startsWith(`${name}{`));
  return own.reduce((sum, [, value]) => sum + value, 0);
}

async function metrics() {
  const answer = await fetch(`http://127.0.0.1:${String(ports.http)}/metrics`);
  const lines = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

function memory() {
  const status = readFileSync(`/proc/${String(product.pid)}/status`, 'utf8');
  return { peakMb: Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024) };
}

function cpuMs() {
  const fields = readFileSync(`/proc/${String(product.pid)}/stat`, 'utf8')
    .split(') ')[1]
    .split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND;
}

function quantile(latencies, share) {
  const sorted = latencies.map(([, latency]) => latency ?? Infinity).sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

function ms(value) {
  return Number.isFinite(value) ? `${value.toFixed(0)} ms` : 'never';
}

function us(value) {
  return `${value.toFixed(1)} us`;
}
