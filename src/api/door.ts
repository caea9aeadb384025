/**
 * What every request passes before anything else looks at it: headers that protect browsers, other origins, and who asks.
 * Installed on the application before it listens, so that also what Nest does not route (GraphQL's own answers, the
 * documentation page) is behind it.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import type { Express, NextFunction, Request, Response } from 'express';
import { Access } from '../access/access.js';
import { TooMany } from '../access/denied.js';
import type { Gate } from '../access/gate.js';
import { AccessUnavailable } from '../access/ports.js';
import { giveAccess } from '../access/request.js';
import { formatError } from './graphql/errors.js';
import { BEARER, problemOf } from './rest/problem.js';

export interface DoorOptions {
  readonly gate: Pick<Gate, 'admit'>;
  /** Proxies whose word about addresses counts: their addresses, or how many there are. Null: none. */
  readonly trustProxy: readonly string[] | number | null;
  /** Web origins whose pages may ask. */
  readonly corsOrigins: readonly string[];
}

const GRAPHQL_PATH = '/graphql';
/** Headers by which a proxy says for whom it asks. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const;
/** Waits for nothing: a supervisor whose probe is late would end a process that acks. */
const LIVENESS = '/health/live';
/** Open to all, whatever else is wrong: a key that expired, a limit, a database that is away. */
const OPEN_PATHS = /^\/health\//;
/** Answered also when nobody can be known. */
const METRICS = '/metrics';

const HEADERS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  // Pages of ours bring their scripts and styles along; Swagger's sets styles on elements and draws with data URLs.
  'Content-Security-Policy':
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  // Numbers and keys stay in no cache on the way.
  'Cache-Control': 'no-store',
};

/** Puts the door before everything `app` answers. Call it before `listen`. */
export function openDoor(app: INestApplication, { gate, trustProxy, corsOrigins }: DoorOptions): void {
  const express = app.getHttpAdapter().getInstance() as Express;
  express.disable('x-powered-by');
  express.set(
    'trust proxy',
    trustProxy === null ? false : typeof trustProxy === 'number' ? trustProxy : [...trustProxy],
  );
  app.use((_request: Request, response: Response, next: NextFunction) => {
    response.set(HEADERS);
    next();
  });
  // A page of another origin may read what is allowed it, headers of limits and cursors included; cookies there are none.
  if (corsOrigins.length > 0) {
    const exposedHeaders = ['Retry-After', 'Ringledger-Access', 'Link', 'Content-Disposition'];
    app.enableCors({ origin: [...corsOrigins], exposedHeaders, maxAge: 600 });
    app.use((_request: Request, response: Response, next: NextFunction) => {
      response.set('Cross-Origin-Resource-Policy', 'cross-origin');
      next();
    });
  }
  app.use((request: Request, response: Response, next: NextFunction) => {
    admitted(gate, request)
      .then((access) => {
        giveAccess(request, access);
        if (access.holder.kind === 'open') response.set('Ringledger-Access', 'open: no key has been made');
        next();
      })
      .catch((error: unknown) => {
        if (request.path === GRAPHQL_PATH) answerGraphql(error, response);
        else next(error);
      });
  });
}

/** A client of GraphQL reads errors in GraphQL's own form, whatever the status. */
function answerGraphql(error: unknown, response: Response): void {
  const { status } = problemOf(error, '');
  if (status === 401) response.set('WWW-Authenticate', BEARER);
  if (error instanceof TooMany) response.set('Retry-After', String(error.retryAfterS));
  response.status(status).json({ data: null, errors: [formatError({ message: '' }, error)] });
}

async function admitted(gate: Pick<Gate, 'admit'>, request: Request): Promise<Access> {
  const address = addressOf(request);
  const local = isLocal(request, address);
  if (request.path === LIVENESS) return Access.stranger(address, local);
  try {
    return await gate.admit({ secret: secretOf(request), address, local });
  } catch (error) {
    const open = OPEN_PATHS.test(request.path) || (request.path === METRICS && error instanceof AccessUnavailable);
    if (open) return Access.stranger(address, local);
    throw error;
  }
}

/** The client's address: behind proxies that are trusted, the one they give, when it is one. */
function addressOf(request: Request): string {
  const address = unmapped(request.ip ?? '');
  return isIP(address) === 0 ? unmapped(request.socket.remoteAddress ?? '') : address;
}

/** An IPv4 address as a socket for both families shows it. */
function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}

/**
 * Whether a request was made on this machine, by one of its own programs: over loopback, for nobody else, and under a name of
 * this machine, which a page from elsewhere whose name was made to mean 127.0.0.1 does not have; nor by a page from elsewhere
 * that asks in a browser here.
 */
function isLocal(request: Request, address: string): boolean {
  if (!isLoopbackAddress(unmapped(request.socket.remoteAddress ?? '')) || !isLoopbackAddress(address)) return false;
  if (FORWARDED.some((name) => request.headers[name] !== undefined)) return false;
  return request.headers['sec-fetch-site'] !== 'cross-site' && isLocalName(request.headers.host);
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

function isLocalName(host: string | undefined): boolean {
  const name = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(host ?? '')?.[1] ?? '';
  return name === 'localhost' || isLoopbackAddress(name.replace(/^\[|\]$/g, ''));
}

/** `Authorization: Bearer <key>`, or `X-Api-Key: <key>`. */
function secretOf({ headers }: Pick<IncomingMessage, 'headers'>): string | null {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  const own = headers['x-api-key'];
  return typeof own === 'string' && own !== '' ? own : null;
}
