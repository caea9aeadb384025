/** Every failure of HTTP as a problem document (RFC 9457); GraphQL and UDP have forms of their own. */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { throwError } from 'rxjs';
import { Forbidden, TooMany, Unauthenticated } from '../../access/denied.js';
import { AccessUnavailable } from '../../access/ports.js';
import { BadParameters, CursorGone, type Fault, ReadUnavailable, TooManyWaiting } from '../../query/faults.js';

export interface Problem {
  /** `about:blank`: the status says it all. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Unique to this failure: what to look for in the log. */
  readonly instance: string;
  /** Every fault of the request, when its parameters are at fault. */
  readonly errors?: readonly Fault[];
}

/** How to show a key. */
export const BEARER = 'Bearer realm="ringledger"';

/** What a thrown value means to the client; nothing of an unexpected error is told but its id. */
export function problemOf(error: unknown, id: string): Problem {
  const problem = (status: number, detail: string): Problem => ({
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    instance: `urn:uuid:${id}`,
  });
  if (error instanceof BadParameters) {
    const names = [...new Set(error.faults.map(({ parameter }) => parameter))];
    return { ...problem(400, `Cannot be read as asked: ${names.join(', ')}.`), errors: error.faults };
  }
  if (error instanceof Unauthenticated) return problem(401, error.message);
  if (error instanceof Forbidden) return problem(403, error.message);
  if (error instanceof TooMany) return problem(429, error.message);
  if (error instanceof ReadUnavailable || error instanceof AccessUnavailable) {
    return problem(503, 'The database did not answer, so nothing is known; this does not mean there is nothing.');
  }
  if (error instanceof CursorGone) return problem(410, error.message);
  if (error instanceof TooManyWaiting) return problem(503, error.message);
  if (error instanceof HttpException) return problem(error.getStatus(), error.message);
  const status = clientFault(error);
  return status === null
    ? problem(500, 'An error that should not happen; the log has it under this instance.')
    : problem(status, 'The request cannot be read.');
}

/** Express tells malformed requests by a status on the error: a path that does not decode, a body too large. */
function clientFault(error: unknown): number | null {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return null;
  return error.status >= 400 && error.status < 500 ? error.status : null;
}

@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('http');

  catch(error: unknown, host: ArgumentsHost): unknown {
    if (host.getType<string>() === 'rpc') return throwError(() => error);
    if (host.getType() !== 'http') throw error;
    const response = host.switchToHttp().getResponse<Response>();
    const request = host.switchToHttp().getRequest<Request>();
    const id = randomUUID();
    const problem = problemOf(error, id);
    if (problem.status >= 500) {
      const away = error instanceof ReadUnavailable || error instanceof AccessUnavailable;
      const cause = away ? error.cause : error;
      const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
      this.logger.error(`${request.method} ${request.path} failed (${id}): ${text}`);
    }
    if (response.headersSent) return response.end();
    if (problem.status === 405) response.setHeader('Allow', 'GET, HEAD');
    if (problem.status === 401) response.setHeader('WWW-Authenticate', BEARER);
    if (error instanceof TooMany) response.setHeader('Retry-After', String(error.retryAfterS));
    if (problem.status === 503) response.setHeader('Retry-After', '5');
    return response.status(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  }
}
