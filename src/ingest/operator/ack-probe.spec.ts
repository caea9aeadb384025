/**
 * Guards against: a form named that the sender does not understand, one missed that it does, and an ack longer than its
 * request. The sender is played in virtual time: 1 + 6 tries, 3 s apart, until it likes an answer.
 */
import type { Arrival } from '../../notification.js';
import { type AckForm, encodeAck, withAckForm } from '../../wire/ack.js';
import { parse } from '../../wire/codec.js';
import { AckProbes, PROBED_FORMS, type ProbeReport } from './ack-probe.js';

const TIMING = { retry: 6, intervalMs: 3_000 };
const SETTINGS = { codec: 'delimited', delimiter: ',', charset: 'utf-8' } as const;

interface Sender {
  /** Whether it takes these bytes for the answer to this request. */
  readonly likes: (ack: Buffer, request: Buffer) => boolean;
  /** Whether this ack is lost on its way back: of the n-th, from 0. */
  readonly loses?: (nth: number) => boolean;
  readonly notifications?: number;
  readonly terminator?: string;
}

/** Plays a sender that starts a notification every 1.7 s against a probe of `forMs`; what the probe says at the end. */
function play({ likes, loses, notifications = 40, terminator = '' }: Sender, forMs = 120_000): ProbeReport {
  let now = 1_000_000;
  const probes = new AckProbes({ now: () => now }, TIMING);
  probes.start('ivr', forMs);
  const done = new Set<number>();
  const sends = Array.from({ length: notifications }, (_, n) =>
    Array.from({ length: 7 }, (__, nth) => ({ at: 1_000_000 + n * 1_700 + nth * TIMING.intervalMs, n })),
  )
    .flat()
    .sort((a, b) => a.at - b.at);
  let acks = 0;
  for (const { at, n } of sends) {
    if (done.has(n)) continue;
    now = at;
    const request = Buffer.from(`call-${String(n)},1,Ringing,442071234567,442079876543,1001,7,Main${terminator}`);
    const parsed = parse(request, SETTINGS);
    if (!parsed.ok) throw new Error(parsed.detail);
    const arrival: Arrival = {
      ...{ sourceKey: 'ivr', report: parsed.report, stamp: { at, idleMs: 0 }, payload: request },
    };
    const ack = Buffer.from(encodeAck(probes.answer(arrival, parsed.mirror)));
    expect(ack.length).toBeLessThanOrEqual(request.length);
    if (loses?.(acks++) !== true && likes(ack, request)) done.add(n);
  }
  now += 60_000;
  const report = probes.report('ivr');
  if (report === null) throw new Error('no probe was begun');
  return report;
}

/** A sender that wants one form, to the byte. */
function wanting(form: AckForm | null): Sender['likes'] {
  return (ack, request) => {
    const parsed = parse(request, SETTINGS);
    return parsed.ok && ack.equals(Buffer.from(encodeAck(withAckForm(parsed.mirror, form, request))));
  };
}

/** Of a request without a terminator, `none` makes the bytes that the mirror makes, and `,` the ones it has. */
const DISTINCT = PROBED_FORMS.filter((form) => form?.terminator !== 'none' && form?.delimiter !== ',');

test.each(DISTINCT.map((form) => ({ form, told: JSON.stringify(form) })))(
  'the form $told is found by the silence that follows it',
  ({ form }) => {
    const report = play({ likes: wanting(form) });
    expect(report).toMatchObject({ phase: 'found', found: { form } });
  },
);

test('a third of the acks lost on the way back does not hide the form', () => {
  const report = play({ likes: wanting({ terminator: 'lf' }), loses: (nth) => nth % 3 === 0, notifications: 60 });
  expect(report).toMatchObject({ phase: 'found', found: { form: { terminator: 'lf' } } });
});

test('a request that ends in CR LF is tried without it too', () => {
  const likes: Sender['likes'] = (ack) => /^call-\d+,1$/.test(ack.toString('latin1'));
  const report = play({ likes, terminator: '\r\n' });
  expect(report).toMatchObject({ phase: 'found', found: { form: { terminator: 'none' } } });
});

test('a sender that understands nothing is given up when the time is over', () => {
  const report = play({ likes: () => false });
  expect(report).toMatchObject({ phase: 'ended', found: null });
  expect(report.trials.every(({ silent }) => silent === 0)).toBe(true);
});

test('a source that is not probed is answered as it is set, and a probe that is over changes nothing', () => {
  let now = 0;
  const probes = new AckProbes({ now: () => now }, TIMING);
  const request = Buffer.from('a,1,OK,442071234567,442079876543,1001,7,Main');
  const parsed = parse(request, SETTINGS);
  if (!parsed.ok) throw new Error(parsed.detail);
  const arrival: Arrival = {
    ...{ sourceKey: 'other', report: parsed.report, stamp: { at: 0, idleMs: 0 }, payload: request },
  };
  probes.start('ivr', 10_000);
  expect(probes.answer(arrival, parsed.mirror)).toBe(parsed.mirror);
  now = 10_000;
  expect(probes.answer({ ...arrival, sourceKey: 'ivr' }, parsed.mirror)).toBe(parsed.mirror);
  expect(probes.report('nobody')).toBeNull();
});

test('so many probes run at once and no more, until one of them is over', () => {
  let now = 0;
  const probes = new AckProbes({ now: () => now }, TIMING);
  for (let n = 0; n < 16; n += 1) expect(probes.start(`ivr-${String(n)}`, 1_000)).not.toBeNull();
  expect(probes.start('one more', 1_000)).toBeNull();
  now = 1_000;
  expect(probes.start('one more', 1_000)).not.toBeNull();
});
