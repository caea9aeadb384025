import { Catch, type RpcExceptionFilter } from '@nestjs/common';
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
