import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../clock.js';
import { UdpSocket } from '../transport/udp.socket.js';
import type { WireFormat } from '../wire/encode.js';
import { Downtime } from './downtime.js';
import { type AckMatch, Ivr, PORTS_PER_SOURCE, type Target } from './sender/ivr.js';
import { judge, type Judgement, SETTLE_SLACK_MS } from './judge/judge.js';
import { type Asked, Ledger } from './ledger.js';
import { type PlannedCall, planCalls, type PlanOptions } from './sender/plan.js';
import type { ReceiverSettings } from './judge/reading.js';
import { Schedule } from './sender/schedule.js';
import { localAddresses } from './sender/sources.js';
import type { SenderCounts, TrueCall } from './truth.js';

export interface SimulateOptions {
  readonly targets: readonly Target[];
  readonly api: string;
  readonly seed: string;
  /** Null: the receiver's own. */
  readonly retry: number | null;
  readonly intervalMs: number | null;
  readonly ringMsMean: number;
  readonly holdMsMean: number;
  /** Shorten ring and hold as the interval is shorter than 3 s. */
  readonly scale: boolean;
  readonly calls: number;
  readonly rate: number;
  readonly answerRatio: number;
  readonly directOk: number;
  readonly failedWithBye: number;
  readonly failedWithoutBye: number;
  readonly codes: PlanOptions['codes'];
  readonly serial: PlanOptions['serial'];
  readonly sources: number;
  readonly sourceAddress: string | null;
  readonly callIdPrefix: string | null;
  readonly restartCallIds: number | null;
  readonly format: WireFormat;
  readonly ackMatch: AckMatch;
  readonly lossIn: number;
  readonly lossBack: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly pauseAtMs: number | null;
  readonly pauseForMs: number | null;
  /** How long the receiver was truly down; null: as measured. */
  readonly downMs: number | null;
  /** How long to wait for records to settle; null: as long as that can take. */
  readonly waitMs: number | null;
  readonly toleranceMs: number;
}

export type Phase = 'sending' | 'settling' | 'reading';
export type Progress = (phase: Phase, done: number, total: number) => void;

export interface Outcome {
  readonly judgement: Judgement;
  readonly sender: SenderCounts;
  readonly seed: string;
  readonly callIdPrefix: string;
  readonly sourceAddresses: readonly string[];
  readonly calls: number;
  readonly retry: number;
  readonly intervalMs: number;
  readonly sendingMs: number;
  readonly settlingMs: number;
}

/** The interval that ring and hold times are given for: the IVR's default. */
const USUAL_INTERVAL_MS = 3000;
const POLL_MS = 1000;
const STALE_WAIT_MS_MAX = 120_000;
/** Responses come in bursts of a group commit; the default of 208 kB would drop some and look like loss. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;
const MENU_NAMES = ['Main menu', 'Callback', 'Café', '客服中心', '中文菜单'];

/**
 * One whole run: plans the calls, plays the IVR, waits for the ledger to settle, reads it and judges.
 *
 * @param observe given what the sender knows, for whoever compares it with more than the public contract shows
 * @throws LedgerUnreadable, UdpBindError when it cannot run at all
 */
export async function simulate(
  options: SimulateOptions,
  progress: Progress,
  observe: (truth: readonly TrueCall[]) => void = () => undefined,
): Promise<Outcome> {
  const clock = systemClock();
  const startedAt = clock.now();
  const ledger = new Ledger(options.api);
  const settings = await ledger.settings();
  const retry = options.retry ?? settings.retry;
  const intervalMs = options.intervalMs ?? settings.intervalMs;
  const callIdPrefix = options.callIdPrefix ?? `${options.seed}-${startedAt.toString(36)}`;
  const calls = planCalls(planOptions(options, settings, intervalMs, callIdPrefix));
  const targets = await Promise.all(options.targets.map(resolved));
  const sourceAddresses = localAddresses(options, targets, callIdPrefix);

  const { done: run, downMs } = await new Downtime(options.api).during(async () => {
    const sent = await send(options, { calls, targets, sourceAddresses, retry, intervalMs }, progress);
    observe(sent.truth);
    const sentAt = clock.now();
    const asked = { sources: await ledger.keysOf(sourceAddresses), from: startedAt - settings.horizonMs };
    await settle(ledger, asked, lastEventAt(sent.truth), options, settings, progress);
    return { ...sent, sendingMs: sentAt - startedAt, settlingMs: clock.now() - sentAt };
  });
  const reading = await ledger.read(startedAt - settings.horizonMs, callIdPrefix, (done, total) => {
    progress('reading', done, total);
  });
  const judgement = judge({
    ...settings,
    ...options,
    ...run,
    retry,
    reading,
    downMs: options.downMs ?? downMs,
    cutMs: options.pauseForMs,
  });
  return {
    judgement,
    sender: run.sender,
    seed: options.seed,
    callIdPrefix,
    sourceAddresses,
    calls: calls.length,
    retry,
    intervalMs,
    sendingMs: run.sendingMs,
    settlingMs: run.settlingMs,
  };
}

