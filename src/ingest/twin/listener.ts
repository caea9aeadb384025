/**
 * The listener for the HTTP posts of a switch (docs/wire.md, "The HTTP twin"): sockets, limits and answers; what a post
 * says and what becomes of it is decided elsewhere (intake.ts).
 *
 *   connection  from an address not allowed, or one too many    -> closed unread
 *   bytes       that are no HTTP, or no request in time          -> 400, closed
 *   request     another path or method, or while stopping       -> answered unread
 *               a body that does not come in time, or breaks off -> closed (408)
 *               a body, or the first bytes of one too long       -> `take`, and its answer
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../clock.js';
import { type AllowList, unmapAddress } from '../../transport/allow-list.js';
import { heldBack, OnceAMinute } from '../../transport/once-a-minute.js';
import { bindSentence, lastPart, readBody } from './request.js';

/** A post, read. */
export interface TwinPost {
  readonly address: string;
  /** What `TWIN_ALLOWED_SOURCES` calls the address; null when it gives no name. */
  readonly name: string | null;
  /** Its first bytes alone, when it is `oversized`. */
  readonly body: Uint8Array;
  readonly oversized: boolean;
  /** How long it is, as far as that is known. */
  readonly length: number;
}

/** What a post is answered: `retCode` 0 only when it is durable. */
export interface TwinAnswer {
  readonly status: number;
  readonly retCode: number;
  /** For whoever tries it by hand: never a value of the post. */
  readonly detail: string | null;
}

/** Why a connection was closed unread, or a request answered unread or not at all. */
export const TWIN_REFUSALS = [
  ...(['source', 'connections', 'malformed'] as const),
  ...(['path', 'method', 'stopping', 'incomplete'] as const),
] as const;
export type TwinRefusal = (typeof TWIN_REFUSALS)[number];

/** Counts since the listener was made. requests = taken + refused.{path,method,stopping,incomplete} + being read. */
export interface TwinStats {
  readonly url: string;
  readonly requests: number;
  /** Posts handed on to be stored, and how many of them were answered `retCode` 0. */
  readonly taken: number;
  readonly acknowledged: number;
  /** Posts that a fault of ours left without an answer. */
  readonly failed: number;
  /** Posts whose answer is still to come. */
  readonly inFlight: number;
  readonly refused: Readonly<Record<TwinRefusal, number>>;
}

export interface TwinListenerOptions {
  readonly host: string;
  readonly port: number;
  /** Last part of the path. */
  readonly path: string;
  readonly allowed: AllowList;
  readonly bodyBytesMax: number;
  readonly clock: Clock;
  readonly take: (post: TwinPost) => Promise<TwinAnswer>;
  readonly warn: (sentence: string) => void;
}

/** A switch keeps a handful of connections; each costs some 20 kB. */
const CONNECTIONS_MAX = 256;
/** A post is one packet or two: whoever takes longer is holding the connection. Looked at every second. */
const TIMES_MS = { headersTimeout: 5_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 };
/** Longer than the pause between two calls of a quiet switch would cost nothing but a connection held. */
const KEEP_ALIVE_MS = 75_000;
const HEADER_BYTES_MAX = 8_192;
/** What is on its way to a switch when we stop is given this long to get there. */
const LINGER_MS = 1_000;

export class TwinListener {
  private readonly server: Server;
  private readonly lines = new OnceAMinute();
  private readonly refused: Record<TwinRefusal, number> = {
    ...{ source: 0, connections: 0, malformed: 0, path: 0, method: 0, stopping: 0, incomplete: 0 },
  };
  /** Connections whose request is being read: what befalls them is told there. */
  private readonly reading = new WeakSet<Duplex>();
  private requests = 0;
  private taken = 0;
  private acknowledged = 0;
  private failed = 0;
  private inFlight = 0;
  private closed: Promise<void> | null = null;
  private idle: (() => void)[] = [];

