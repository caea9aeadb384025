import type { LoggerService } from '@nestjs/common';
import { pino, type Logger } from 'pino';
import type { Config } from './config.js';

/** Runs of digits this long may be somebody's number. Ports, counts and sizes in bytes are shorter. */
const NUMBER = /\+?\d{8,}/g;
/** Digits left of a masked number, enough for an operator to tell two apart. */
const SHOWN = 2;

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

/** Masks what may be a telephone number. Ids of our own are hexadecimal with dashes and stay mostly legible. */
export function masked(text: string): string {
  return text.replace(NUMBER, (digits) => `***${digits.slice(-SHOWN)}`);
}

/** Nest's logger over pino: JSON lines for machines, or lines for people. Numbers are masked in both. */
export class Log implements LoggerService {
  private readonly pino: Logger;

  constructor({ logLevel, logFormat }: Pick<Config, 'logLevel' | 'logFormat'>) {
    this.pino = pino({ level: logLevel, ...(logFormat === 'pretty' ? { transport: PRETTY } : {}) });
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
  private write(
    level: 'info' | 'error' | 'warn' | 'debug' | 'trace' | 'fatal',
    message: unknown,
    rest: unknown[],
  ): void {
    const texts = rest.filter((one): one is string => typeof one === 'string');
    const context = texts.at(-1);
    const stack = texts.length > 1 ? texts[0] : undefined;
    const fields = {
      ...(context === undefined ? {} : { context }),
      ...(stack === undefined ? {} : { stack: masked(stack) }),
    };
    this.pino[level](fields, masked(textOf(message)));
  }
}

function textOf(message: unknown): string {
  if (typeof message === 'string') return message;
  return message instanceof Error ? message.message : JSON.stringify(message);
}
