import type { ServerResponse } from 'node:http';
import { Args, Context, Query, Resolver } from '@nestjs/graphql';
import type { Access } from '../../access/access.js';
import { By, Needs, ShowsNumbers } from '../../access/decorators.js';
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

  @Needs('changes:read')
  @ShowsNumbers()
  @Query(() => ChangeConnection, {
    description: 'Every revision of every call, in the order of their commits: what billing follows.',
  })
  async changes(
    @Args({ type: () => ChangesArguments }) given: ChangesArguments,
    @By() access: Access,
    @Context() { req }: RequestContext,
  ): Promise<ChangeConnection> {
    const page = await this.following.changes(changesRaw(given), access, whenClosed(req.res));
    return changesConnection(page, given.after);
  }
}
