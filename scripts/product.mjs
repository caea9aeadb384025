/** The built product as a process beside a script that measures or hurts it: ports that are free, and when it is there. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What `node` runs to be the command `ringledger`. */
export const CLI = join(import.meta.dirname, '..', 'dist', 'cli', 'main.js');

/** Longer than any answer takes; a process that is frozen meanwhile would hold the question for ever. */
const ANSWER_MS = 2_000;

/** @returns {Promise<{ udp: number, http: number }>} ports of 127.0.0.1 that nobody uses now */
export async function freePorts() {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  const server = createServer().listen(0, '127.0.0.1');
  await Promise.all([once(socket, 'listening'), once(server, 'listening')]);
  const ports = { udp: socket.address().port, http: server.address().port };
  socket.close();
  server.close();
  return ports;
}

/**
 * Waits until `url` answers with success.
 * @param child the process that is to answer: once it has ended nothing is waited for
 * @returns {Promise<boolean>} whether it did, within `withinMs`
 */
export async function answers(url, child, withinMs) {
  const deadline = performance.now() + withinMs;
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => null);
    // A body that nobody reads keeps its connection.
    await answer?.arrayBuffer().catch(() => undefined);
    if (answer?.ok === true) return true;
    await sleep(50);
  }
  return false;
}
