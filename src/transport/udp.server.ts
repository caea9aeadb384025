/**
 * The Nest transporter for UDP notifications: bytes in, one answer or none out, to the address and port that asked,
 * from the socket that received. It knows no codec; a deserializer and a serializer are passed in.
 *
 * Life: `listen` -> (`pause` -> `drain`) -> `close`. `pause` drops what arrives, so that the sender tries again
 * elsewhere or later, while acks of what was received still leave from the same sockets.
 */
import { Logger } from '@nestjs/common';
import { type CustomTransportStrategy, type MessageHandler, Server } from '@nestjs/microservices';
import type { RemoteInfo } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { firstValueFrom, isObservable } from 'rxjs';
import { type AllowList, unmapAddress } from './allow-list.js';
import { KernelWait } from './kernel-wait.js';
import { heldBack, OnceAMinute } from './once-a-minute.js';
import type { RecentDatagrams } from './recent.js';
import { UDP_PATTERNS, type UdpDeserializer, type UdpPattern, type UdpSerializer } from './udp.codec.js';
import { UdpContext, type UdpFrom } from './udp.context.js';
import type { UdpEvents, UdpMeter, UdpRefusal, UdpStats, UdpStatus } from './udp.events.js';
import { asError } from './udp.filter.js';
import { UdpSocket } from './udp.socket.js';

/** Restricts a handler to this transport: `@MessagePattern('report', UDP_TRANSPORT)`. */
export const UDP_TRANSPORT = Symbol('UDP');

export interface UdpServerOptions {
  /** One socket each. */
  readonly bind: readonly { readonly host: string; readonly port: number }[];
  readonly allowed: AllowList;
  readonly clock: { now(): number };
  readonly deserializer: UdpDeserializer;
  readonly serializer: UdpSerializer;
  /** Longer datagrams are handed on to be kept but are never answered. Default 2048, four times the longest report expected. */
  readonly maxDatagramBytes?: number;
  /** Default 4 MiB, about 5,000 waiting datagrams of 200 bytes: half a second of a 10,000/s burst. */
  readonly receiveBufferBytes?: number;
  /** Where an operator can look at what arrived lately. */
  readonly recent?: RecentDatagrams;
  readonly meter?: UdpMeter;
}

/** How often a quiet socket is shown to be empty; the `idleMs` of a healthy receiver stays about this small. */
const TICK_MS = 10;
/** Reading the clock twice takes as long as a tenth of a parse, so that one in so many is timed. */
const TIMED_EVERY = 16;
const MAX_DATAGRAM_BYTES = 2048;
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

interface Receiver {
  readonly socket: UdpSocket;
  readonly wait: KernelWait;
  readonly endTurn: () => void;
}

type EventArguments = { [Event in keyof UdpEvents]: Parameters<UdpEvents[Event]> };

export class UdpServer extends Server<UdpEvents, UdpStatus> implements CustomTransportStrategy {
  override readonly transportId = UDP_TRANSPORT;
  protected override readonly logger = new Logger(UdpServer.name);

  private readonly maxDatagramBytes: number;
  private readonly events = new EventEmitter<EventArguments>();
  private readonly lines = new OnceAMinute();
  private readonly counts = {
    received: 0,
    oversized: 0,
    answered: 0,
    unanswered: 0,
    failed: 0,
    unsent: 0,
    inFlight: 0,
  };
  private readonly refused: Record<UdpRefusal, number> = { source: 0, stopping: 0 };
  private readonly handlers = new Map<UdpPattern, MessageHandler>();
  private receivers: readonly Receiver[] = [];
  private opening: Promise<void> | null = null;
  private ticker: NodeJS.Timeout | null = null;
  private stopping = false;
  private drained: (() => void)[] = [];

  constructor(private readonly options: UdpServerOptions) {
    super();
    this.maxDatagramBytes = options.maxDatagramBytes ?? MAX_DATAGRAM_BYTES;
  }

  /** Binds every socket, then calls back once: without arguments, or with the error (nothing stays bound then). */
  listen(callback: (error?: unknown) => void): void {
    this.opening ??= this.open();
    this.opening.then(() => {
      callback();
    }, callback);
  }

