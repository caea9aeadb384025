/** One application with an embedded PostgreSQL of its own in a temporary folder, and the ways to hurt it. */
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startEmbedded } from '../../dist/store/embedded/embedded.js';
import { answers, CLI, freePorts } from '../product.mjs';

const READY_MS = 300_000;
/** Room for the spool of a round, and little enough to be filled in a moment. */
const SPOOL_BYTES = 4_000_000;

/** H = 6 x 0.5 + 3 = 6 s: longer than a loaded machine keeps a datagram waiting. */
export const HORIZON_MS = 6_000;
export const SETTINGS = {
  ...{ IVR_CALL_REPORT_RETRY: '6', IVR_CALL_REPORT_RETRY_INTERVAL: '0.5', RETRY_MARGIN_MS: '3000' },
  ...{ STALE_RINGING_S: '10', STALE_ANSWERED_S: '14', LOSS_WINDOW_S: '5', HEARTBEAT_INTERVAL_MS: '500' },
  ...{ UDP_ALLOWED_SOURCES: '127.0.0.0/8', UDP_HOST: '127.0.0.1', HTTP_HOST: '127.0.0.1' },
  ...{ LOG_LEVEL: 'warn', LOG_FORMAT: 'json', DATABASE_CONNECTIONS_MAX: '8', SPOOL_MIN_FREE_BYTES: '0' },
};

export class Instance {
  /** Every span in which the application was not there, in ms. */
  downMs = 0;
  kills = 0;
  /** Acked notifications that waited in the spool at one time, at most. */
  spooledMost = 0;
  /** What went wrong by itself. */
  faults = [];
  said = '';
  /** Faults take turns where they use the same thing; a restart under way is waited for. */
  turn = Promise.resolve();
  closed = false;

  constructor(folder, ports, mounted) {
    this.folder = folder;
    this.ports = ports;
    this.mounted = mounted;
    this.data = join(folder, 'data');
    this.api = `http://127.0.0.1:${String(ports.http)}`;
  }

  static async open() {
    const folder = mkdtempSync(join(tmpdir(), 'ringledger-torture-'));
    const spool = join(folder, 'data', 'spool');
    mkdirSync(spool, { recursive: true, mode: 0o700 });
    const asked = ['-t', 'tmpfs', '-o', `size=${String(SPOOL_BYTES)},mode=0700`, 'tmpfs', spool];
    const mounted = process.getuid?.() === 0 && spawnSync('mount', asked).status === 0;
    return new Instance(folder, await freePorts(), mounted);
  }

  async start() {
    if (this.closed) return;
    const { udp, http } = this.ports;
    const where = { DATA_DIR: this.data, IVR_CALL_REPORT_PORT: String(udp), HTTP_PORT: String(http) };
    // Without a disk of its own the spool is bounded by its own limit instead.
    const bound = this.mounted ? {} : { SPOOL_MAX_BYTES: '200000' };
    const env = { ...process.env, NODE_OPTIONS: '', DATABASE_URL: '', ...SETTINGS, ...where, ...bound };
    const child = spawn(process.execPath, [CLI, 'start'], {
      ...{ cwd: this.folder, env, stdio: ['ignore', 'pipe', 'pipe'] },
    });
    const hear = (chunk) => (this.said = (this.said + chunk.toString()).slice(-100_000));
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    this.child = child;
    if (await answers(`${this.api}/health/live`, child, READY_MS)) return;
    throw new Error(`the application did not start: ${this.said.slice(-2_000)}`);
  }

  /**
   * Makes the source known before anything befalls it, as every source but a new one is: nobody can know what one lost that
   * was never heard. The report moves no lifecycle and has no number for a serial.
   */
  async introduce(address) {
    const socket = createSocket('udp4').bind(0, address);
    await once(socket, 'listening');
    const send = () => socket.send('introduced,x,Trying,100,200,,1,Main', this.ports.udp, '127.0.0.1');
    const timer = setInterval(send, 500);
    const answered = once(socket, 'message');
    send();
    await answered;
    clearInterval(timer);
    socket.close();
  }

  /** Does one fault of the plan; resolves when it is over. Those that concern the application wait for each other. */
  hurt({ kind, forMs }) {
    const done = this.turn.then(() => this[kind](forMs));
    this.turn = done.catch((error) => this.faults.push(String(error)));
    return this.turn;
  }

