/** Relay connections, each with `asOf` and the state of the feed. */
import type { Type } from '@nestjs/common';
import { Field, Int, ObjectType } from '@nestjs/graphql';
import type { CallRow, FeedRow, GapRow, QuarantinedRow, SourceRow } from '../../query/contract.js';
import type { Total } from '../../query/calls.js';
import type { TotalBasis } from '../../query/filters.js';
import type { Page } from '../../query/page.js';
import type { Told } from '../reading.js';
import { TotalBasisType } from './arguments.js';
import { Instant } from './scalars.js';
import { CallType, FeedType, GapType, QuarantinedType, SourceType } from './types.js';

@ObjectType({ description: 'Where a page lies in its list.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'More follows.' })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: 'Something came before: true once `after` was given.' })
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true })
  startCursor!: string | null;

  @Field(() => String, { nullable: true, description: 'What to give as `after` for the next page.' })
  endCursor!: string | null;
}

export interface Edge<Row> {
  readonly cursor: string;
  readonly node: Row;
}

export interface Connection<Row> {
  readonly edges: readonly Edge<Row>[];
  readonly pageInfo: PageInfo;
  readonly asOf: Date;
  readonly feed: readonly FeedRow[];
}

/** @param name null: others extend it, and the schema does not have it */
function connectionType<Row>(name: string | null, edge: Type<Edge<Row>>): Type<Connection<Row>> {
  @ObjectType(`${name ?? ''}Connection`, { isAbstract: name === null })
  class ConnectionType implements Connection<Row> {
    @Field(() => [edge])
    edges!: readonly Edge<Row>[];

    @Field(() => PageInfo)
    pageInfo!: PageInfo;

    @Field(() => Instant, { description: 'Everything acknowledged before is in the answer.' })
    asOf!: Date;

    @Field(() => [FeedType], { description: 'How far each source can be trusted.' })
    feed!: readonly FeedRow[];
  }
  return ConnectionType;
}

/** A row with its cursor. */
export function edgeType<Row>(name: string, node: Type<Row>): Type<Edge<Row>> {
  @ObjectType(`${name}Edge`)
  class EdgeType implements Edge<Row> {
    @Field(() => String)
    cursor!: string;

    @Field(() => node)
    node!: Row;
  }
  return EdgeType;
}

const callEdge = edgeType<CallRow>('Call', CallType);
const AnyCallConnection = connectionType(null, callEdge);
export const GapConnection = connectionType('Gap', edgeType<GapRow>('Gap', GapType));
export const SourceConnection = connectionType('Source', edgeType<SourceRow>('Source', SourceType));
export const QuarantinedConnection = connectionType(
  'QuarantinedDatagram',
  edgeType<QuarantinedRow>('QuarantinedDatagram', QuarantinedType),
);

@ObjectType('Total')
class TotalType implements Total {
  @Field(() => Int)
  calls!: number;

  @Field(() => TotalBasisType)
  basis!: TotalBasis;
}

@ObjectType()
export class CallConnection extends AnyCallConnection {
  @Field(() => TotalType, {
    nullable: true,
    description: 'How many calls meet the filter, on this page or not; null unless count asks for it.',
  })
  total!: Total | null;
}

@ObjectType()
export class ActiveCallConnection extends AnyCallConnection {
  @Field(() => Int, { description: 'All active calls that meet the filter, on this page or not.' })
  count!: number;
}

/** A page as a connection. */
export function connectionOf<Row>(page: Page<Row> & Told, after: string | null | undefined): Connection<Row> {
  const edges = page.data.map((node) => ({ cursor: page.cursorOf(node), node }));
  const pageInfo: PageInfo = {
    hasNextPage: page.nextCursor !== null,
    hasPreviousPage: typeof after === 'string',
    startCursor: edges[0]?.cursor ?? null,
    endCursor: edges.at(-1)?.cursor ?? null,
  };
  return { edges, pageInfo, asOf: page.asOf, feed: page.feed };
}
