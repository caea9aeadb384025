import { Args, Context, ID, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import type { Access } from '../../access/access.js';
import { By, Needs, ShowsNumbers } from '../../access/decorators.js';
import type { CallRow, GapRow, NotificationRow, QuarantinedRow, SettingsRow, SourceRow } from '../../query/contract.js';
import { Reading } from '../reading.js';
import {
  ActiveArguments,
  CallsArguments,
  type FilteredArguments,
  GapsArguments,
  PageArguments,
  QuarantineArguments,
  rawOf,
} from './arguments.js';
import {
  ActiveCallConnection,
  CallConnection,
  type Connection,
  connectionOf,
  GapConnection,
  QuarantinedConnection,
  SourceConnection,
} from './connections.js';
import { RequestLoaders } from './loaders.js';
import { CallType, GapType, NotificationType, SettingsType, SourceType } from './types.js';

@Resolver(() => CallType)
export class CallResolver {
  private readonly loaders: RequestLoaders;

  constructor(private readonly reading: Reading) {
    this.loaders = new RequestLoaders(reading);
  }

  @Needs('calls:read')
  @ShowsNumbers()
  @Query(() => CallConnection, { description: 'What happened: the history of calls.' })
  async calls(
    @Args({ type: () => CallsArguments }) given: CallsArguments,
    @By() access: Access,
  ): Promise<CallConnection> {
    const page = await this.reading.calls(rawOf(given), access);
    return { ...connectionOf(page, given.after), total: page.total };
  }

  @Needs('calls:read')
  @ShowsNumbers()
  @Query(() => ActiveCallConnection, { description: 'What is happening: calls neither ended nor presumed ended.' })
  async activeCalls(
    @Args({ type: () => ActiveArguments }) given: ActiveArguments,
    @By() access: Access,
  ): Promise<ActiveCallConnection> {
    const active = await this.reading.activeCalls(rawOf(given), access);
    return { ...connectionOf(active, given.after), count: active.count };
  }

  @Needs('calls:read')
  @ShowsNumbers()
  @Query(() => CallType, { nullable: true, description: 'One call; null when there is no such call.' })
  call(@Args('id', { type: () => ID }) id: string, @By() access: Access): Promise<CallRow | null> {
    return this.reading.call(id, access);
  }

  @ResolveField(() => [NotificationType], { description: 'In order of receipt.' })
  notifications(@Parent() call: CallRow, @Context() context: object): Promise<readonly NotificationRow[]> {
    return this.loaders.of(context).notifications.load(call.id);
  }

  @ResolveField(() => [GapType], { description: 'Whatever became of them.' })
  gaps(@Parent() call: CallRow, @Context() context: object): Promise<readonly GapRow[]> {
    return this.loaders.of(context).gaps.load(call.id);
  }
}

@Resolver()
export class LedgerResolver {
  constructor(private readonly reading: Reading) {}

  @Needs('gaps:read')
  @Query(() => GapConnection, { description: 'What we may have missed: the gap ledger.' })
  async deliveryGaps(
    @Args({ type: () => GapsArguments }) given: FilteredArguments,
    @By() access: Access,
  ): Promise<Connection<GapRow>> {
    return connectionOf(await this.reading.gaps(rawOf(given), access), given.after);
  }

  @Needs('quarantine:read')
  @ShowsNumbers()
  @Query(() => QuarantinedConnection, { description: 'Datagrams that could not be stored as notifications.' })
  async quarantine(
    @Args({ type: () => QuarantineArguments }) given: FilteredArguments,
    @By() access: Access,
  ): Promise<Connection<QuarantinedRow>> {
    return connectionOf(await this.reading.quarantine(rawOf(given), access), given.after);
  }

  @Needs('known')
  @Query(() => SourceConnection, { description: 'The IVRs that report here.' })
  async sources(
    @Args({ type: () => PageArguments }) given: PageArguments,
    @By() access: Access,
  ): Promise<Connection<SourceRow>> {
    return connectionOf(await this.reading.sources(rawOf(given), access), given.after);
  }

  @Needs('known')
  @Query(() => SourceType, { nullable: true, description: 'One IVR; null when there is no such source.' })
  source(@Args('key', { type: () => ID }) key: string, @By() access: Access): Promise<SourceRow | null> {
    return this.reading.source(key, access);
  }

  @Needs('known')
  @Query(() => SettingsType, { description: 'The settings in force.' })
  settings(): Promise<SettingsRow> {
    return this.reading.settings();
  }
}
