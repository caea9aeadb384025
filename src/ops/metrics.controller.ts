/** What Prometheus scrapes. */
import { Controller, Get, Header } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { Access } from '../access/access.js';
import { By, Needs } from '../access/decorators.js';
import { METRICS_TYPE } from './exposition.js';
import { MayRefuse } from './health.schemas.js';
import { Metrics } from './metrics.js';

@ApiTags('health')
@Needs('anybody')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @Header('content-type', METRICS_TYPE)
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Metrics for Prometheus, each with its meaning; a database that is away takes only its own.',
  })
  @ApiResponse({
    status: 200,
    description: 'The text format of Prometheus, version 0.0.4.',
    content: { 'text/plain': { schema: { type: 'string' } } },
  })
  @MayRefuse([403, 'From elsewhere than this machine: needs a key with the scope metrics:read.'])
  scrape(@By() access: Access): Promise<string> {
    // What scrapes beside the receiver needs no secret: it could read /proc.
    if (!access.holder.local) {
      access.demand('metrics:read', 'From another machine this');
      access.demandEverySource('What is measured');
    }
    return this.metrics.scrape();
  }
}
