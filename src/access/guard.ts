import {
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { catchError, from, type Observable, switchMap, throwError } from 'rxjs';
import type { Access } from './access.js';
import { Audit } from './audit.js';
import { CHANGE, CLEAR, type Need, NEED, requestOf } from './decorators.js';
import { accessOf } from './request.js';

/** Lets nobody call a handler who may not, and writes the audit trail; one guard for REST and GraphQL. */
@Injectable()
export class AccessGuard implements CanActivate {
  private readonly reflector = new Reflector();

  constructor(private readonly audit: Audit) {}

  /** @throws Unauthenticated, Forbidden, AccessUnavailable */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = accessOf(requestOf(context) ?? {});
    const need = (this.marked(context, NEED) as Need | undefined) ?? 'admin';
    const { action, subject } = askedOf(context);
    // A stranger is nobody the trail could name, and could fill it.
    const isNoted = this.marked(context, CHANGE) === true && access.holder.kind !== 'stranger';
    if (isNoted) await this.audit.change(access.holder, action, subject);
    try {
      demanded(access, need);
    } catch (error) {
      if (isNoted) await this.audit.refused(access.holder, action, subject, nameOf(error)).catch(() => undefined);
      throw error;
    }
    const clear = this.marked(context, CLEAR) === true && access.can('numbers:clear');
    // While no key is made nobody can be told from anybody.
    if (clear && access.holder.kind === 'key') this.audit.clearRead(access.holder, action, subject);
    return true;
  }

  private marked(context: ExecutionContext, mark: string): unknown {
    return this.reflector.getAllAndOverride<unknown>(mark, [context.getHandler(), context.getClass()]);
  }
}

/** Writes into the audit trail that a change which was asked for was not made. */
@Injectable()
export class RefusalRecorder implements NestInterceptor {
  private readonly reflector = new Reflector();

  constructor(private readonly audit: Audit) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (this.reflector.get<boolean | undefined>(CHANGE, context.getHandler()) !== true) return next.handle();
    return next.handle().pipe(
      catchError((error: unknown) => {
        const { holder } = accessOf(requestOf(context) ?? {});
        const { action, subject } = askedOf(context);
        // Its name alone: a message may repeat what was given. A trail that cannot be written hides no error.
        const written = this.audit.refused(holder, action, subject, nameOf(error)).catch(() => undefined);
        return from(written).pipe(switchMap(() => throwError(() => error)));
      }),
    );
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown';
}

function demanded(access: Access, need: Need): void {
  if (need === 'known') access.demandKnown();
  else if (need !== 'anybody') access.demand(need);
}

interface Route {
  readonly method?: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly route?: { readonly path?: string };
}

/** What is called, and upon what; never with a value that is searched for. */
function askedOf(context: ExecutionContext): { readonly action: string; readonly subject: string | null } {
  if (context.getType() === 'http') {
    const { method = '', params = {}, route } = context.switchToHttp().getRequest<Route>();
    return { action: `${method} ${route?.path ?? ''}`, subject: params['id'] ?? params['key'] ?? null };
  }
  const given = context.getArgByIndex<Readonly<Record<string, unknown>> | undefined>(1) ?? {};
  const info = context.getArgByIndex<{ readonly fieldName?: string } | undefined>(3);
  const subject = given['key'] ?? given['prefix'] ?? given['id'];
  return {
    action: info?.fieldName ?? context.getHandler().name,
    subject: typeof subject === 'string' ? subject : null,
  };
}
