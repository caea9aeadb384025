/** A real Nest microservice on the UDP transport, and a bare socket to ask it with. */
import 'reflect-metadata';
import { Controller, Inject, type LoggerService, Module, UseFilters } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { parseAllowList } from '../../src/transport/allow-list.js';
import type { UdpContext } from '../../src/transport/udp.context.js';
import { UdpErrorFilter } from '../../src/transport/udp.filter.js';
import { UDP_TRANSPORT, UdpServer, type UdpServerOptions } from '../../src/transport/udp.server.js';

export type Answer = (data: unknown, context: UdpContext) => unknown;

const ANSWER = Symbol('ANSWER');

@Controller()
@UseFilters(UdpErrorFilter)
class EchoController {
  constructor(@Inject(ANSWER) private readonly answer: Answer) {}

  @MessagePattern('report', UDP_TRANSPORT)
  report(@Payload() data: unknown, @Ctx() context: UdpContext): unknown {
    return this.answer(data, context);
  }

  @MessagePattern('unparsed', UDP_TRANSPORT)
  unparsed(): undefined {
    return undefined;
  }
}

@Module({})
class EchoModule {}

/** Keeps what was logged, so that a test can read it. */
class KeptLog implements LoggerService {
  readonly lines: string[] = [];
  log(): void {
    // Nest's own start-up lines are of no interest here.
  }
  warn(message: string): void {
    this.lines.push(message);
  }
  error(message: string): void {
    this.lines.push(message);
  }
}

export interface Running {
  readonly server: UdpServer;
  readonly port: number;
  readonly log: readonly string[];
  readonly close: () => Promise<void>;
}

/** Datagrams starting with `?` are unparsed; the answer's text goes back as it is. */
export function makeServer(options: Partial<UdpServerOptions> = {}): UdpServer {
  return new UdpServer({
    bind: [{ host: '127.0.0.1', port: 0 }],
    allowed: parseAllowList(undefined).list,
    clock: { now: () => performance.now() },
    deserializer: {
      deserialize: (bytes) => {
        const text = Buffer.from(bytes).toString();
        return { pattern: text.startsWith('?') ? 'unparsed' : 'report', data: text };
      },
    },
    serializer: { serialize: (answer) => Buffer.from(String(answer)) },
    ...options,
  });
}

export async function run(server: UdpServer, answer: Answer = (data) => data): Promise<Running> {
  const log = new KeptLog();
  const module = {
    module: EchoModule,
    controllers: [EchoController],
    providers: [{ provide: ANSWER, useValue: answer }],
  };
  const app = await NestFactory.createMicroservice(module, { strategy: server, logger: log });
  await app.listen();
  return { server, port: server.stats().sockets[0]?.port ?? 0, log: log.lines, close: () => app.close() };
}

export interface Reply {
  readonly text: string;
  readonly from: RemoteInfo;
}

/** A bare sender with its own port; `replies` grows as they come. */
export class Asker {
  readonly replies: Reply[] = [];
  private constructor(private readonly socket: Socket) {
    socket.on('message', (bytes, from) => this.replies.push({ text: bytes.toString(), from }));
  }

  static open(host = '127.0.0.1'): Promise<Asker> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    return new Promise((resolve) => {
      socket.bind(0, host, () => {
        resolve(new Asker(socket));
      });
    });
  }

  get port(): number {
    return this.socket.address().port;
  }

  tell(bytes: Uint8Array | string, port: number, host = '127.0.0.1'): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.send(bytes, port, host, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  /** Sends and waits for the next reply. */
  async ask(bytes: Uint8Array | string, port: number, host = '127.0.0.1'): Promise<Reply> {
    const before = this.replies.length;
    await this.tell(bytes, port, host);
    await until(() => this.replies.length > before);
    const reply = this.replies[before];
    if (reply === undefined) throw new Error('no reply');
    return reply;
  }

  close(): void {
    this.socket.close();
  }
}

/** Waits until something holds; fails after 3 s. */
export async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 3000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error('It did not come to hold within 3 s.');
    await pause(2);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
