import { type DynamicModule, Module } from '@nestjs/common';
import { ApiModule } from './api/api.module.js';
import { Reading } from './api/reading.js';
import type { Clock } from './clock.js';
import { GroupCommit } from './ingest/group-commit.js';
import { Quarantine } from './ingest/quarantine.js';
import { ReportController } from './ingest/report.controller.js';
import { Tally } from './metrics.js';
import { HealthController } from './ops/health.controller.js';
import { Health } from './ops/health.js';
import type { Database } from './store/database.js';

/** What main made and the controllers need. */
export interface Parts {
  readonly database: Database;
  readonly clock: Clock;
  readonly groupCommit: GroupCommit;
  readonly quarantine: Quarantine;
  readonly tally: Tally;
  readonly reading: Reading;
}

/** Controllers over the parts main wired together. */
@Module({})
export class AppModule {
  static over({ database, clock, groupCommit, quarantine, tally, reading }: Parts): DynamicModule {
    return {
      module: AppModule,
      imports: [ApiModule.forRootAsync({ useFactory: () => reading })],
      controllers: [ReportController, HealthController],
      providers: [
        { provide: GroupCommit, useValue: groupCommit },
        { provide: Quarantine, useValue: quarantine },
        { provide: Tally, useValue: tally },
        { provide: Health, useValue: new Health(database.client, clock) },
      ],
    };
  }
}
