import { inspect } from 'node:util';
import type { LoggerService } from '@nestjs/common';
import { type DestinationStream, pino, type Logger } from 'pino';
import type { Config } from './config.js';
import { masked } from './log.mask.js';

/** Causes told of an error: a driver's error wraps the connection's, and that the system's. */
const CAUSES_MAX = 4;

/** What Nest says while it starts: dozens of lines that an operator has no use for. */
const NEST_START = new Set([
  ...['NestFactory', 'InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestMicroservice', 'NestApplication'],
  'GraphQLModule',
]);

/** One line each, unless there is a stack. */
const PRETTY = {
  target: 'pino-pretty',
  options: {
    ignore: 'pid,hostname,context',
    messageFormat: '{if context}{context}: {end}{msg}',
    translateTime: 'SYS:HH:MM:ss.l',
  },
};

type Level = 'info' | 'error' | 'warn' | 'debug' | 'trace' | 'fatal';

/**
 * Nest's logger over pino: JSON lines for machines, or lines for people. Whatever is logged passes through {@link masked},
 * stacks and causes of errors too.
 */
export class Log implements LoggerService {
  private readonly pino: Logger;

  /** @param destination where lines go instead of standard output; always JSON */
  constructor({ logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>, destination?: DestinationStream) {
    const options = { level: logLevel, timestamp: pino.stdTimeFunctions.isoTime };
    if (destination !== undefined) this.pino = pino(options, destination);
    else this.pino = pino(logFormat === 'pretty' ? { ...options, transport: PRETTY } : options);
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.write(NEST_START.has(String(rest.at(-1))) ? 'debug' : 'info', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  /** Nest passes the context last and, with errors, the stack before it. */
  private write(level: Level, message: unknown, rest: unknown[]): void {
    if (!this.pino.isLevelEnabled(level)) return;
    const texts = rest.filter((one): one is string => typeof one === 'string');
    const context = texts.at(-1);
    const stack = texts.length > 1 ? texts[0] : message instanceof Error ? stackOf(message) : undefined;
    const fields = {
      ...(context === undefined ? {} : { context: masked(context) }),
      ...(stack === undefined ? {} : { stack: masked(stack) }),
    };
    this.pino[level](fields, masked(textOf(message)));
  }
}

function textOf(message: unknown): string {
  if (typeof message === 'string') return message;
  return message instanceof Error ? message.message : inspect(message, { breakLength: Infinity });
}

/** The stack, and what each cause says. */
function stackOf(error: Error): string {
  const causes: string[] = [];
  for (let { cause } = error; cause instanceof Error && causes.length < CAUSES_MAX; { cause } = cause) {
    causes.push(`\n  caused by ${cause.name}: ${cause.message}`);
  }
  return `${error.stack ?? error.message}${causes.join('')}`;
}
