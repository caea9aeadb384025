import type { ServerResponse } from 'node:http';
import { Args, Context, Query, Resolver } from '@nestjs/graphql';
import { Following } from '../following.js';
import { whenClosed } from '../gone.js';
import { ChangeConnection, ChangesArguments, changesConnection, changesRaw } from './changes.types.js';

/** What Nest puts into the context of a request over HTTP. */
interface RequestContext {
  readonly req: { readonly res: ServerResponse };
}

@Resolver()
export class ChangesResolver {
  constructor(private readonly following: Following) {}

  @Query(() => ChangeConnection, {
    description: 'Every revision of every call, in the order of their commits: what billing follows.',
  })
  async changes(
    @Args({ type: () => ChangesArguments }) given: ChangesArguments,
    @Context() { req }: RequestContext,
  ): Promise<ChangeConnection> {
    const page = await this.following.changes(changesRaw(given), whenClosed(req.res));
    return changesConnection(page, given.after);
  }
}