  async kill_app(forMs) {
    await this.down('SIGKILL', forMs);
  }

  async term_app() {
    await this.down('SIGTERM', 0);
  }

  async down(signal, forMs) {
    const began = performance.now();
    const exited = once(this.child, 'exit');
    if (!this.child.kill(signal)) throw new Error(`the application had ended by itself: ${this.said.slice(-2_000)}`);
    await exited;
    await sleep(forMs);
    await this.start();
    this.downMs += performance.now() - began;
    this.kills += 1;
  }

  async freeze_app(forMs) {
    const began = performance.now();
    this.child.kill('SIGSTOP');
    await sleep(forMs);
    this.child.kill('SIGCONT');
    this.downMs += performance.now() - began;
    this.kills += 1;
  }

  kill_postgres() {
    signal([this.postmaster()], 'SIGKILL');
  }

  kill_backend() {
    const postmaster = this.postmaster();
    const backends = this.servers().filter((pid) => pid !== postmaster && /ringledger/.test(commandOf(pid)));
    signal(backends.slice(0, 1), 'SIGKILL');
  }

  async kill_both(forMs) {
    this.kill_postgres();
    await this.down('SIGKILL', forMs);
  }

  async freeze_postgres(forMs) {
    const frozen = this.servers();
    signal(frozen, 'SIGSTOP');
    await sleep(forMs);
    signal(frozen, 'SIGCONT');
  }

  async fill_disk(forMs) {
    const filler = join(this.data, 'spool', 'filler');
    if (this.mounted) fill(filler);
    await this.freeze_postgres(forMs);
    rmSync(filler, { force: true });
  }

  /** Processes of the server, told by their working directory. */
  servers() {
    const home = realpathSync(join(this.data, 'postgres'));
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => Number.isSafeInteger(pid) && cwdOf(pid) === home && /^postgres/.test(nameOf(pid)));
  }

  postmaster() {
    try {
      return Number(readFileSync(join(this.data, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
    } catch {
      return 0;
    }
  }

  /** Looks at the spool until `until` resolves. */
  async watchSpool(until) {
    let over = false;
    void until.then(() => (over = true));
    while (!over) {
      const answer = await fetch(`${this.api}/metrics`, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
      const text = (await answer?.text().catch(() => '')) ?? '';
      this.spooledMost = Math.max(this.spooledMost, Number(/^ringledger_spool_datagrams (\d+)/m.exec(text)?.[1] ?? 0));
      await sleep(200);
    }
  }

  /** Runs `work` with the connection string of the database, once the application has stopped. */
  async stopAndRead(work) {
    const exited = once(this.child, 'exit');
    if (this.child.kill('SIGTERM')) {
      const [code] = await exited;
      if (code !== 0) this.faults.push(`the application ended with ${String(code)}: ${this.said.slice(-2_000)}`);
    } else this.faults.push(`the application had ended by itself: ${this.said.slice(-2_000)}`);
    const postgres = await startEmbedded(this.data);
    try {
      return await work(postgres.url);
    } finally {
      await postgres.stop();
    }
  }

  /** Ends what is left of it and removes its folder. */
  async close() {
    this.closed = true;
    if (this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null) {
      const exited = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await exited;
    }
    try {
      signal(this.servers(), 'SIGKILL');
    } catch {
      // It never came to have a server.
    }
    await sleep(100);
    if (this.mounted) spawnSync('umount', [join(this.data, 'spool')]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function signal(pids, name) {
  for (const pid of pids) {
    try {
      if (pid > 0) process.kill(pid, name);
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  }
}

function fill(file) {
  const descriptor = openSync(file, 'w');
  const block = Buffer.alloc(65_536);
  try {
    for (let size = block.length; size >= 1;) {
      try {
        writeSync(descriptor, block, 0, size);
      } catch (error) {
        if (error.code !== 'ENOSPC') throw error;
        size = Math.floor(size / 2);
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

function cwdOf(pid) {
  try {
    return readlinkSync(`/proc/${String(pid)}/cwd`);
  } catch {
    return null;
  }
}

function nameOf(pid) {
  try {
    return readFileSync(`/proc/${String(pid)}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

function commandOf(pid) {
  try {
    return readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
