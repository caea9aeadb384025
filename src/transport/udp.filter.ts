import { Catch, type RpcExceptionFilter } from '@nestjs/common';
import { isNativeError } from 'node:util/types';
import { type Observable, throwError } from 'rxjs';

/**
 * Hands an error of a UDP handler to the transport as it is (`@UseFilters(UdpErrorFilter)`). Nest's default filter
 * would write one log line per datagram and hide the reason; the transport counts each and logs it once a minute.
 */
@Catch()
export class UdpErrorFilter implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

/** Nest's default exception filter rejects with `{ status, message }` instead of an Error. */
export function asError(reason: unknown): Error {
  if (isNativeError(reason)) return reason;
  const told = typeof reason === 'object' && reason !== null && 'message' in reason ? reason.message : reason;
  return new Error(typeof told === 'string' ? told : 'a handler failed and gave no reason');
}
