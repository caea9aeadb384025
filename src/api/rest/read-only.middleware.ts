import { Injectable, MethodNotAllowedException, type NestMiddleware } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';

const READS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/** Everything under its paths is read: another method is a 405, where Nest alone would say 404. */
@Injectable()
export class ReadOnlyMiddleware implements NestMiddleware {
  use(request: Request, _response: Response, next: NextFunction): void {
    if (READS.includes(request.method)) next();
    else next(new MethodNotAllowedException(`${request.method} is not supported here; use GET.`));
  }
}
