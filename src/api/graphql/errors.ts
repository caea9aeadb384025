/** What a client of GraphQL is told of a failure: a code to act on, and nothing of an unexpected error but its id. */
import { randomUUID } from 'node:crypto';
import { unwrapResolverError } from '@apollo/server/errors';
import { Logger } from '@nestjs/common';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { Forbidden, TooMany, Unauthenticated } from '../../access/denied.js';
import { AccessUnavailable } from '../../access/ports.js';
import { StoreUnavailable } from '../../ingest/ports.js';
import { BadParameters, CursorGone, type Fault, ReadUnavailable, TooManyWaiting } from '../../query/faults.js';

/** REST's names of Relay's arguments. */
const RELAY_NAMES: Readonly<Record<string, string>> = { limit: 'first', cursor: 'after' };

/** Codes of faults that lie in the request itself: what graphql and Apollo say about them is for the client. */
const REQUEST_CODES: ReadonlySet<unknown> = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
  'QUERY_TOO_DEEP',
  'QUERY_TOO_COSTLY',
]);

const logger = new Logger('graphql');

function relayNamed({ parameter, reason }: Fault): Fault {
  return { parameter: RELAY_NAMES[parameter] ?? parameter, reason };
}

/**
 * Gives an error its code: BAD_USER_INPUT (with `errors`), UNAUTHENTICATED, FORBIDDEN (with `scope`), RATE_LIMITED, CURSOR_GONE,
 * TOO_MANY_WAITING, DATABASE_UNAVAILABLE, INTERNAL_SERVER_ERROR (with `id`).
 */
export function formatError(formatted: GraphQLFormattedError, thrown: unknown): GraphQLFormattedError {
  const cause = unwrapResolverError(thrown);
  const where = {
    ...(formatted.path === undefined ? {} : { path: formatted.path }),
    ...(formatted.locations === undefined ? {} : { locations: formatted.locations }),
  };
  if (cause instanceof BadParameters) {
    const errors = cause.faults.map(relayNamed);
    const message = errors.map(({ parameter, reason }) => `${parameter} ${reason}`).join('; ');
    return { message, ...where, extensions: { code: 'BAD_USER_INPUT', errors } };
  }
  if (cause instanceof Unauthenticated) {
    return { message: cause.message, ...where, extensions: { code: 'UNAUTHENTICATED' } };
  }
  if (cause instanceof Forbidden) {
    return { message: cause.message, ...where, extensions: { code: 'FORBIDDEN', scope: cause.scope } };
  }
  if (cause instanceof TooMany) return { message: cause.message, ...where, extensions: { code: 'RATE_LIMITED' } };
  if (cause instanceof CursorGone) return { message: cause.message, ...where, extensions: { code: 'CURSOR_GONE' } };
  if (cause instanceof TooManyWaiting) {
    return { message: cause.message, ...where, extensions: { code: 'TOO_MANY_WAITING' } };
  }
  const code = formatted.extensions?.['code'];
  // What graphql itself finds wrong while it runs a query, such as null for an argument that may not be, has no code of its own.
  if (cause instanceof GraphQLError && cause.originalError === undefined && !REQUEST_CODES.has(code)) {
    return { message: formatted.message, ...where, extensions: { code: 'BAD_USER_INPUT' } };
  }
  if (REQUEST_CODES.has(code)) return { message: formatted.message, ...where, extensions: { code } };
  const id = randomUUID();
  const away = cause instanceof ReadUnavailable || cause instanceof AccessUnavailable;
  const told = away ? cause.cause : cause;
  logger.error(
    `${formatted.path?.join('.') ?? 'request'} failed (${id}): ${told instanceof Error ? (told.stack ?? told.message) : String(told)}`,
  );
  if (away) {
    const message = 'The database did not answer, so nothing is known; this does not mean there is nothing.';
    return { message, ...where, extensions: { code: 'DATABASE_UNAVAILABLE', id } };
  }
  const message = 'An error that should not happen; the log has it under this id.';
  return { message, ...where, extensions: { code: 'INTERNAL_SERVER_ERROR', id } };
}

/** To a client the database is away, whichever side of the program found out. */
export async function unlessAway<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof StoreUnavailable ? new ReadUnavailable(error) : error;
  }
}
