/** The whole application on a database of its own, and an IVR's socket to talk to it. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseConfig } from '../../src/config.js';
import { run, type Running } from '../../src/main.js';
import type { TestDatabase } from './database.js';

/** Starts the application on free ports; `settings` are environment variables. */
export async function startReceiver(
  database: TestDatabase,
  settings: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const quiet = { UDP_HOST: '127.0.0.1', LOG_LEVEL: 'fatal', LOG_FORMAT: 'json', DATABASE_CONNECTIONS_MAX: '6' };
  const config = parseConfig({ ...quiet, ...settings });
  const spoolDir = settings.SPOOL_DIR ?? mkdtempSync(join(tmpdir(), 'ringledger-spool-'));
  // Free ports: 0 is no port an operator may configure, so it is set here and not in the environment.
  const running = await run({ ...config, reportPort: 0, httpPort: 0, databaseUrl: database.url, spoolDir });
  const stop = async (): Promise<void> => {
    await running.stop();
    if (settings.SPOOL_DIR === undefined) rmSync(spoolDir, { recursive: true, force: true });
  };
  return { ...running, stop };
}

/** A folder for the data of a process, spool and all; it goes with the test run's. Without one it would share that of the clone. */
export function ownFolder(): string {
  return mkdtempSync(join(process.env['RINGLEDGER_TEST_FOLDER'] ?? tmpdir(), 'process-'));
}

/** The port the application receives on. */
export function portOf({ udp }: Running): number {
  const [first] = udp;
  if (first === undefined) throw new Error('the application listens on no socket');
  return first.port;
}

/** A sender: remembers every ack. */
export class Sender {
  readonly acks: string[] = [];
  /** The same acks byte for byte, as hex. */
  readonly ackBytes: string[] = [];

  private constructor(private readonly socket: Socket) {
    socket.on('message', (bytes) => {
      this.acks.push(bytes.toString());
      this.ackBytes.push(bytes.toString('hex'));
    });
  }

  /** @param address the local address to send from: the receiver knows sources by it */
  static async open(address = '127.0.0.1'): Promise<Sender> {
    const socket = createSocket('udp4');
    socket.bind(0, address);
    await once(socket, 'listening');
    return new Sender(socket);
  }

  send(port: number, ...datagrams: readonly (string | Uint8Array)[]): void {
    for (const datagram of datagrams) this.socket.send(datagram, port, '127.0.0.1');
  }

  /** Resolves when `count` acks have come in. */
  async acked(count: number, withinMs = 5_000): Promise<readonly string[]> {
    await until(() => this.acks.length >= count, withinMs);
    return this.acks;
  }

  close(): void {
    this.socket.close();
  }
}

/** Waits for something to become true; fails after `withinMs`. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = 5_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not so after ${String(withinMs)} ms: ${condition.toString()}`);
    await sleep(10);
  }
}
