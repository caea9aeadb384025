/**
 * A client that behaves like the IVR (docs/wire.md): a send at 0, then RETRY retries every INTERVAL, until the matching
 * response arrives or the last interval has passed.
 */
import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import { isIP } from 'node:net';
import { unmapAddress } from './allow-list.js';
import type { UdpStatus } from './udp.events.js';
import { UdpSocket } from './udp.socket.js';

export interface UdpClientOptions {
  /** An address, not a name: only responses from it, and from `port`, are believed. */
  readonly host: string;
  readonly port: number;
  /** Tries after the first. */
  readonly retry: number;
  readonly intervalMs: number;
  /** What a response has to repeat. Requests that share a key are answered oldest first. */
  readonly requestKey: (request: Uint8Array) => string;
  /** The key a response carries; null for a datagram that is no response. */
  readonly responseKey: (response: Uint8Array) => string | null;
  /** The local address to send from; by default any of the target's family. */
  readonly localHost?: string;
  readonly localPort?: number;
}

/** No matching response came within 1 + RETRY sends and the interval after the last. */
export class UdpNoResponseError extends Error {
  constructor(
    readonly sends: number,
    readonly waitedMs: number,
  ) {
    super(`No matching response to ${String(sends)} sends within ${String(waitedMs)} ms.`);
    this.name = 'UdpNoResponseError';
  }
}

/** The client was closed while a request was outstanding. */
export class UdpClientClosedError extends Error {
  constructor() {
    super('The UDP client was closed before a response came.');
    this.name = 'UdpClientClosedError';
  }
}

type Callback = (packet: WritePacket<Uint8Array>) => void;

interface Outstanding {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly startedAt: number;
  readonly callback: Callback;
  sends: number;
  timer: NodeJS.Timeout | undefined;
}

/** A type, not an interface: Nest wants an index signature. */
export type UdpClientEvents = { error: (error: Error) => void };

const RECEIVE_BUFFER_BYTES = 1024 * 1024;

/** `send(pattern, bytes)` gives the response's bytes; the pattern is Nest's and is not on the wire. `emit` sends once. */
export class UdpClient extends ClientProxy<UdpClientEvents, UdpStatus> {
  private connecting: Promise<void> | null = null;
  private socket: UdpSocket | null = null;
  private readonly outstanding = new Map<string, Outstanding[]>();
  private readonly errorListeners: ((error: Error) => void)[] = [];

  constructor(private readonly options: UdpClientOptions) {
    super();
  }

  /** Binds the local socket once. Rejects with `UdpBindError`. */
  override async connect(): Promise<void> {
    this.connecting ??= this.open();
    await this.connecting;
  }

  /** Frees the socket; outstanding requests fail with `UdpClientClosedError`. */
  override async close(): Promise<void> {
    for (const request of [...this.outstanding.values()].flat()) {
      this.settle(request, { err: new UdpClientClosedError(), isDisposed: true });
    }
    await this.connecting?.catch(() => undefined);
    this.connecting = null;
    const { socket } = this;
    this.socket = null;
    if (socket === null) return;
    await socket.close();
    this._status$.next('closed');
  }

  override on<Event extends keyof UdpClientEvents>(_event: Event, callback: UdpClientEvents[Event]): void {
    this.errorListeners.push(callback);
  }

  override unwrap(): never {
    throw new Error('The UDP transport does not hand out its sockets.');
  }

  protected override publish(packet: ReadPacket<Uint8Array>, callback: Callback): () => void {
    const key = this.options.requestKey(packet.data);
    const request: Outstanding = {
      key,
      bytes: packet.data,
      startedAt: performance.now(),
      callback,
      sends: 0,
      timer: undefined,
    };
    this.outstanding.set(key, [...(this.outstanding.get(key) ?? []), request]);
    this.attempt(request);
    return () => {
      this.forget(request);
    };
  }

  protected override dispatchEvent<T = void>(packet: ReadPacket<Uint8Array>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.transmit(packet.data, (error) => {
        if (error === null) resolve(undefined as T);
        else reject(error);
      });
    });
  }

  private async open(): Promise<void> {
    const { host, port, localHost, localPort } = this.options;
    const anyAddress = isIP(host) === 6 ? '::' : '0.0.0.0';
    const socket = await UdpSocket.bind({
      host: localHost ?? anyAddress,
      port: localPort ?? 0,
      receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    });
    const target = unmapAddress(host);
    socket.receive(
      (bytes, from) => {
        if (from.port === port && unmapAddress(from.address) === target) this.respond(bytes);
      },
      (error) => {
        this.tell(error);
      },
    );
    this.socket = socket;
    this._status$.next('listening');
  }

  /** Sends, and sees to the next try; tries are counted from the first, so that slow timers do not add up. */
  private attempt(request: Outstanding): void {
    const { retry, intervalMs } = this.options;
    if (request.sends > retry) {
      this.settle(request, {
        err: new UdpNoResponseError(request.sends, request.sends * intervalMs),
        isDisposed: true,
      });
      return;
    }
    request.sends += 1;
    this.transmit(request.bytes, (error) => {
      if (error !== null) this.tell(error);
    });
    const nextAt = request.startedAt + request.sends * intervalMs;
    request.timer = setTimeout(
      () => {
        this.attempt(request);
      },
      Math.max(0, nextAt - performance.now()),
    );
  }

  private transmit(bytes: Uint8Array, done: (error: Error | null) => void): void {
    if (this.socket === null) done(new UdpClientClosedError());
    else this.socket.send(bytes, this.options.port, this.options.host, done);
  }

  private respond(bytes: Uint8Array): void {
    const key = this.options.responseKey(bytes);
    const oldest = key === null ? undefined : this.outstanding.get(key)?.[0];
    if (oldest !== undefined) this.settle(oldest, { response: bytes, isDisposed: true });
  }

  private settle(request: Outstanding, packet: WritePacket<Uint8Array>): void {
    this.forget(request);
    request.callback(packet);
  }

  private forget(request: Outstanding): void {
    clearTimeout(request.timer);
    const left = this.outstanding.get(request.key)?.filter((one) => one !== request) ?? [];
    if (left.length === 0) this.outstanding.delete(request.key);
    else this.outstanding.set(request.key, left);
  }

  /** A send the system refused is not the end: the IVR too just tries again. */
  private tell(error: Error): void {
    for (const listener of this.errorListeners) listener(error);
  }
}
