/**
 * A sender in a process of its own. `argv[2]` is JSON: { port, hosts, rate, seconds, copies, run, probe, forged, skipped }. It sends
 * `rate` datagrams a second whatever comes back, each notification `copies` times in a row, from the hosts in turn, or from
 * `forged` addresses that follow each other after the first `skipped`; prints what was
 * sent and acked, and with `probe` the latency of each as [sent ms after the start, latency ms], null when no ack came.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const asked = JSON.parse(process.argv[2]);
const { port, rate, seconds, copies = 1, run, probe = false, forged = 0, skipped = 0 } = asked;
const forgedHost = (index) => `127.1.${String((skipped + index) >> 8)}.${String((skipped + index) & 255)}`;
const hosts = forged === 0 ? asked.hosts : Array.from({ length: forged }, (_, index) => forgedHost(index));
const STATES = ['Ringing', 'OK', 'Bye'];
const SOCKETS_MAX = 64;
const LAST_ACKS_MS = probe ? 3_000 : 300;

const sockets = [];
const sentAt = new Map();
const latencies = [];
let acked = 0;

async function socketFor(index) {
  const place = index % Math.min(hosts.length, SOCKETS_MAX);
  const host = hosts[index % hosts.length];
  if (sockets[place]?.host === host) return sockets[place].socket;
  sockets[place]?.socket.close();
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 }).bind(0, host);
  await once(socket, 'listening');
  socket.on('message', hear);
  sockets[place] = { host, socket };
  return socket;
}

function hear(bytes) {
  acked += 1;
  if (!probe) return;
  const name = bytes.toString('latin1');
  const at = sentAt.get(name);
  if (at === undefined) return;
  sentAt.delete(name);
  latencies.push([Math.round(at - startedAt), performance.now() - at]);
}

function datagram(notification) {
  const call = Math.floor(notification / STATES.length);
  const serial = 1 + (notification % STATES.length);
  const name = `${run}-${call.toString(36)},${String(serial)}`;
  if (probe) sentAt.set(name, performance.now());
  return `${name},${STATES[serial - 1]},442071234567,442079876543,1001,7,Main menu`;
}

await socketFor(0);
const startedAt = performance.now();
const total = rate * seconds;
let sent = 0;
while (sent < total) {
  const due = Math.min(total, ((performance.now() - startedAt) / 1_000) * rate);
  // In portions, so that acks are read in between.
  for (let portion = 0; sent < due && portion < 500; portion++, sent++) {
    const notification = Math.floor(sent / copies);
    const socket = hosts.length === 1 ? sockets[0].socket : await socketFor(notification);
    socket.send(datagram(notification), port, '127.0.0.1', () => undefined);
  }
  if (sent < due) await new Promise(setImmediate);
  else await sleep(1);
  // A sender that cannot keep up does not go on for ever.
  if (performance.now() - startedAt > seconds * 1_500) break;
}
const tookMs = performance.now() - startedAt;
await sleep(LAST_ACKS_MS);
for (const { socket } of sockets) socket?.close();
const unanswered = [...sentAt.values()].map((at) => [Math.round(at - startedAt), null]);
console.log(JSON.stringify({ sent, acked, tookMs, latencies: probe ? [...latencies, ...unanswered] : [] }));
