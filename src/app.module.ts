import { type DynamicModule, Module } from '@nestjs/common';
import type { Audit } from './access/audit.js';
import type { Keys } from './access/keys.js';
import { ApiModule } from './api/api.module.js';
import { Reading } from './api/reading.js';
import { Receiving } from './api/receiving.js';
import type { Clock } from './clock.js';
import type { SpoolState } from './ingest/spool/standby.js';
import { HealthController } from './ops/health.controller.js';
import { Health } from './ops/health.js';
import { MetricsController } from './ops/metrics.controller.js';
import { Metrics } from './ops/metrics.js';
import { connectionTo } from './query/export/cursor.js';
import { Exports } from './query/export/exports.js';
import type { SourceSettings } from './sources/settings.js';
import type { Database } from './store/database.js';

/** What main made and the controllers need. */
export interface Parts {
  readonly database: Database;
  readonly clock: Clock;
  readonly reading: Reading;
  readonly sourceSettings: SourceSettings;
  readonly receiving: Receiving;
  readonly keys: Keys;
  readonly audit: Audit;
  readonly metrics: Metrics;
  /** Whether GraphQL tells its schema. */
  readonly introspection: boolean;
  /** What the receiving half finds wrong with itself, in sentences. */
  readonly problems: () => readonly string[];
  readonly spool: () => SpoolState;
}

/** Everything answered over HTTP; what is received over UDP is a module of its own, in main.receiver. */
@Module({})
export class AppModule {
  static over(parts: Parts): DynamicModule {
    const { database, clock, reading, metrics, problems, spool, ...asked } = parts;
    return {
      module: AppModule,
      imports: [
        ApiModule.forRootAsync({
          useFactory: () => reading,
          exports: new Exports(connectionTo(database.url)),
          ...asked,
        }),
      ],
      controllers: [HealthController, MetricsController],
      providers: [
        { provide: Health, useValue: new Health(database.client, clock, problems, spool) },
        { provide: Metrics, useValue: metrics },
      ],
    };
  }
}
