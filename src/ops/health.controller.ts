/** Liveness and readiness. */
import { Controller, Get, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import type { Access } from '../access/access.js';
import { By, Needs } from '../access/decorators.js';
import { Health, type Readiness } from './health.js';
import { Answers, LIVENESS, READINESS } from './health.schemas.js';

@ApiTags('health')
@Needs('anybody')
@Controller('health')
export class HealthController {
  constructor(private readonly health: Health) {}

  @Get('live')
  @ApiOperation({ summary: 'The process runs and answers.' })
  @Answers(200, 'It does.', LIVENESS)
  live(): { readonly status: 'live' } {
    return { status: 'live' };
  }

  @Get('ready')
  @ApiOperation({ summary: 'Whether questions can be answered, and what is wrong in words.' })
  @Answers(200, 'Ready; `problems` may still name what impairs the answers.', READINESS)
  @Answers(503, 'Not ready: `problems` says why.', READINESS)
  async ready(@By() access: Access, @Res({ passthrough: true }) response: Response): Promise<Readiness> {
    const readiness = await this.health.check(access);
    response.status(readiness.status === 'ready' ? 200 : 503);
    return readiness;
  }
}
