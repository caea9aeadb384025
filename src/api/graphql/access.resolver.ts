import { Args, ID, Mutation, Query, Resolver } from '@nestjs/graphql';
import type { Access } from '../../access/access.js';
import { By, Needs } from '../../access/decorators.js';
import { Keys } from '../../access/keys.js';
import { BadParameters } from '../../query/faults.js';
import { optionalInstant, readParameters } from '../../query/parameters.js';
import { Reading } from '../reading.js';
import {
  AccessType,
  ApiKeyType,
  apiKeyOf,
  AuditArguments,
  AuditConnection,
  auditConnection,
  CreateKeyArguments,
  NewApiKeyType,
} from './access.types.js';

const EXPIRY = { expiresAt: optionalInstant('When the key ends.') };

/** Keys and the audit trail, for administrators; what a key may do, for its holder. */
@Resolver()
export class AccessResolver {
  constructor(
    private readonly keys: Keys,
    private readonly reading: Reading,
  ) {}

  @Needs('known')
  @Query(() => AccessType, { description: 'What this request may see and do.' })
  access(@By() { holder, scopes, sources }: Access): AccessType {
    return { name: holder.name, scopes, sources };
  }

  @Needs('admin')
  @Query(() => [ApiKeyType], { description: 'Every key there is or was, the newest first.' })
  async apiKeys(): Promise<readonly ApiKeyType[]> {
    return (await this.keys.list()).map(apiKeyOf);
  }

  @Needs('admin')
  @Query(() => AuditConnection, { description: 'Who changed what, and who read clear numbers; the newest first.' })
  async auditLog(@Args({ type: () => AuditArguments }) given: AuditArguments): Promise<AuditConnection> {
    const { first, after, ...filter } = given;
    return auditConnection(await this.reading.audit({ ...filter, limit: first, cursor: after }), after);
  }

  @Needs('admin')
  @Mutation(() => NewApiKeyType, { description: 'Makes a key. Its secret is in this answer and nowhere else.' })
  async createApiKey(
    @Args({ type: () => CreateKeyArguments }) { name, scopes, sources, expiresAt }: CreateKeyArguments,
    @By() { holder }: Access,
  ): Promise<NewApiKeyType> {
    const expiry = readParameters(EXPIRY, { expiresAt }).expiresAt ?? null;
    const made = await this.keys.create({ name, scopes, sources: sources ?? null, expiresAt: expiry }, holder);
    if ('faults' in made) throw new BadParameters(made.faults);
    return { secret: made.secret, key: apiKeyOf(made.key) };
  }

  @Needs('admin')
  @Mutation(() => ApiKeyType, {
    description: 'Revokes a key for ever; within a second nothing answers to it any more.',
  })
  async revokeApiKey(
    @Args('prefix', { type: () => ID, description: 'What is shown of the key, such as rl_1a2b3c4d.' }) prefix: string,
    @By() { holder }: Access,
  ): Promise<ApiKeyType> {
    // PostgreSQL keeps no NUL in a text, so no key has one.
    const revoked = prefix.includes('\0') ? null : await this.keys.revoke(prefix, holder);
    if (revoked === null) throw new BadParameters([{ parameter: 'prefix', reason: 'belongs to no key' }]);
    return apiKeyOf(revoked);
  }
}
