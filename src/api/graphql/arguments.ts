import type { Type } from '@nestjs/common';
import { ArgsType, Field, Int } from '@nestjs/graphql';
import { COUNTING, PAGING, TOTAL_BASIS } from '../../query/filters.js';
import type { Raw } from '../reading.js';
import { CallFilterType, CallSortType, enumOf, GapFilterType, QuarantineFilterType } from './types.js';

/** Relay's arguments forward; judged with everything else, so that a request hears of all its faults at once. */
@ArgsType()
export class PageArguments {
  @Field(() => Int, { defaultValue: PAGING.limit.preset, description: 'Rows on the page, 1 to 500.' })
  first!: number;

  @Field(() => String, { nullable: true, description: 'Where to go on: endCursor of the page before.' })
  after?: string | null;
}

export interface FilteredArguments extends PageArguments {
  readonly filter?: object | null;
}

function filteredBy(filterType: Type): Type<FilteredArguments> {
  @ArgsType()
  class Filtered extends PageArguments {
    @Field(() => filterType, { nullable: true })
    filter?: object | null;
  }
  return Filtered;
}

export const GapsArguments = filteredBy(GapFilterType);
export const QuarantineArguments = filteredBy(QuarantineFilterType);

@ArgsType()
export class ActiveArguments extends filteredBy(CallFilterType) {
  @Field(() => CallSortType, { defaultValue: '-firstSeenAt' })
  sort!: string;
}

export const TotalBasisType = enumOf(TOTAL_BASIS);

@ArgsType()
export class CallsArguments extends ActiveArguments {
  @Field(() => TotalBasisType, { nullable: true, description: COUNTING.count.description })
  count?: string | null;
}

/** The same parameters under REST's names. */
export function rawOf(given: FilteredArguments & { readonly sort?: string }): Raw {
  const { first, after, filter, ...rest } = given;
  return { ...filter, ...rest, limit: first, cursor: after };
}