  /** Stops reading. Datagrams that still arrive are dropped and counted; the sender tries again. */
  pause(): void {
    if (this.stopping) return;
    this.stopping = true;
    this._status$.next('paused');
  }

  /** Resolves when every datagram received has been answered or given up; call `pause` first, or it may never. */
  drain(): Promise<void> {
    if (this.counts.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.drained.push(resolve);
    });
  }

  /** Undoes `listen`: frees the ports and leaves no timer. Answers still under way are lost, so drain first. */
  async close(): Promise<void> {
    await this.opening?.catch(() => undefined);
    this.opening = null;
    if (this.receivers.length === 0) return;
    const { receivers } = this;
    this.receivers = [];
    this.stopping = true;
    if (this.ticker !== null) clearInterval(this.ticker);
    await Promise.all(receivers.map((receiver) => receiver.socket.close()));
    this._status$.next('closed');
    this.events.emit('closed');
  }

  override on<Event extends keyof UdpEvents>(event: Event, callback: UdpEvents[Event]): void {
    this.events.on<keyof UdpEvents>(event, callback);
  }

  /** The sockets stay inside the transport: an answer has to leave from the one that was asked. */
  override unwrap(): never {
    throw new Error('The UDP transport does not hand out its sockets.');
  }

  /** The counters and what each socket was granted, at this instant. */
  stats(): UdpStats {
    return {
      ...this.counts,
      refused: { ...this.refused },
      readThrough: Math.min(...this.receivers.map(({ wait }) => wait.readThrough())),
      sockets: this.receivers.map((receiver) => receiver.socket.report),
    };
  }

  private async open(): Promise<void> {
    const receivers: Receiver[] = [];
    this.stopping = false;
    try {
      this.resolveHandlers();
      for (const { host, port } of this.options.bind) receivers.push(await this.openReceiver(host, port));
    } catch (error) {
      await Promise.all(receivers.map((receiver) => receiver.socket.close()));
      this.opening = null;
      throw error;
    }
    this.receivers = receivers;
    this.ticker = setInterval(() => {
      this.tick();
    }, TICK_MS).unref();
    const reports = receivers.map((receiver) => receiver.socket.report);
    for (const warning of reports.flatMap((report) => report.warnings)) this.logger.warn(warning);
    this._status$.next('listening');
    this.events.emit('listening', reports);
  }

  private resolveHandlers(): void {
    for (const pattern of UDP_PATTERNS) {
      const handler = this.getHandlerByPattern(pattern);
      if (handler === null) throw new Error(`No controller handles the pattern "${pattern}".`);
      this.handlers.set(pattern, handler);
    }
  }

  private async openReceiver(host: string, port: number): Promise<Receiver> {
    const receiveBufferBytes = this.options.receiveBufferBytes ?? RECEIVE_BUFFER_BYTES;
    const socket = await UdpSocket.bind({ host, port, receiveBufferBytes });
    const wait = new KernelWait(socket.kernelBufferBytes, this.options.clock.now());
    const receiver: Receiver = { socket, wait, endTurn: wait.endTurn.bind(wait) };
    socket.receive(
      (bytes, from) => {
        this.handleMessage(bytes, from, receiver);
      },
      (error) => {
        this.report('The UDP socket failed', error);
      },
    );
    return receiver;
  }

  private tick(): void {
    const now = this.options.clock.now();
    for (const { wait, endTurn } of this.receivers) if (wait.beginTurn(now)) setImmediate(endTurn);
  }

  /** One datagram: stamp, admission, size, then through Nest's handler to its answer. */
  private handleMessage(bytes: Uint8Array, from: RemoteInfo, { socket, wait, endTurn }: Receiver): void {
    const at = this.options.clock.now();
    if (wait.beginTurn(at)) setImmediate(endTurn);
    const idleMs = wait.read(at);
    this.counts.received += 1;
    const { allowed, name } = this.options.allowed.match(from.address);
    const refusal = !allowed ? 'source' : this.stopping ? 'stopping' : null;
    if (refusal !== null) {
      this.refuse(refusal, bytes, { address: unmapAddress(from.address), port: from.port, local: socket.report, at });
      return;
    }
    const oversized = bytes.length > this.maxDatagramBytes;
    if (oversized) this.counts.oversized += 1;
    const address = unmapAddress(from.address);
    const stamp = { at, idleMs };
    const context = new UdpContext({ bytes, address, port: from.port, name, stamp, local: socket.report, oversized });
    this.options.recent?.admit(context);
    this.options.meter?.received(idleMs);
    this.counts.inFlight += 1;
    void this.answer(bytes, context, from, socket);
  }

  /** Never rejects: whatever fails is counted and leaves the datagram without an ack. */
  private async answer(bytes: Uint8Array, context: UdpContext, from: RemoteInfo, socket: UdpSocket): Promise<void> {
    const { deserializer, meter } = this.options;
    const timedAt = this.counts.received % TIMED_EVERY === 1 ? performance.now() : null;
    let answer: unknown;
    try {
      const { pattern, data } = await deserializer.deserialize(bytes, context);
      if (timedAt !== null) meter?.parsed(performance.now() - timedAt);
      answer = await this.handle(pattern, data, context);
    } catch (error) {
      this.fail('failed', error);
      return;
    }
    if (answer === undefined || context.isOversized()) {
      this.counts.unanswered += 1;
      meter?.unanswered(context.getFate(), context.getStamp().at);
      this.finish();
    } else {
      this.transmit(answer, context, from, socket);
    }
  }

  private transmit(answer: unknown, context: UdpContext, from: RemoteInfo, socket: UdpSocket): void {
    try {
      const ack = this.options.serializer.serialize(answer);
      const now = this.options.clock.now();
      context.answered(ack, now);
      const { at, idleMs } = context.getStamp();
      this.options.meter?.acked(context.getSource(), context.getFate(), idleMs, now - at);
      socket.send(ack, from.port, from.address, this.sent);
    } catch (error) {
      this.fail('unsent', error);
    }
  }

  /** Nest's handler gives a plain value unless an interceptor or an exception filter made a stream of it. */
  private async handle(pattern: UdpPattern, data: unknown, context: UdpContext): Promise<unknown> {
    const handler = this.handlers.get(pattern);
    if (handler === undefined) throw new Error(`No controller handles the pattern "${pattern}".`);
    const result: unknown = await handler(data, context);
    return isObservable(result) ? firstValueFrom(result, { defaultValue: undefined }) : result;
  }

  private readonly sent = (error: Error | null): void => {
    if (error !== null) {
      this.fail('unsent', error);
      return;
    }
    this.counts.answered += 1;
    this.finish();
  };

  private fail(how: 'failed' | 'unsent', error: unknown): void {
    this.counts[how] += 1;
    this.report('A datagram was not acknowledged', error);
    this.finish();
  }

  private finish(): void {
    this.counts.inFlight -= 1;
    if (this.counts.inFlight > 0 || this.drained.length === 0) return;
    const waiting = this.drained;
    this.drained = [];
    for (const resolve of waiting) resolve();
  }

  private refuse(reason: UdpRefusal, bytes: Uint8Array, from: UdpFrom): void {
    this.refused[reason] += 1;
    this.options.recent?.refuse(bytes, reason, from);
    this.events.emit('refused', reason, from.address);
    const held = reason === 'source' ? this.lines.due(`source ${from.address}`, from.at) : null;
    if (held === null) return;
    this.logger.warn(
      `Refused a datagram from ${from.address}${heldBack(held)}: UDP_ALLOWED_SOURCES does not hold this address. ` +
        `If it is your IVR, add it there.`,
    );
  }

  private report(what: string, reason: unknown): void {
    const error = asError(reason);
    // Without a listener Node's emitter would throw, and an unheard error is still in the log and the counters.
    if (this.events.listenerCount('error') > 0) this.events.emit('error', error);
    const held = this.lines.due(`error ${error.message}`, this.options.clock.now());
    if (held !== null) this.logger.error(`${what}${heldBack(held)}: ${error.message}`, error.stack);
  }
}
