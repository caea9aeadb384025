/**
 * One seeded world: two IVRs with serials of different meanings and codecs, lossy links, a receiver that may crash or
 * restart, and the judge. Only link, clock and stores are replaced. `runWorld(seed)` replays exactly.
 */
import { v5 as uuidv5 } from 'uuid';
import { horizonMs, type SerialMeaning, type Settings } from '../../src/notification.js';
import { ACK_MATCHES, Ivr, type AckMatch } from '../../src/simulator/sender/ivr.js';
import { judge, type Judgement } from '../../src/simulator/judge/judge.js';
import { planCalls, RINGING_CODES } from '../../src/simulator/sender/plan.js';
import { seeded, type Random } from '../../src/simulator/sender/random.js';
import type { LedgerCall, LedgerGap, Reading } from '../../src/simulator/judge/reading.js';
import { SENT_SERIAL_MEANINGS, type SentSerialMeaning } from '../../src/simulator/sender/serials.js';
import { fold } from '../../src/lifecycle/fold.js';
import { decodeEvidence } from '../../src/delivery/evidence.js';
import { noFacts } from '../../src/delivery/facts.js';
import type { KeyChange } from '../../src/ingest/ports.js';
import type { WireFormat } from '../../src/wire/encode.js';
import type { MemoryCall } from '../support/memory-ledger.js';
import { MemoryStore } from '../support/memory-store.js';
import { MemorySources, SimulatedReceiver } from './receiver.js';
import { VirtualTime } from './virtual-time.js';

const START = Date.UTC(2026, 2, 29, 0, 30);
const SETTINGS: Settings = {
  retry: 6,
  intervalMs: 3000,
  marginMs: 1000,
  staleRingingMs: 120_000,
  staleAnsweredMs: 900_000,
  lossWindowMs: 60_000,
};
const HORIZON = horizonMs(SETTINGS);
const TICK_MS = 4000;

/** Lines of the judgement that 30 calls can be held to; shares and estimates need thousands. */
export const JUDGED = [
  'wrong',
  'wrongBounds',
  'wrongShape',
  'undeclared',
  'declaredNotLost',
  'unsettled',
  'ackedNotStored',
  'storedNeverSent',
  'miscounted',
  'unreadableAcks',
] as const;

export interface WorldSource {
  readonly address: string;
  readonly serial: SentSerialMeaning;
  readonly pinned: boolean;
  readonly ackMatch: AckMatch;
  readonly format: WireFormat;
  readonly lossIn: number;
  readonly lossBack: number;
}

export interface World {
  readonly seed: number;
  readonly sources: readonly WorldSource[];
  /** Spans in which nobody listens; `crash` ends without a goodbye. */
  readonly downs: readonly { readonly from: number; readonly to: number; readonly crash: boolean }[];
}

export interface Verdict {
  readonly world: World;
  readonly judgements: readonly Judgement[];
  readonly store: MemoryStore;
}

const FORMATS: readonly WireFormat[] = [
  { codec: 'delimited', delimiter: ',', charset: 'utf-8' },
  { codec: 'delimited', delimiter: '|', charset: 'utf-8', terminator: '\r\n' },
  { codec: 'key_value', delimiter: '&', charset: 'utf-8' },
  { codec: 'json', charset: 'utf-8' },
];

/** What a seed stands for. A third of the worlds have an outage or a restart. */
export function worldOf(seed: number): World {
  const random = seeded(seed, 'world');
  const sources = [0, 1].map((index): WorldSource => {
    const meanings = SENT_SERIAL_MEANINGS.filter((_, place) => place % 2 === index || random.chance(0.5));
    const serial = random.pick(meanings);
    const oneSerial = serial === 'constant' || serial === 'call_number';
    return {
      address: `127.0.0.${String(index + 2)}`,
      serial,
      pinned: random.chance(0.7),
      // Only with one serial a call can an answer serve another notification; its own stream leaves the rest of a seed as it was.
      ackMatch: oneSerial ? seeded(seed, `ack/${String(index)}`).pick(ACK_MATCHES) : 'state',
      format: random.pick(FORMATS),
      lossIn: random.pick([0, 0.1, 0.4]),
      lossBack: random.pick([0, 0.1, 0.4]),
    };
  });
  const downs = seed % 3 === 0 ? [down(random)] : [];
  return { seed, sources, downs };
}

function down(random: Random): World['downs'][number] {
  const from = START + 20_000 + random.below(60_000);
  return { from, to: from + random.pick([1500, 8000, 17_000, 60_000]), crash: random.chance(0.5) };
}

