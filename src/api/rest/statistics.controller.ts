import { Controller, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Access } from '../../access/access.js';
import { By } from '../../access/decorators.js';
import type { FeedRow } from '../../query/contract.js';
import { STATISTICS_QUERY, type StatisticsRow } from '../../query/statistics/contract.js';
import { type Raw, Reading } from '../reading.js';
import { Reads } from './reads.decorator.js';
import { listSchema, type Schema } from './schemas.js';

interface StatisticsAnswer {
  readonly data: readonly StatisticsRow[];
  readonly asOf: Date;
  readonly feed: readonly FeedRow[];
}

/** A list that is never cut into pages. */
function wholeListSchema(row: string): Schema {
  const { properties = {}, ...schema } = listSchema(row);
  const whole = Object.fromEntries(Object.entries(properties).filter(([name]) => name !== 'page'));
  return { ...schema, properties: whole, required: Object.keys(whole) };
}

@ApiTags('statistics')
@Controller('api/v1/statistics')
export class StatisticsController {
  constructor(private readonly reading: Reading) {}

  @Reads('', {
    needs: 'stats:read',
    summary: 'How many calls, how they turned out, how long, how many at once: by bucket and group.',
    query: STATISTICS_QUERY,
    answer: wholeListSchema('StatisticsRow'),
  })
  async statistics(@Query() query: Raw, @By() access: Access): Promise<StatisticsAnswer> {
    const { data, asOf, feed } = await this.reading.statistics(query, access);
    return { data, asOf, feed };
  }
}
