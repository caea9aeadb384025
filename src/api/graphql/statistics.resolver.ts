import { Args, ArgsType, Field, ObjectType, Query, Resolver } from '@nestjs/graphql';
import type { Access } from '../../access/access.js';
import { By, Needs } from '../../access/decorators.js';
import type { FeedRow } from '../../query/contract.js';
import { BUCKET, GROUPING, STATISTICS, STATISTICS_QUERY, type StatisticsRow } from '../../query/statistics/contract.js';
import { Reading } from '../reading.js';
import { Instant } from './scalars.js';
import { CallFilterType, enumOf, FeedType, objectOf } from './types.js';

const { bucket, groupBy, tz } = STATISTICS_QUERY;
// Made now, since enums are registered only until the schema is built.
const bucketEnum = enumOf(BUCKET);
const groupingEnum = enumOf(GROUPING);
const StatisticsRowType = objectOf<StatisticsRow>('StatisticsRow', 'The calls of one bucket and group.', STATISTICS);

@ObjectType({ description: 'Counts of calls by bucket and group.' })
class Statistics {
  @Field(() => [StatisticsRowType], { description: 'In order of buckets, then of groups.' })
  data!: readonly StatisticsRow[];

  @Field(() => Instant, { description: 'Everything acknowledged before is in the answer.' })
  asOf!: Date;

  @Field(() => [FeedType], { description: 'How far each source can be trusted.' })
  feed!: readonly FeedRow[];
}

@ArgsType()
class StatisticsArguments {
  @Field(() => CallFilterType, { nullable: true, description: 'from and to are the 24 hours up to now unless given.' })
  filter?: object | null;

  @Field(() => bucketEnum, { defaultValue: 'hour', description: bucket.description })
  bucket!: string;

  @Field(() => groupingEnum, { defaultValue: 'none', description: groupBy.description })
  groupBy!: string;

  @Field(() => String, { defaultValue: 'UTC', description: tz.description })
  tz!: string;
}

@Resolver()
export class StatisticsResolver {
  constructor(private readonly reading: Reading) {}

  @Needs('stats:read')
  @Query(() => Statistics, { description: 'How many calls, how they turned out, how long, how many at once.' })
  statistics(
    @Args({ type: () => StatisticsArguments }) given: StatisticsArguments,
    @By() access: Access,
  ): Promise<Statistics> {
    const { filter, ...rest } = given;
    return this.reading.statistics({ ...filter, ...rest }, access);
  }
}
