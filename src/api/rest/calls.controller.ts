import { Controller, Param, Query } from '@nestjs/common';
import { ApiParam, ApiTags } from '@nestjs/swagger';
import type { Access } from '../../access/access.js';
import { By, ShowsNumbers } from '../../access/decorators.js';
import type { CallRow } from '../../query/contract.js';
import { CALLS_QUERY } from '../../query/filters.js';
import { type CallDetail, type Raw, Reading } from '../reading.js';
import { found, type ListAnswer, listAnswer, noParameters } from './answer.js';
import { Reads } from './reads.decorator.js';
import { listSchema, reference } from './schemas.js';

const COUNT = { type: 'integer', description: 'All active calls that meet the filter, on this page or not.' } as const;

@ApiTags('calls')
@Controller('api/v1/calls')
export class CallsController {
  constructor(private readonly reading: Reading) {}

  @ShowsNumbers()
  @Reads('', {
    needs: 'calls:read',
    summary: 'What happened: the history of calls.',
    query: CALLS_QUERY,
    answer: listSchema('Call'),
  })
  async calls(@Query() query: Raw, @By() access: Access): Promise<ListAnswer<CallRow>> {
    return listAnswer(await this.reading.calls(query, access));
  }

  @ShowsNumbers()
  @Reads('active', {
    needs: 'calls:read',
    summary: 'What is happening: calls neither ended nor presumed ended.',
    query: CALLS_QUERY,
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
