import { Controller, Param, Query } from '@nestjs/common';
import { ApiParam, ApiTags } from '@nestjs/swagger';
import type { Access } from '../../access/access.js';
import { By, ShowsNumbers } from '../../access/decorators.js';
import type { CallRow } from '../../query/contract.js';
import type { Total } from '../../query/calls.js';
import { ACTIVE_QUERY, CALLS_QUERY, TOTAL_BASES } from '../../query/filters.js';
import { type CallDetail, type Raw, Reading } from '../reading.js';
import { found, type ListAnswer, listAnswer, noParameters } from './answer.js';
import { Reads } from './reads.decorator.js';
import { listSchema, reference, type Schema } from './schemas.js';

const COUNT = { type: 'integer', description: 'All active calls that meet the filter, on this page or not.' } as const;

const TOTAL: Schema = {
  type: 'object',
  nullable: true,
  description: 'How many calls meet the filter, on this page or not; null unless count asks for it.',
  properties: { calls: { type: 'integer', format: 'int64' }, basis: { type: 'string', enum: [...TOTAL_BASES] } },
  required: ['calls', 'basis'],
};

@ApiTags('calls')
@Controller('api/v1/calls')
export class CallsController {
  constructor(private readonly reading: Reading) {}

  @ShowsNumbers()
  @Reads('', {
    needs: 'calls:read',
    summary: 'What happened: the history of calls.',
    query: CALLS_QUERY,
    answer: listSchema('Call', { total: TOTAL }),
  })
  async calls(
    @Query() query: Raw,
    @By() access: Access,
  ): Promise<ListAnswer<CallRow> & { readonly total: Total | null }> {
    const page = await this.reading.calls(query, access);
    const { data, ...rest } = listAnswer(page);
    return { data, total: page.total, ...rest };
  }

  @ShowsNumbers()
  @Reads('active', {
    needs: 'calls:read',
    summary: 'What is happening: calls neither ended nor presumed ended.',
    query: ACTIVE_QUERY,
    answer: listSchema('Call', { count: COUNT }),
  })
  async active(@Query() query: Raw, @By() access: Access): Promise<ListAnswer<CallRow> & { readonly count: number }> {
    const active = await this.reading.activeCalls(query, access);
    const { data, ...rest } = listAnswer(active);
    return { data, count: active.count, ...rest };
  }

  @ApiParam({ name: 'id', schema: { type: 'string', format: 'uuid' } })
  @ShowsNumbers()
  @Reads(':id', {
    needs: 'calls:read',
    summary: 'One call with its notifications in order of receipt and its gaps.',
    answer: reference('CallDetail'),
    missing: 'There is no such call.',
  })
  async call(@Param('id') id: string, @Query() query: Raw, @By() access: Access): Promise<CallDetail> {
    noParameters(query);
    return found(await this.reading.callDetail(id, access), 'call with this id');
  }
}
