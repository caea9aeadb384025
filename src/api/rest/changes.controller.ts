import { Controller, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Access } from '../../access/access.js';
import { By, ShowsNumbers } from '../../access/decorators.js';
import { CHANGES_QUERY, type ChangeRow } from '../../query/changes/contract.js';
import type { FeedRow } from '../../query/contract.js';
import { Following } from '../following.js';
import { whenClosed } from '../gone.js';
import type { Raw } from '../reading.js';
import { Reads } from './reads.decorator.js';
import { reference } from './schemas.js';

/** The changes feed as REST shows it. */
export interface ChangesBody {
  readonly data: readonly ChangeRow[];
  readonly page: { readonly nextCursor: string; readonly more: boolean };
  readonly asOf: Date;
  readonly feed: readonly FeedRow[];
}

@ApiTags('changes')
@Controller('api/v1/changes')
export class ChangesController {
  constructor(private readonly following: Following) {}

  @ShowsNumbers()
  @Reads('', {
    needs: 'changes:read',
    summary: 'Every revision of every call, in the order of their commits: what billing follows (docs/billing.md).',
    query: CHANGES_QUERY,
    answer: reference('ChangePage'),
    gone: 'Changes after the cursor are no longer kept: begin again without after.',
  })
  async changes(
    @Query() query: Raw,
    @By() access: Access,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ChangesBody> {
    const { data, nextCursor, more, asOf, feed } = await this.following.changes(query, access, whenClosed(response));
    return { data, page: { nextCursor, more }, asOf, feed };
  }
}