function planOptions(
  options: SimulateOptions,
  { horizonMs }: ReceiverSettings,
  intervalMs: number,
  callIdPrefix: string,
): PlanOptions {
  const scale = options.scale ? intervalMs / USUAL_INTERVAL_MS : 1;
  return {
    ...options,
    callIdPrefix,
    ringMsMean: options.ringMsMean * scale,
    holdMsMean: options.holdMsMean * scale,
    // A Bye can be H old when it arrives, and a Ringing within H of it would pass for its own call's.
    reuseGuardMs: 2 * horizonMs,
    menuNames: MENU_NAMES,
  };
}

interface Sending {
  readonly calls: readonly PlannedCall[];
  readonly targets: readonly Target[];
  readonly sourceAddresses: readonly string[];
  readonly retry: number;
  readonly intervalMs: number;
}

async function send(
  options: SimulateOptions,
  { calls, targets, sourceAddresses, retry, intervalMs }: Sending,
  progress: Progress,
): Promise<{ truth: TrueCall[]; sender: SenderCounts }> {
  const clock = systemClock();
  const schedule = new Schedule(clock);
  const sockets: UdpSocket[][] = [];
  const { pauseAtMs, pauseForMs } = options;
  const ivr = new Ivr({
    calls,
    format: options.format,
    retry,
    intervalMs,
    ackMatch: options.ackMatch,
    link: {
      ...options,
      reorderMsMax: Math.min(intervalMs / 2, 400),
      cut: pauseForMs === null ? null : { fromMs: pauseAtMs ?? 0, toMs: (pauseAtMs ?? 0) + pauseForMs },
    },
    seed: options.seed,
    targets,
    clock,
    schedule,
    send: (source, index, bytes, { host, port }) => {
      // What the operating system refuses is lost on the way, as everything else the link loses.
      sockets[source]?.[index]?.send(bytes, port, host, () => undefined);
    },
  });
  const total = calls.reduce((sum, { notifications }) => sum + notifications.length, 0);
  const ticker = setInterval(() => {
    progress('sending', ivr.done, total);
  }, 250);
  try {
    for (const [source, host] of sourceAddresses.entries()) sockets.push(await openPorts(ivr, source, host));
    ivr.start(clock.now() + 50);
    await schedule.run();
    progress('sending', total, total);
  } finally {
    clearInterval(ticker);
    await Promise.all(sockets.flat().map((socket) => socket.close()));
  }
  return { truth: ivr.truth(), sender: ivr.senderCounts() };
}

/** Opens the ports of one source and lets the IVR hear what arrives there. */
export async function openPorts(ivr: Ivr, source: number, host: string): Promise<UdpSocket[]> {
  const ports: UdpSocket[] = [];
  for (let index = 0; index < PORTS_PER_SOURCE; index += 1) {
    const socket = await UdpSocket.bind({ host, port: 0, receiveBufferBytes: RECEIVE_BUFFER_BYTES });
    socket.receive(
      (bytes) => {
        ivr.receive(source, index, bytes);
      },
      () => undefined,
    );
    ports.push(socket);
  }
  return ports;
}

function lastEventAt(truth: readonly TrueCall[]): number {
  return truth.reduce((last, { endAt }) => Math.max(last, endAt), 0);
}

/**
 * Waits until every call is settled and every gap past its deadline is closed, or until that is overdue. Where a Bye is
 * missing, that takes a stale limit; limits of more than two minutes are not waited for: what lies within them is printed
 * as pending.
 */
async function settle(
  ledger: Ledger,
  asked: Asked,
  lastAt: number,
  { waitMs }: SimulateOptions,
  settings: ReceiverSettings,
  progress: Progress,
): Promise<void> {
  const { horizonMs, staleRingingMs, staleAnsweredMs, lossWindowMs } = settings;
  const staleMs = Math.max(0, ...[staleRingingMs, staleAnsweredMs].filter((limit) => limit <= STALE_WAIT_MS_MAX));
  const deliveredAt = lastAt + 2 * horizonMs;
  const staleAt = deliveredAt + staleMs;
  const beganAt = Date.now();
  const until = waitMs === null ? staleAt + lossWindowMs + SETTLE_SLACK_MS : beganAt + waitMs;
  while (Date.now() < until) {
    progress('settling', Date.now() - beganAt, until - beganAt);
    const state = Date.now() > staleAt ? 'ended' : undefined;
    const delivered = Date.now() > deliveredAt;
    if (delivered && !(await ledger.unsettled(asked, state)) && !(await ledger.gapsOverdue(asked))) return;
    await sleep(POLL_MS);
  }
}

async function resolved({ host, port }: Target): Promise<Target> {
  return { host: (await lookup(host, isIPv6(host) ? 6 : 4)).address, port };
}