  constructor(private readonly options: TwinListenerOptions) {
    this.server = createServer({ ...TIMES_MS, keepAliveTimeout: KEEP_ALIVE_MS, maxHeaderSize: HEADER_BYTES_MAX });
    this.server.maxConnections = CONNECTIONS_MAX;
    this.server.on('connection', (socket: Socket) => this.admit(socket));
    this.server.on('drop', () => (this.refused.connections += 1));
    this.server.on('clientError', (_error, socket) => this.turnAway(socket));
    this.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void this.answer(request, response);
    });
  }

  /**
   * Opens the port.
   * @throws Error with a sentence for the operator when it cannot be opened
   */
  listen(): Promise<void> {
    const { host, port } = this.options;
    return new Promise((resolve, reject) => {
      this.server.once('error', (error) => reject(new Error(bindSentence(error, host, port), { cause: error })));
      this.server.listen(port, host, () => {
        this.server.removeAllListeners('error');
        resolve();
      });
    });
  }

  stats(): TwinStats {
    const { requests, taken, acknowledged, failed, inFlight } = this;
    return { url: this.url(), requests, taken, acknowledged, failed, inFlight, refused: { ...this.refused } };
  }

  /** Takes no further connection and no further post; what was taken is still answered. */
  pause(): void {
    this.closed ??= new Promise((resolve) => {
      this.server.close(() => resolve());
    });
  }

  /** Resolves when every post taken has been answered. */
  drain(): Promise<void> {
    return this.inFlight === 0 ? Promise.resolve() : new Promise((resolve) => this.idle.push(resolve));
  }

  /** Frees the port; answers still on their way have a second. */
  async close(): Promise<void> {
    this.pause();
    const timer = setTimeout(() => this.server.closeAllConnections(), LINGER_MS);
    await this.closed;
    clearTimeout(timer);
  }

  private url(): string {
    const bound = this.server.address() as AddressInfo | null;
    const { host, path, port } = this.options;
    const shown = host.includes(':') ? `[${host}]` : host;
    return `http://${shown}:${String(bound?.port ?? port)}/${path}`;
  }

  private admit(socket: Socket): void {
    const address = unmapAddress(socket.remoteAddress ?? '');
    if (this.options.allowed.match(address).allowed) return;
    this.refused.source += 1;
    socket.destroy();
    const held = this.lines.due(address, this.options.clock.now());
    if (held === null) return;
    this.options.warn(
      `Refused a connection from ${address}${heldBack(held)}: TWIN_ALLOWED_SOURCES does not hold this address. ` +
        `If it is your switch, add it there.`,
    );
  }

  private turnAway(socket: Duplex): void {
    if (!this.reading.has(socket)) this.refused.malformed += 1;
    socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n', () => socket.destroy());
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    const refusal = this.refusalOf(request);
    if (refusal !== null) {
      this.refuse(request, response, refusal);
      return;
    }
    this.reading.add(request.socket);
    const read = await readBody(request, this.options.bodyBytesMax);
    this.reading.delete(request.socket);
    if (read === null) {
      this.refused.incomplete += 1;
      return;
    }
    this.taken += 1;
    this.inFlight += 1;
    try {
      const address = unmapAddress(request.socket.remoteAddress ?? '');
      const { name } = this.options.allowed.match(address);
      const answer = await this.options.take({ address, name, ...read });
      if (answer.retCode === 0) this.acknowledged += 1;
      this.send(response, answer, read.oversized);
    } catch (error) {
      this.fail(error, response);
    }
    this.inFlight -= 1;
    if (this.inFlight === 0) for (const resolve of this.idle.splice(0)) resolve();
  }

  /** A fault of ours is never answered as if the post were stored. */
  private fail(error: unknown, response: ServerResponse): void {
    this.failed += 1;
    response.destroy();
    if (this.lines.due('fault', this.options.clock.now()) === null) return;
    this.options.warn(`A post was not answered, by a fault of ours: ${String(error)}`);
  }

  private refusalOf({ url, method }: IncomingMessage): 'path' | 'method' | 'stopping' | null {
    if (lastPart(url ?? '') !== this.options.path) return 'path';
    if (method !== 'POST') return 'method';
    return this.closed === null ? null : 'stopping';
  }

  private refuse(request: IncomingMessage, response: ServerResponse, refusal: 'path' | 'method' | 'stopping'): void {
    this.refused[refusal] += 1;
    const detail = {
      path: `the last part of the path must be ${this.options.path}`,
      method: 'a report is a POST',
      stopping: 'the receiver is stopping',
    }[refusal];
    const status = { path: 404, method: 405, stopping: 503 }[refusal];
    if (refusal === 'method') response.setHeader('allow', 'POST');
    request.resume();
    this.send(response, { status, retCode: refusal === 'stopping' ? 1 : 2, detail }, true);
  }

  private send(response: ServerResponse, { status, retCode, detail }: TwinAnswer, close: boolean): void {
    const body = JSON.stringify(detail === null ? { retCode } : { retCode, detail });
    if (close || this.closed !== null) response.setHeader('connection', 'close');
    response.writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  }
}
