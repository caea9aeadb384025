/** The simulated IVR over real sockets, against a responder in this file: a sender that retries wrongly would judge the ledger by a wire nobody speaks. */
import { systemClock } from '../../src/clock.js';
import { Ivr, type AckMatch, type IvrOptions } from '../../src/simulator/sender/ivr.js';
import { planCalls, type PlannedCall } from '../../src/simulator/sender/plan.js';
import { Schedule } from '../../src/simulator/sender/schedule.js';
import type { SentSerialMeaning } from '../../src/simulator/sender/serials.js';
import { openPorts } from '../../src/simulator/simulate.js';
import type { TrueCall } from '../../src/simulator/truth.js';
import { UdpSocket } from '../../src/transport/udp.socket.js';
import type { WireFormat } from '../../src/wire/encode.js';

const INTERVAL_MS = 80;
const FORMAT: WireFormat = { codec: 'delimited', delimiter: '|', charset: 'utf-8' };
const CLEAR = { lossIn: 0, lossBack: 0, duplicate: 0, reorder: 0, reorderMsMax: 20, cut: null };

/** What arrived at the responder: the text, and when after the first of all. */
interface Heard {
  readonly text: string;
  readonly atMs: number;
}

/** Answers the n-th copy of a datagram as it is told; null: not at all. */
type Responder = (fields: readonly string[], copy: number) => string | null;

const ACK: Responder = ([callId, serial]) => `${callId ?? ''}|${serial ?? ''}`;

function oneCall(serial: SentSerialMeaning = 'per_call'): PlannedCall[] {
  const times = { rate: 1000, ringMsMean: 100, holdMsMean: 100 };
  const kinds = { answerRatio: 1, directOk: 0, failedWithBye: 0, failedWithoutBye: 0, codes: '180' } as const;
  const ids = { serial, sources: 1, callIdPrefix: 'ivr', restartCallIds: null, reuseGuardMs: 0, menuNames: ['客服'] };
  return planCalls({ seed: '5', calls: 1, ...times, ...kinds, ...ids });
}

async function play(calls: readonly PlannedCall[], respond: Responder, change: Partial<IvrOptions> = {}) {
  const clock = systemClock();
  const schedule = new Schedule(clock);
  const responder = await UdpSocket.bind({ host: '127.0.0.1', port: 0, receiveBufferBytes: 65_536 });
  const heard: Heard[] = [];
  const ports: UdpSocket[] = [];
  responder.receive(
    (bytes, from) => {
      const text = Buffer.from(bytes).toString();
      const copy = heard.filter((one) => one.text === text).length;
      heard.push({ text, atMs: performance.now() });
      const answer = respond(text.split('|'), copy);
      if (answer !== null) responder.send(Buffer.from(answer), from.port, from.address, () => undefined);
    },
    (error) => {
      throw error;
    },
  );
  const ivr = new Ivr({
    calls,
    format: FORMAT,
    retry: 3,
    intervalMs: INTERVAL_MS,
    ackMatch: 'state',
    link: CLEAR,
    seed: '5',
    targets: [{ host: '127.0.0.1', port: responder.report.port }],
    clock,
    schedule,
    send: (_source, index, bytes, { host, port }) => ports[index]?.send(bytes, port, host, () => undefined),
    ...change,
  });
  try {
    ports.push(...(await openPorts(ivr, 0, '127.0.0.1')));
    ivr.start(clock.now());
    await schedule.run();
  } finally {
    await Promise.all([responder, ...ports].map((socket) => socket.close()));
  }
  return { heard, counts: ivr.senderCounts(), truth: ivr.truth(), done: ivr.done };
}

function outcomes(truth: readonly TrueCall[]): string[] {
  return truth.flatMap(({ notifications }) =>
    notifications.map(
      ({ state, sends, acked, answered }) =>
        `${state} ${String(sends)} ${acked ? 'acked' : 'lost'}${answered ? ' answered' : ''}`,
    ),
  );
}

