/**
 * How fast the spool fills and drains, and how late acks are meanwhile: `node scripts/drain.mjs [live/s] [fill/s] [seconds]`
 * (2,000, 5,000 and 10 unless given), on a build. Starts a PostgreSQL and a receiver of its own, kills PostgreSQL, offers `fill`
 * notifications a second for so long, starts PostgreSQL again, offers `live` a second and prints a line a second until the spool is empty.
 */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startEmbedded } from '../dist/store/embedded/embedded.js';
import { migrate } from '../dist/store/migrate.js';

const STATES = ['Ringing', 'OK', 'Bye'];
const LINES_MAX = 300;

/** Offers calls at a rate that may be changed, and times every ack. */
class Offer {
  perSecond = 0;
  outstanding = new Map();
  latencies = [];
  #sent = 0;
  #socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });

  constructor(port) {
    this.#socket.on('message', (ack) => this.#acked(ack.toString('latin1')));
    this.#socket.bind(0);
    let due = 0;
    let last = performance.now();
    this.timer = setInterval(() => {
      const now = performance.now();
      due += (this.perSecond * (now - last)) / 1000;
      last = now;
      for (let burst = 0; due >= 1 && burst < 500; burst++, due--) this.#send(port);
    }, 2);
  }

  /** `n/s, p50, p99` of the acks since the last time. */
  taken(seconds) {
    const sorted = Float64Array.from(this.latencies).sort();
    this.latencies = [];
    const at = (share) => (sorted[Math.floor(sorted.length * share)] ?? NaN).toFixed(1);
    return `${(sorted.length / seconds).toFixed(0)}/s acked, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
  }

  close() {
    clearInterval(this.timer);
    this.#socket.close();
  }

  #send(port) {
    const key = `drain-${Math.floor(this.#sent / 3)},${(this.#sent % 3) + 1}`;
    const state = STATES[this.#sent++ % 3];
    this.outstanding.set(key, performance.now());
    this.#socket.send(`${key},${state},442071234567,442079876543,1001,7,Main menu`, port, '127.0.0.1');
  }

  #acked(key) {
    const sentAt = this.outstanding.get(key);
    if (sentAt === undefined) return;
    this.outstanding.delete(key);
    this.latencies.push(performance.now() - sentAt);
  }
}

/** SIGKILL to the server in a data folder and to its children. */
function killServer(folder) {
  const postmaster = Number(readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
  const parentOf = (pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    } catch {
      return 0;
    }
  };
  const children = readdirSync('/proc').filter((name) => Number(name) > 0 && parentOf(name) === postmaster);
  for (const pid of [postmaster, ...children.map(Number)]) process.kill(pid, 'SIGKILL');
}

async function startReceiver(url, spoolDir) {
  const env = {
    DATABASE_URL: url,
    SPOOL_DIR: spoolDir,
    HTTP_PORT: '0',
    IVR_CALL_REPORT_PORT: '0',
    UDP_HOST: '127.0.0.1',
  };
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
  const stdio = ['ignore', 'pipe', 'inherit'];
  const child = spawn(process.execPath, [main, 'start'], {
    env: { ...process.env, ...env, LOG_FORMAT: 'json' },
    stdio,
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  while (!/Ready in/.test(output)) await sleep(50);
  const [, port] = /UDP 127\.0\.0\.1:(\d+)/.exec(output);
  const [, http] = /Answering on (\S+)\/api/.exec(output);
  return { child, port: Number(port), http };
}

/** A line a second until the circuit is closed. */
async function watch(offer, http) {
  const state = async () => (await (await fetch(`${http}/health/ready`)).json()).spool;
  let before = { at: performance.now(), drained: (await state()).drained };
  for (let line = 0; line < LINES_MAX; line++) {
    await sleep(1000);
    const { circuit, depth, bytes, drained } = await state();
    const at = performance.now();
    const seconds = (at - before.at) / 1000;
    const rate = ((drained - before.drained) / seconds).toFixed(0);
    console.log(
      `${circuit}: ${depth} left, ${(bytes / 1e6).toFixed(1)} MB, ${rate}/s drained; ${offer.taken(seconds)}`,
    );
    if (circuit === 'closed') return;
    before = { at, drained };
  }
}

async function main([live = 2_000, fill = 5_000, seconds = 10]) {
  const folder = mkdtempSync(join(tmpdir(), 'ringledger-drain-'));
  let server = await startEmbedded(folder);
  await migrate(server.url);
  const { child, port, http } = await startReceiver(server.url, join(folder, 'spool'));
  const offer = new Offer(port);
  offer.perSecond = 500;
  await sleep(2_000);
  killServer(folder);
  await sleep(1_000);
  offer.taken(1);
  offer.perSecond = fill;
  await sleep(seconds * 1000);
  console.log(`without a database: ${offer.taken(seconds)}`);
  offer.perSecond = live;
  server = await startEmbedded(folder);
  await watch(offer, http);
  offer.perSecond = 0;
  await sleep(2_000);
  console.log(`${offer.outstanding.size} not acked`);
  offer.close();
  child.kill('SIGTERM');
  await once(child, 'exit');
  await server.stop();
  rmSync(folder, { recursive: true });
}

await main(process.argv.slice(2).map(Number));
