import type { Clock } from '../../clock.js';
import { encodeReport, type WireFormat } from '../../wire/encode.js';
import { parseAck } from '../../wire/parse-ack.js';
import { type Link, type LinkOptions, lossyLink } from './link.js';
import type { PlannedCall, PlannedNotification } from './plan.js';
import { type Random, seeded } from './random.js';
import type { Schedule } from './schedule.js';
import { ackKey, type SenderCounts, type TrueCall } from '../truth.js';

/**
 * How the sender matches a response (Call ID, Serial) that fits several waiting notifications, as it can when serials
 * are constant: it knows which state was meant; takes the oldest; or takes all.
 */
export const ACK_MATCHES = ['state', 'first', 'all'] as const;
export type AckMatch = (typeof ACK_MATCHES)[number];

/** No call of the plan has more notifications: 180, 183, OK, Bye. One port each tells whose response came. */
export const PORTS_PER_SOURCE = 4;

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface IvrOptions {
  readonly calls: readonly PlannedCall[];
  readonly format: WireFormat;
  readonly retry: number;
  readonly intervalMs: number;
  readonly ackMatch: AckMatch;
  readonly link: LinkOptions;
  /** Each notification draws its own chances from it, so what the link does to one does not hang on the order of all. */
  readonly seed: string | number;
  /** The receivers; each datagram goes to one of them at random. */
  readonly targets: readonly Target[];
  readonly clock: Clock;
  readonly schedule: Pick<Schedule, 'at'>;
  /** Sends from the port kept for notifications at this place of a call. */
  readonly send: (source: number, index: number, bytes: Uint8Array, target: Target) => void;
}

interface Pending {
  readonly planned: PlannedNotification;
  readonly source: number;
  readonly key: string;
  readonly route: Random;
  readonly link: Link;
  bytes: Uint8Array;
  sentAt: number | null;
  sends: number;
  delivered: number;
  answered: boolean;
  acked: boolean;
  done: boolean;
}

/**
 * The sender of docs/wire.md: each notification is sent once and then RETRY times at INTERVAL until a response with its
 * Call ID and Serial arrives; after the last interval it is given up for good and the call goes on.
 */
export class Ivr {
  private readonly sent: Pending[][];
  /** By source, then Call ID and Serial: every notification so named, oldest first. */
  private readonly named = new Map<string, Pending[]>();
  private readonly counts = { sends: 0, responses: 0, late: 0, unreadable: 0, foreign: 0, givenUp: 0 };
  private startAt = 0;
  private finished = 0;

  constructor(private readonly options: IvrOptions) {
    this.sent = options.calls.map((call) => call.notifications.map((planned) => pending(call, planned, options)));
  }

  /** Plans every notification into the schedule, the run beginning at the instant `startAt`. */
  start(startAt: number): void {
    this.startAt = startAt;
    for (const [at, call] of this.options.calls.entries()) {
      for (const notification of this.sent[at] ?? []) {
        this.options.schedule.at(startAt + notification.planned.atMs, () => {
          this.begin(call, notification);
        });
      }
    }
  }

  /** Notifications answered or given up so far. */
  get done(): number {
    return this.finished;
  }

  /** Takes in what arrived at the port kept for place `index` of a call's notifications. */
  receive(source: number, index: number, bytes: Uint8Array): void {
    this.counts.responses += 1;
    const ack = parseAck(bytes, this.options.format);
    if (ack === null) {
      this.counts.unreadable += 1;
      return;
    }
    const key = `${String(source)}\n${ackKey(ack.callId, ack.serial)}`;
    const meant = this.named.get(key)?.findLast(({ planned }) => planned.index === index);
    if (meant === undefined) {
      this.counts.foreign += 1;
      return;
    }
    meant.answered = true;
    const now = this.options.clock.now();
    for (const delayMs of meant.link.back(now - this.startAt)) {
      this.later(now, delayMs, () => {
        this.accept(meant);
      });
    }
  }

  /** What truly happened, once the schedule has run out. */
  truth(): TrueCall[] {
    return this.options.calls.map((call, at) => ({
      ...call,
      endAt: this.startAt + call.endMs,
      notifications: (this.sent[at] ?? []).map(({ planned, sentAt, sends, delivered, answered, acked }) => ({
        ...planned,
        sentAt,
        sends,
        delivered,
        answered,
        acked,
      })),
    }));
  }

  senderCounts(): SenderCounts {
    return {
      notifications: this.sent.reduce((sum, of) => sum + of.filter(({ sentAt }) => sentAt !== null).length, 0),
      sends: this.counts.sends,
      responses: this.counts.responses,
      lateResponses: this.counts.late,
      unreadableResponses: this.counts.unreadable,
      foreignResponses: this.counts.foreign,
      givenUp: this.counts.givenUp,
    };
  }

  private begin(call: PlannedCall, notification: Pending): void {
    const { serial, stateRaw } = notification.planned;
    notification.bytes = encodeReport({ ...call, serial, state: stateRaw }, this.options.format);
    notification.sentAt = this.options.clock.now();
    const same = this.named.get(notification.key);
    if (same === undefined) this.named.set(notification.key, [notification]);
    else same.push(notification);
    this.attempt(notification, notification.sentAt);
  }

  /** One send. The next is due at a whole number of intervals after the first, so that lateness does not add up. */
  private attempt(notification: Pending, firstAt: number): void {
    if (notification.done) return;
    if (notification.sends > this.options.retry) {
      this.counts.givenUp += 1;
      this.finish(notification);
      return;
    }
    notification.sends += 1;
    this.counts.sends += 1;
    const now = this.options.clock.now();
    const { bytes } = notification;
    const target = notification.route.pick(this.options.targets);
    for (const delayMs of notification.link.towards(now - this.startAt)) {
      notification.delivered += 1;
      this.later(now, delayMs, () => {
        this.options.send(notification.source, notification.planned.index, bytes, target);
      });
    }
    this.options.schedule.at(firstAt + notification.sends * this.options.intervalMs, () => {
      this.attempt(notification, firstAt);
    });
  }

  private later(now: number, delayMs: number, act: () => void): void {
    if (delayMs === 0) act();
    else this.options.schedule.at(now + delayMs, act);
  }

  private accept(meant: Pending): void {
    const waiting = (this.named.get(meant.key) ?? []).filter(({ done }) => !done);
    const taken = {
      state: waiting.filter((notification) => notification === meant),
      first: waiting.slice(0, 1),
      all: waiting,
    }[this.options.ackMatch];
    if (taken.length === 0) this.counts.late += 1;
    for (const notification of taken) {
      notification.acked = true;
      this.finish(notification);
    }
  }

  private finish(notification: Pending): void {
    notification.done = true;
    notification.bytes = NOTHING;
    this.finished += 1;
  }
}

const NOTHING = new Uint8Array(0);

function pending(call: PlannedCall, planned: PlannedNotification, { seed, link }: IvrOptions): Pending {
  const chance = (use: string): Random => seeded(seed, `${use}/${String(planned.call)}/${String(planned.index)}`);
  return {
    planned,
    source: call.source,
    key: `${String(call.source)}\n${ackKey(call.callId, planned.serial)}`,
    route: chance('route'),
    link: lossyLink(link, chance('in'), chance('back')),
    bytes: NOTHING,
    sentAt: null,
    sends: 0,
    delivered: 0,
    answered: false,
    acked: false,
    done: false,
  };
}