describe('the simulated IVR', () => {
  test('an answered notification is sent once, in the documented order of fields', async () => {
    const { heard, truth, done } = await play(oneCall(), ACK);
    expect(outcomes(truth)).toEqual(['180 1 acked answered', 'ok 1 acked answered', 'bye 1 acked answered']);
    expect(heard[0]?.text).toMatch(/^ivr-1-00001\|1\|180\|4420794\d+\|1\d+\|\d*\|\d\|客服$/);
    expect(done).toBe(3);
  });

  test('without a response it is sent 1 + RETRY times, the interval apart, and given up for good', async () => {
    const { heard, truth, counts } = await play(oneCall(), () => null);
    expect(outcomes(truth)).toEqual(['180 4 lost', 'ok 4 lost', 'bye 4 lost']);
    expect(counts).toMatchObject({ notifications: 3, sends: 12, responses: 0, givenUp: 3 });
    const ringing = heard.filter(({ text }) => text.includes('|180|')).map(({ atMs }) => atMs);
    expect(ringing).toHaveLength(4);
    // Over all tries: a busy machine delays one of them and with it shortens the next interval.
    const spacing = ((ringing.at(-1) ?? 0) - (ringing[0] ?? 0)) / 3;
    expect(Math.abs(spacing - INTERVAL_MS)).toBeLessThan(30);
  });

  test('retries stop at the matching response', async () => {
    const { truth } = await play(oneCall(), (fields, copy) => (copy === 2 ? ACK(fields, copy) : null));
    expect(outcomes(truth)).toEqual(['180 3 acked answered', 'ok 3 acked answered', 'bye 3 acked answered']);
  });

  test('a response with another serial, in another codec or too long is none', async () => {
    const wrong: Responder = ([callId, serial], copy) =>
      [
        `${callId ?? ''}|9${serial ?? ''}`,
        `${callId ?? ''},${serial ?? ''}`,
        `${callId ?? ''}|${serial ?? ''}|x`,
        null,
      ][copy] ?? null;
    const { truth, counts } = await play(oneCall(), wrong);
    expect(outcomes(truth)).toEqual(['180 4 lost', 'ok 4 lost', 'bye 4 lost']);
    expect(counts).toMatchObject({ foreignResponses: 3, unreadableResponses: 6 });
  });

  test('a response lost on its way back was the receiver saying so all the same', async () => {
    const { truth } = await play(oneCall(), ACK, { link: { ...CLEAR, lossBack: 1 } });
    expect(outcomes(truth)).toEqual(['180 4 lost answered', 'ok 4 lost answered', 'bye 4 lost answered']);
  });

  test('a link that loses everything delivers nothing, and the truth says so', async () => {
    const { heard, truth } = await play(oneCall(), ACK, { link: { ...CLEAR, lossIn: 1 } });
    expect(heard).toEqual([]);
    expect(truth[0]?.notifications.map(({ delivered, sends }) => [delivered, sends])).toEqual([
      [0, 4],
      [0, 4],
      [0, 4],
    ]);
  });

  test('a doubled datagram is answered twice, and the second answer is late', async () => {
    const { counts } = await play(oneCall(), ACK, { link: { ...CLEAR, duplicate: 1, lossBack: 0 } });
    expect(counts.responses).toBe(6);
    expect(counts.lateResponses).toBeGreaterThanOrEqual(3);
  });

  // Two states wait under one serial; only the copies of OK are answered.
  test.each<[AckMatch, string[]]>([
    ['state', ['180 4 lost', 'ok 1 acked answered', 'bye 4 lost']],
    ['first', ['180 1 acked', 'ok 2 acked answered', 'bye 4 lost']],
    ['all', ['180 1 acked', 'ok 1 acked answered', 'bye 4 lost']],
  ])('constant serials, acks matched by %s', async (ackMatch, expected) => {
    const calls = oneCall('constant').map((call) => ({
      ...call,
      notifications: call.notifications.map((one, at) => ({ ...one, atMs: [0, 30, 700][at] ?? 0 })),
    }));
    const okOnly: Responder = (fields, copy) => (fields[2] === 'OK' ? ACK(fields, copy) : null);
    const { truth } = await play(calls, okOnly, { ackMatch });
    expect(outcomes(truth)).toEqual(expected);
  });
});
