import { Controller, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Access } from '../../access/access.js';
import { By, ShowsNumbers } from '../../access/decorators.js';
import type { GapRow, QuarantinedRow, SettingsRow, SourceChangeRow, SourceRow } from '../../query/contract.js';
import { GAPS_QUERY, QUARANTINE_QUERY, SOURCE_CHANGES_QUERY, SOURCES_QUERY } from '../../query/filters.js';
import { type Raw, Reading } from '../reading.js';
import { found, type ListAnswer, listAnswer, noParameters } from './answer.js';
import { Reads } from './reads.decorator.js';
import { listSchema, reference } from './schemas.js';

@ApiTags('ledger')
@Controller('api/v1')
export class LedgerController {
  constructor(private readonly reading: Reading) {}

  @Reads('gaps', {
    needs: 'gaps:read',
    summary: 'What we may have missed: the gap ledger.',
    query: GAPS_QUERY,
    answer: listSchema('Gap'),
  })
  async gaps(@Query() query: Raw, @By() access: Access): Promise<ListAnswer<GapRow>> {
    return listAnswer(await this.reading.gaps(query, access));
  }

  @ShowsNumbers()
  @Reads('quarantine', {
    needs: 'quarantine:read',
    summary: 'Datagrams that could not be stored as notifications, with their bytes.',
    query: QUARANTINE_QUERY,
    answer: listSchema('QuarantinedDatagram'),
  })
  async quarantine(@Query() query: Raw, @By() access: Access): Promise<ListAnswer<QuarantinedRow>> {
    return listAnswer(await this.reading.quarantine(query, access));
  }

  @Reads('sources', {
    needs: 'known',
    summary: 'The IVRs that report here.',
    query: SOURCES_QUERY,
    answer: listSchema('Source'),
  })
  async sources(@Query() query: Raw, @By() access: Access): Promise<ListAnswer<SourceRow>> {
    return listAnswer(await this.reading.sources(query, access));
  }

  @Reads('sources/:key', {
    needs: 'known',
    summary: 'One IVR.',
    answer: reference('Source'),
    missing: 'There is no such source.',
  })
  async source(@Param('key') key: string, @Query() query: Raw, @By() access: Access): Promise<SourceRow> {
    noParameters(query);
    return found(await this.reading.source(key, access), 'source with this key');
  }

  @Reads('sources/:key/changes', {
    needs: 'known',
    summary: 'What was changed of one IVR, with before and after; the newest first.',
    query: SOURCE_CHANGES_QUERY,
    answer: listSchema('SourceChange'),
    missing: 'There is no such source.',
  })
  async sourceChanges(
    @Param('key') key: string,
    @Query() query: Raw,
    @By() access: Access,
  ): Promise<ListAnswer<SourceChangeRow>> {
    return listAnswer(found(await this.reading.sourceChanges(key, query, access), 'source with this key'));
  }

  @Reads('settings', {
    needs: 'known',
    summary: 'The settings in force: what a sender should do, and the limits of this receiver.',
    answer: reference('Settings'),
  })
  async settings(@Query() query: Raw): Promise<SettingsRow> {
    noParameters(query);
    return this.reading.settings();
  }
}
