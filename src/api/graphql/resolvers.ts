import { Args, Context, ID, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import type { CallRow, GapRow, NotificationRow, QuarantinedRow, SettingsRow, SourceRow } from '../../query/contract.js';
import { Reading } from '../reading.js';
import {
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

  @Query(() => CallConnection, { description: 'What happened: the history of calls.' })
  async calls(@Args({ type: () => CallsArguments }) given: CallsArguments): Promise<Connection<CallRow>> {
    return connectionOf(await this.reading.calls(rawOf(given)), given.after);
  }

  @Query(() => ActiveCallConnection, { description: 'What is happening: calls neither ended nor presumed ended.' })
  async activeCalls(@Args({ type: () => CallsArguments }) given: CallsArguments): Promise<ActiveCallConnection> {
    const active = await this.reading.activeCalls(rawOf(given));
    return { ...connectionOf(active, given.after), count: active.count };
  }

  @Query(() => CallType, { nullable: true, description: 'One call; null when there is no such call.' })
  call(@Args('id', { type: () => ID }) id: string): Promise<CallRow | null> {
    return this.reading.call(id);
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

  @Query(() => GapConnection, { description: 'What we may have missed: the gap ledger.' })
  async deliveryGaps(@Args({ type: () => GapsArguments }) given: FilteredArguments): Promise<Connection<GapRow>> {
    return connectionOf(await this.reading.gaps(rawOf(given)), given.after);
  }

  @Query(() => QuarantinedConnection, { description: 'Datagrams that could not be stored as notifications.' })
  async quarantine(
    @Args({ type: () => QuarantineArguments }) given: FilteredArguments,
  ): Promise<Connection<QuarantinedRow>> {
    return connectionOf(await this.reading.quarantine(rawOf(given)), given.after);
  }

  @Query(() => SourceConnection, { description: 'The IVRs that report here.' })
  async sources(@Args({ type: () => PageArguments }) given: PageArguments): Promise<Connection<SourceRow>> {
    return connectionOf(await this.reading.sources(rawOf(given)), given.after);
  }

  @Query(() => SourceType, { nullable: true, description: 'One IVR; null when there is no such source.' })
  source(@Args('key', { type: () => ID }) key: string): Promise<SourceRow | null> {
    return this.reading.source(key);
  }

  @Query(() => SettingsType, { description: 'The settings in force.' })
  settings(): Promise<SettingsRow> {
    return this.reading.settings();
  }
}
