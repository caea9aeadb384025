/**
 * Hostile datagrams over real sockets into PostgreSQL. Each goes from a socket of its own that no other datagram of its
 * turn uses, so that every ack is known to belong to one request.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Running } from '../../src/main.js';
import { type TestDatabase, testDatabase, testPool } from '../support/database.js';
import { portOf, startReceiver, until } from '../support/receiver.js';
import { Datagrams, type Hostile, WRITERS } from './datagrams.js';

const SLOW_MS = 90_000;
const TURNS = 25;
const PER_TURN = 100;

let database: TestDatabase;
let receiver: Running;
let sockets: { readonly address: string; readonly socket: Socket }[];

beforeAll(async () => {
  database = await testDatabase();
  receiver = await startReceiver(database, { UDP_ALLOWED_SOURCES: '127.0.0.0/8' });
  sockets = [];
}, SLOW_MS);

afterAll(async () => {
  for (const { socket } of sockets) socket.close();
  await receiver.stop();
  await database.close();
}, SLOW_MS);

/** A socket of an address that is not `taken` in this turn; opened when there is none. */
async function socketOf(address: string, taken: Set<Socket>): Promise<Socket> {
  const free = sockets.find((one) => one.address === address && !taken.has(one.socket));
  if (free !== undefined) return free.socket;
  const socket = createSocket('udp4').bind(0, address);
  await once(socket, 'listening');
  sockets.push({ address, socket });
  return socket;
}

/** Sends one turn, waits until nothing is under way, and gives what came back to each. */
async function turn(hostile: readonly Hostile[], sentBefore: number): Promise<readonly (readonly Buffer[])[]> {
  const taken = new Set<Socket>();
  const answers: Buffer[][] = [];
  for (const { address, bytes } of hostile) {
    // Forged addresses cannot be bound; what they send comes from one more honest one.
    const socket = await socketOf(address.startsWith('127.') ? address : '127.0.2.1', taken);
    taken.add(socket);
    const own: Buffer[] = [];
    answers.push(own);
    socket.removeAllListeners('message');
    socket.on('message', (ack: Buffer) => own.push(ack));
    socket.send(bytes, portOf(receiver), '127.0.0.1');
  }
  await until(() => {
    const { transport } = receiver.counts();
    return transport.received >= sentBefore + hostile.length && transport.inFlight === 0;
  }, 20_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  return answers;
}

test(
  'nothing fails, no ack is longer than its request, and what was acked is stored',
  async () => {
    const datagrams = new Datagrams('over a socket');
    const acked: Uint8Array[] = [];
    for (let round = 0; round < TURNS; round++) {
      const hostile = Array.from({ length: PER_TURN }, () => datagrams.next());
      for (const [at, answers] of (await turn(hostile, round * PER_TURN)).entries()) {
        const { bytes } = hostile[at] ?? { bytes: new Uint8Array(0) };
        expect(answers.length).toBeLessThanOrEqual(1);
        for (const ack of answers) {
          expect(ack.length).toBeLessThanOrEqual(bytes.length);
          acked.push(bytes);
        }
      }
    }
    const { transport, datagrams: counted } = receiver.counts();
    expect({ failed: transport.failed, refused: transport.refused }).toEqual({
      ...{ failed: 0, refused: { source: 0, stopping: 0 } },
    });
    const of = (fate: string): number => counted.reduce((sum, one) => sum + (one.fate === fate ? one.count : 0), 0);
    expect(of('first') + of('duplicate') + of('conflict') + of('quarantined') + of('refused')).toBe(TURNS * PER_TURN);
    expect(of('refused')).toBe(0);
    expect(acked.length).toBe(of('first') + of('duplicate') + of('conflict'));
    expect(acked.length).toBeGreaterThan(WRITERS.length * 10);
    await expectStored(acked, of('first') + of('conflict'), of('duplicate'));
  },
  SLOW_MS,
);

/** The raw table keeps the bytes of the first copy of each; a duplicate may have been written otherwise. */
async function expectStored(acked: readonly Uint8Array[], rows: number, duplicates: number): Promise<void> {
  const pool = testPool(database, 1);
  try {
    const { rows: stored } = await pool.query<{ payload: Buffer }>('select payload from notification');
    expect(stored).toHaveLength(rows);
    const payloads = new Set(stored.map(({ payload }) => payload.toString('hex')));
    const unlike = acked.filter((bytes) => !payloads.has(Buffer.from(bytes).toString('hex')));
    expect(unlike.length).toBeLessThanOrEqual(duplicates);
  } finally {
    await pool.end();
  }
}
