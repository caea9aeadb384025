/** GraphQL types of the changes feed. */
import { ArgsType, Field, ID, Int, ObjectType } from '@nestjs/graphql';
import {
  BILLABLE_REASON,
  type BillableReason,
  CHANGE,
  CHANGES_QUERY,
  type ChangeRow,
  type Former,
} from '../../query/changes/contract.js';
import type { CallRow, FeedRow } from '../../query/contract.js';
import type { ChangesAnswer, Raw } from '../reading.js';
import { PageInfo } from './connections.js';
import { Instant } from './scalars.js';
import { CallType, enumOf, FeedType } from './types.js';

@ObjectType('FormerValue', { description: 'A field of a call that changed, and what it was.' })
export class FormerValueType {
  @Field(() => String)
  field!: string;

  @Field(() => String, { nullable: true, description: 'The value it had, as REST writes it; null: it had none.' })
  before!: string | null;
}

const REASONS = enumOf(BILLABLE_REASON);

@ObjectType('Change', { description: 'One revision of the record of one call.' })
export class ChangeType {
  @Field(() => ID, { description: CHANGE.id.description })
  id!: string;

  @Field(() => Int, { description: CHANGE.revision.description })
  revision!: number;

  @Field(() => Boolean, { description: CHANGE.superseded.description })
  superseded!: boolean;

  @Field(() => Boolean, { description: CHANGE.billable.description })
  billable!: boolean;

  @Field(() => [REASONS], { description: CHANGE.reasons.description })
  reasons!: readonly BillableReason[];

  @Field(() => [FormerValueType], { nullable: true, description: 'What changed; null for the first revision told.' })
  previous!: readonly FormerValueType[] | null;

  @Field(() => CallType, {
    description: 'The record as of this revision; its notifications and gaps are those of now.',
  })
  call!: CallRow;
}

@ObjectType('ChangeEdge')
export class ChangeEdgeType {
  @Field(() => String)
  cursor!: string;

  @Field(() => ChangeType)
  node!: ChangeType;
}

@ObjectType('ChangeConnection')
export class ChangeConnection {
  @Field(() => [ChangeEdgeType])
  edges!: readonly ChangeEdgeType[];

  @Field(() => PageInfo, { description: 'endCursor is there on an empty page too: the feed goes on after it.' })
  pageInfo!: PageInfo;

  @Field(() => Instant, { description: 'Everything acknowledged before is in the answer.' })
  asOf!: Date;

  @Field(() => [FeedType], { description: 'How far each source can be trusted.' })
  feed!: readonly FeedRow[];
}

@ArgsType()
export class ChangesArguments {
  @Field(() => Int, { defaultValue: CHANGES_QUERY.limit.preset, description: 'Changes on the page, 1 to 500.' })
  first!: number;

  @Field(() => String, { nullable: true, description: CHANGES_QUERY.after.description })
  after?: string | null;

  @Field(() => Int, { defaultValue: CHANGES_QUERY.wait.preset, description: CHANGES_QUERY.wait.description })
  wait!: number;

  @Field(() => Boolean, { nullable: true, description: CHANGES_QUERY.settled.description })
  settled?: boolean | null;

  @Field(() => [String], { nullable: true, description: CHANGES_QUERY.source.description })
  source?: readonly string[] | null;
}

/** The same parameters under REST's names. */
export function changesRaw({ first, ...rest }: ChangesArguments): Raw {
  return { ...rest, limit: first };
}

function formerValues(previous: Former | null): readonly FormerValueType[] | null {
  if (previous === null) return null;
  return Object.entries(previous).map(([field, before]) => ({
    field,
    before: before === null ? null : before instanceof Date ? before.toISOString() : String(before),
  }));
}

/** A page of the feed as a connection. */
export function changesConnection(page: ChangesAnswer, after: string | null | undefined): ChangeConnection {
  const nodeOf = (row: ChangeRow): ChangeType => ({ ...row, previous: formerValues(row.previous) });
  const edges = page.data.map((row) => ({ cursor: page.cursorOf(row), node: nodeOf(row) }));
  const pageInfo: PageInfo = {
    hasNextPage: page.more,
    hasPreviousPage: typeof after === 'string',
    startCursor: edges[0]?.cursor ?? null,
    endCursor: page.nextCursor,
  };
  return { edges, pageInfo, asOf: page.asOf, feed: page.feed };
}
