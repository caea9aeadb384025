/** What a handler needs, and what it is told: for routes, queries and mutations alike. */
import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { Access } from './access.js';
import { accessOf } from './request.js';
import type { Scope } from './scopes.js';

/** `anybody`: strangers too. `known`: any good key, or this machine while no key is made. */
export type Need = Scope | 'anybody' | 'known';

export const NEED = 'ringledger:need';
export const CLEAR = 'ringledger:clear';
export const CHANGE = 'ringledger:change';

/** Who may call a handler; one that does not say is for `admin` alone. */
export const Needs = (need: Need): MethodDecorator & ClassDecorator => SetMetadata(NEED, need);

/** A handler whose answer holds numbers: read in clear, it stands in the audit trail. */
export const ShowsNumbers = (): MethodDecorator => SetMetadata(CLEAR, true);

/** A handler that changes something: it stands in the audit trail before it is called. */
export const Changes = (): MethodDecorator => SetMetadata(CHANGE, true);

/** The request of a call over HTTP, REST or GraphQL; null for what comes by another way. */
export function requestOf(context: ExecutionContext): object | null {
  if (context.getType() === 'http') return context.switchToHttp().getRequest<object>();
  if (context.getType<string>() !== 'graphql') return null;
  // parent, arguments, context, info; the context holds the request.
  const made = context.getArgByIndex<{ readonly req?: object } | undefined>(2);
  return made?.req ?? null;
}

/** The {@link Access} of the request, as an argument. */
export const By = createParamDecorator((_data: unknown, context: ExecutionContext): Access => {
  return accessOf(requestOf(context) ?? {});
});