/** Runs a world to its end and judges each source's ledger. */
export async function runWorld(seed: number, callsPerSource = 15): Promise<Verdict> {
  const world = worldOf(seed);
  const time = new VirtualTime(START);
  const store = new MemoryStore();
  const sources = new MemorySources(store);
  let generation = 0;
  let receiver: SimulatedReceiver | null = null;
  const boot = async (): Promise<void> => {
    receiver = new SimulatedReceiver(uuidv5(String(generation++), uuidv5.URL), store, sources, SETTINGS, time);
    await receiver.start();
  };
  await sources.save(world.sources.map(({ address }) => ({ key: address, name: address, addresses: [address] })));
  for (const { address, serial, pinned } of world.sources) if (pinned) store.pin(address, serial);
  await boot();
  const ivrs = world.sources.map((source, place) =>
    ivrOf(seed, source, place, callsPerSource, time, (bytes, answer) =>
      receiver?.receive(source.address, bytes, answer),
    ),
  );
  for (const ivr of ivrs) ivr.start(START + 1000);

  const acts = scheduleOf(world);
  let nextTick = START + TICK_MS;
  const end = { at: Number.POSITIVE_INFINITY };
  while (time.now() < end.at) {
    const event = time.nextAt();
    const act = acts[0];
    const next = Math.min(event ?? Number.POSITIVE_INFINITY, act?.at ?? Number.POSITIVE_INFINITY, nextTick);
    if (act !== undefined && act.at <= next) {
      acts.shift();
      time.moveTo(act.at);
      if (act.kind === 'stop') await (receiver as SimulatedReceiver | null)?.stop();
      receiver = null;
      if (act.kind === 'up') await boot();
    } else if (event !== null && event <= next) {
      time.step();
      await (receiver as SimulatedReceiver | null)?.flush();
    } else {
      time.moveTo(nextTick);
      await (receiver as SimulatedReceiver | null)?.tick();
      nextTick += TICK_MS;
    }
    // Everything was sent and given up: what is left is for time to settle.
    if (event === null && end.at === Number.POSITIVE_INFINITY) {
      end.at = time.now() + SETTINGS.staleRingingMs + 2 * HORIZON + SETTINGS.lossWindowMs + 6 * TICK_MS;
    }
  }
  const reading = readingOf(store, time.now());
  const judgements = ivrs.map((ivr, place) =>
    judgeIvr(ivr, world, place, reading, store.meaningOf(world.sources[place]?.address ?? '')),
  );
  return { world, judgements, store };
}

function ivrOf(
  seed: number,
  source: WorldSource,
  place: number,
  calls: number,
  time: VirtualTime,
  receive: (bytes: Uint8Array, answer: (ack: Uint8Array) => void) => void,
): Ivr {
  const random = seeded(seed, `ivr/${String(place)}`);
  const plan = planCalls({
    seed: `${String(seed)}/${String(place)}`,
    calls,
    rate: random.pick([0.2, 1]),
    answerRatio: 0.6,
    ringMsMean: 8000,
    holdMsMean: 20_000,
    directOk: 0.02,
    failedWithBye: 0.1,
    failedWithoutBye: 0.1,
    codes: random.pick(RINGING_CODES),
    serial: source.serial,
    sources: 1,
    callIdPrefix: `${String(place)}-`,
    restartCallIds: null,
    reuseGuardMs: 3 * HORIZON,
    menuNames: ['Sales', '服务', ''],
  });
  const ivr: Ivr = new Ivr({
    calls: plan,
    format: source.format,
    retry: SETTINGS.retry,
    intervalMs: SETTINGS.intervalMs,
    ackMatch: source.ackMatch,
    link: {
      lossIn: source.lossIn,
      lossBack: source.lossBack,
      duplicate: 0.05,
      reorder: 0.05,
      reorderMsMax: 300,
      cut: null,
    },
    seed: `${String(seed)}/${String(place)}`,
    targets: [{ host: '', port: 0 }],
    clock: time,
    schedule: time,
    send: (_source, index, bytes) => {
      receive(bytes, (ack) => {
        ivr.receive(0, index, ack);
      });
    },
  });
  return ivr;
}

interface Act {
  readonly at: number;
  readonly kind: 'crash' | 'stop' | 'up';
}

function scheduleOf(world: World): Act[] {
  return world.downs.flatMap(({ from, to, crash }): Act[] => [
    { at: from, kind: crash ? 'crash' : 'stop' },
    { at: to, kind: 'up' },
  ]);
}

function judgeIvr(ivr: Ivr, world: World, place: number, reading: Reading, meaning: SerialMeaning): Judgement {
  const source = world.sources[place];
  if (source === undefined) throw new Error('no such source');
  const own = (name: string): boolean => name === source.address;
  const downMs = world.downs.length === 0 ? null : world.downs.reduce((sum, one) => sum + one.to - one.from, 0);
  return judge({
    truth: ivr.truth(),
    sender: ivr.senderCounts(),
    reading: {
      ...reading,
      calls: reading.calls.filter((call) => own(call.source)),
      gaps: reading.gaps.filter((gap) => own(gap.source)),
    },
    // Serials that the ledger has too few calls to have understood say nothing to it, like opaque ones.
    serial: meaning === 'unknown' ? 'opaque' : source.serial,
    ackMatch: source.ackMatch,
    lossIn: source.lossIn,
    lossBack: source.lossBack,
    retry: SETTINGS.retry,
    horizonMs: HORIZON,
    staleRingingMs: SETTINGS.staleRingingMs,
    staleAnsweredMs: SETTINGS.staleAnsweredMs,
    lossWindowMs: SETTINGS.lossWindowMs,
    toleranceMs: 2,
    cutMs: null,
    downMs,
  });
}

/** What REST would answer. */
export function readingOf(store: MemoryStore, asOf: number): Reading {
  return {
    asOf,
    calls: [...store.calls.values()].map((call) => callOf(store, call)),
    gaps: [...store.gaps.values()].map((gap): LedgerGap => ({ ...gap, source: gap.sourceKey })),
  };
}

function callOf(store: MemoryStore, { key, record }: MemoryCall): LedgerCall {
  const evidence = store.evidence.get(key.callKey);
  if (evidence === undefined) throw new Error('a call without evidence');
  const document = JSON.parse(evidence.document) as KeyChange['document'];
  const meaning: SerialMeaning = store.meaningOf(key.sourceKey);
  const facts = { ...noFacts(key.sourceKey, SETTINGS), meaning };
  const own = fold(key, decodeEvidence(document), facts).find((call) => call.record.id === record.id);
  const notifications = (own?.notifications ?? []).map(({ serial, state, firstAt, copies }) => ({
    serial,
    state,
    receivedAt: firstAt,
    copies,
  }));
  return { ...record, source: record.sourceKey, notifications };
}
