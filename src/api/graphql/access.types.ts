/** Keys and the audit trail as GraphQL shows them. */
import { ArgsType, Field, ID, Int, ObjectType } from '@nestjs/graphql';
import { SCOPE_NAMES } from '../../access/scopes.js';
import type { StoredKey } from '../../access/ports.js';
import { AUDIT, type AuditRow } from '../../query/audit.js';
import { PAGING } from '../../query/filters.js';
import type { Page } from '../../query/page.js';
import { edgeType, PageInfo } from './connections.js';
import { Instant } from './scalars.js';
import { objectOf } from './types.js';

@ObjectType('ApiKey', { description: 'A key, without its secret.' })
export class ApiKeyType {
  @Field(() => ID, { description: 'What may be shown of it; names it.' })
  prefix!: string;

  @Field(() => String, { description: 'What it is for.' })
  name!: string;

  @Field(() => [String])
  scopes!: readonly string[];

  @Field(() => [String], { nullable: true, description: 'Sources it is bound to; null: all.' })
  sources!: readonly string[] | null;

  @Field(() => Instant)
  createdAt!: Date;

  @Field(() => String)
  createdBy!: string;

  @Field(() => Instant, { nullable: true, description: 'When it ends; null: never.' })
  expiresAt!: Date | null;

  @Field(() => Instant, { nullable: true })
  revokedAt!: Date | null;

  @Field(() => String, { nullable: true })
  revokedBy!: string | null;

  @Field(() => Instant, { nullable: true, description: 'To the minute; null: never.' })
  lastUsedAt!: Date | null;
}

@ObjectType('NewApiKey')
export class NewApiKeyType {
  @Field(() => String, { description: 'The key itself. It is kept nowhere: this is the only time it is shown.' })
  secret!: string;

  @Field(() => ApiKeyType)
  key!: ApiKeyType;
}

@ObjectType('Access', { description: 'What this request may see and do.' })
export class AccessType {
  @Field(() => String, { description: 'Name and prefix of the key; operator: no key has been made.' })
  name!: string;

  @Field(() => [String])
  scopes!: readonly string[];

  @Field(() => [String], { nullable: true, description: 'Sources it is bound to; null: all.' })
  sources!: readonly string[] | null;
}

@ArgsType()
export class CreateKeyArguments {
  @Field(() => String, { description: 'What it is for, 1 to 64 characters.' })
  name!: string;

  @Field(() => [String], { description: `Any of ${SCOPE_NAMES.join(', ')}.` })
  scopes!: string[];

  @Field(() => [String], { nullable: true, description: 'Keys of the sources it is bound to; left out: all.' })
  sources?: string[] | null;

  @Field(() => Instant, { nullable: true, description: 'When it ends; left out: never.' })
  expiresAt?: string | null;
}

export const AuditType = objectOf<AuditRow>('AuditEntry', 'One line of the audit trail.', AUDIT);
const AuditEdgeType = edgeType<AuditRow>('AuditEntry', AuditType);

@ObjectType('AuditConnection')
export class AuditConnection {
  @Field(() => [AuditEdgeType])
  edges!: readonly { readonly cursor: string; readonly node: AuditRow }[];

  @Field(() => PageInfo)
  pageInfo!: PageInfo;
}

@ArgsType()
export class AuditArguments {
  @Field(() => Int, { defaultValue: PAGING.limit.preset, description: 'Lines on the page, 1 to 500.' })
  first!: number;

  @Field(() => String, { nullable: true, description: 'Where to go on: endCursor of the page before.' })
  after?: string | null;

  @Field(() => Instant, { nullable: true, description: 'At this time or later.' })
  from?: string | null;

  @Field(() => Instant, { nullable: true, description: 'Before this time.' })
  to?: string | null;

  @Field(() => [String], { nullable: true, description: 'Prefixes of keys.' })
  keyPrefix?: string[] | null;
}

export function apiKeyOf({ hash: _hash, createdAt, expiresAt, revokedAt, lastUsedAt, ...rest }: StoredKey): ApiKeyType {
  return {
    ...rest,
    ...{ createdAt: new Date(createdAt), expiresAt: instantOf(expiresAt) },
    ...{ revokedAt: instantOf(revokedAt), lastUsedAt: instantOf(lastUsedAt) },
  };
}

export function auditConnection(page: Page<AuditRow>, after: string | null | undefined): AuditConnection {
  const edges = page.data.map((node) => ({ cursor: page.cursorOf(node), node }));
  return {
    edges,
    pageInfo: {
      hasNextPage: page.nextCursor !== null,
      hasPreviousPage: typeof after === 'string',
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

function instantOf(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}
