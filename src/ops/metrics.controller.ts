/** What Prometheus scrapes. */
import { Controller, Get, Header } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiResponse, ApiTags } from '@nestjs/swagger';
import { METRICS_TYPE } from './exposition.js';
import { Metrics } from './metrics.js';

@ApiTags('health')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @Header('content-type', METRICS_TYPE)
  @Header('cache-control', 'no-store')
  @ApiOperation({
    summary: 'Metrics for Prometheus, each with its meaning; a database that is away takes only its own.',
  })
  @ApiProduces('text/plain')
  @ApiResponse({ status: 200, description: 'The text format of Prometheus, version 0.0.4.' })
  read(): Promise<string> {
    return this.metrics.scrape();
  }
}
